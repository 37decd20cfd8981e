//! Random documents: nested maps and lists in every style, with comments.

use std::fmt::Write as _;

use proptest::prelude::*;

/// A document before it is written. `u8` chooses among the styles a node can have.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Text(String, u8),
    List(Vec<Self>, u8),
    Map(Vec<Self>, u8),
}

impl Tree {
    /// The same tree with no text as a block.
    pub(crate) fn without_blocks(self) -> Self {
        let each = |trees: Vec<Self>| trees.into_iter().map(Self::without_blocks).collect();
        match self {
            Self::Text(text, style) if style % 8 > 5 => Self::Text(text, style - 6),
            Self::Text(..) => self,
            Self::List(items, style) => Self::List(each(items), style),
            Self::Map(values, style) => Self::Map(each(values), style),
        }
    }
}

/// Texts of every kind, the ones that trip readers among them.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    let tricky = [
        "",
        " ",
        "null",
        "~",
        "yes",
        "No",
        "on",
        "y",
        "true",
        "010",
        "1_000",
        "1:30",
        "2024-01-01",
        "1e5",
        ".inf",
        "0x10",
        "# no comment",
        "a #b",
        "a: b",
        "a:",
        ": a",
        "- a",
        "-",
        "?",
        "? a",
        "%a",
        "@a",
        "`a",
        "!a",
        "&a",
        "*a",
        "<<",
        "=",
        "a\nb",
        "a\nb\n",
        "\na",
        "a\n\n",
        "\n",
        "a\n\nb\n",
        " a\nb",
        "a\n  b\n",
        "a \nb",
        "\ta",
        "a\t",
        "a\r\nb",
        "a\rb",
        "---",
        "...",
        "--- a\n...\n",
        "{a}",
        "[a]",
        "a, b",
        "\"a\"",
        "'a'",
        "it's",
        "back\\slash",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}a",
        "\u{fffe}",
        "\u{1f600}",
        "é ü",
        "${secret://a:b}",
        "|",
        ">",
        "| a\n b",
        "a|b",
        "postgres://u:p@h/d?x=1#f",
    ];
    prop_oneof![
        3 => prop::sample::select(tricky.to_vec()).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => "[ -~]{0,30}",
        1 => "[a-z \n#:'\"-]{0,20}",
    ]
}

pub(crate) fn any_tree() -> impl Strategy<Value = Tree> {
    let words = prop::sample::select(vec![
        "${secret://aws:postgres}",
        "word",
        "two words",
        "with é and ü",
        "https://x/y#z",
        "many words here and there",
        "${a} and ${b}",
        "x",
    ]);
    let leaf = (words, any::<u8>()).prop_map(|(text, style)| Tree::Text(text.to_owned(), style));
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            (prop::collection::vec(inner.clone(), 1..4), any::<u8>())
                .prop_map(|(items, style)| Tree::List(items, style)),
            (prop::collection::vec(inner, 1..4), any::<u8>())
                .prop_map(|(values, style)| Tree::Map(values, style)),
        ]
    })
}

/// Writes a tree with the given line break; every comment is `#c` and a number.
pub(crate) fn write(tree: &Tree, line_break: &str) -> String {
    let mut writer = Writer {
        out: String::new(),
        comments: 0,
    };
    writer.block(tree, 0, 0);
    if !writer.out.ends_with('\n') {
        writer.out.push('\n');
    }
    writer.out.replace('\n', line_break)
}

/// Writes a tree as JSON, over several lines or not.
pub(crate) fn write_as_json(tree: &Tree, pretty: bool) -> String {
    fn value(tree: &Tree) -> serde_json::Value {
        match tree {
            Tree::Text(text, _) => text.as_str().into(),
            Tree::List(items, _) => items.iter().map(value).collect(),
            Tree::Map(values, _) => serde_json::Value::Object(
                values
                    .iter()
                    .enumerate()
                    .map(|(index, v)| (format!("k{index}"), value(v)))
                    .collect(),
            ),
        }
    }
    let value = value(tree);
    if pretty {
        serde_json::to_string_pretty(&value)
    } else {
        serde_json::to_string(&value)
    }
    .unwrap()
}

struct Writer {
    out: String,
    comments: usize,
}

impl Writer {
    fn comment(&mut self, wanted: bool) {
        if wanted {
            self.comments += 1;
            write!(self.out, " #c{}", self.comments).unwrap();
        }
    }

    /// Writes a node after `key:` or `-`; `indent` is what its own lines get.
    fn block(&mut self, tree: &Tree, indent: usize, parent: usize) {
        let pad = " ".repeat(indent);
        match tree {
            Tree::Text(text, style) => self.text(text, *style, indent.max(parent + 1)),
            Tree::List(_, style) | Tree::Map(_, style) if style % 4 == 0 => {
                self.separate();
                self.flow(tree);
                self.comment(style % 3 == 0);
            }
            Tree::List(items, style) => {
                self.separate();
                for (index, item) in items.iter().enumerate() {
                    if index == 0 && style % 2 == 0 && self.compact_allowed() {
                        self.out.push('-');
                    } else {
                        self.own_line(*style);
                        write!(self.out, "{pad}-").unwrap();
                    }
                    self.block(item, indent + 2, indent);
                }
            }
            Tree::Map(values, style) => {
                self.separate();
                let quote = if style % 5 == 1 { "\"" } else { "" };
                for (index, value) in values.iter().enumerate() {
                    if index == 0 && self.compact_allowed() {
                        write!(self.out, "{quote}k{index}{quote}:").unwrap();
                    } else {
                        self.own_line(*style);
                        write!(self.out, "{pad}{quote}k{index}{quote}:").unwrap();
                    }
                    self.block(value, indent + 1 + usize::from(style % 3), indent);
                }
            }
        }
    }

    /// A space after `-`; blocks under a key start a new line.
    fn separate(&mut self) {
        if self.out.ends_with('-') {
            self.out.push(' ');
        }
    }

    fn compact_allowed(&self) -> bool {
        self.out.is_empty() || self.out.ends_with("- ")
    }

    fn own_line(&mut self, style: u8) {
        let fresh = self.out.is_empty() || self.out.ends_with('\n');
        if !fresh {
            while self.out.ends_with(' ') {
                self.out.pop();
            }
            self.out.push('\n');
        }
        if style.is_multiple_of(7) && !self.out.is_empty() {
            self.comments += 1;
            writeln!(self.out, "\n#c{}", self.comments).unwrap();
        }
    }

    fn text(&mut self, text: &str, style: u8, indent: usize) {
        let pad = " ".repeat(indent);
        let folded = text.replace(' ', &format!("\n{pad}"));
        let space = if self.out.is_empty() { "" } else { " " };
        let commented = style % 16 > 7;
        match style % 8 {
            0 => write!(self.out, "{space}{text}").unwrap(),
            1 => write!(self.out, "{space}'{text}'").unwrap(),
            2 => write!(self.out, "{space}\"{text}\"").unwrap(),
            3 => write!(self.out, "{space}{folded}").unwrap(),
            4 => write!(self.out, "{space}\"{folded}\"").unwrap(),
            5 => write!(self.out, "{space}&anchor {text}").unwrap(),
            block => {
                write!(self.out, "{space}{}", if block == 6 { "|" } else { ">-" }).unwrap();
                self.comment(commented);
                let lines = if style % 32 > 15 {
                    folded
                } else {
                    text.to_owned()
                };
                write!(self.out, "\n{}{lines}\n", " ".repeat(indent.max(1))).unwrap();
                if style % 64 > 31 {
                    self.out.push('\n');
                }
                return;
            }
        }
        self.comment(commented);
        self.out.push('\n');
    }

    fn flow(&mut self, tree: &Tree) {
        if self.out.ends_with(':') {
            self.out.push(' ');
        }
        let (items, open, close) = match tree {
            Tree::Text(text, style) => {
                let quote = if style % 2 == 0 { '"' } else { '\'' };
                return write!(self.out, "{quote}{text}{quote}").unwrap();
            }
            Tree::List(items, _) => (items, '[', ']'),
            Tree::Map(values, _) => (values, '{', '}'),
        };
        self.out.push(open);
        for (index, item) in items.iter().enumerate() {
            self.out.push_str(if index > 0 { ", " } else { "" });
            if open == '{' {
                write!(self.out, "k{index}: ").unwrap();
            }
            self.flow(item);
        }
        self.out.push(close);
    }
}
