//! New values as YAML that readers of 1.1 and 1.2 understand alike.

use zeroize::Zeroizing;

use crate::buffer::Buffer;
use crate::json::{is_printable, write_json, write_json_string};
use crate::node::{Content, Node};
use crate::scalar::ScalarType;

/// A text as a literal block.
pub(super) struct Literal {
    pub(super) indicator: &'static str,
    /// Each with the line break before it.
    pub(super) lines: Zeroizing<String>,
}

/// Writes text plain where that is allowed and safe, else in double quotes.
pub(super) fn write_text(text: &str, plain_allowed: bool, out: &mut Buffer) {
    if plain_allowed && is_safe_plain(text) {
        out.push_str(text);
    } else {
        write_json_string(text, out);
    }
}

/// Writes a tree on one line, as JSON.
pub(super) fn write_inline(node: &Node, out: &mut Buffer) -> Option<()> {
    write_json(node, out).ok()
}

/// Writes a list or map as a block whose first line is indented already.
pub(super) fn write_block(
    node: &Node,
    indent: usize,
    line_break: &str,
    out: &mut Buffer,
) -> Option<()> {
    let next_line = |index: usize, indent: usize, out: &mut Buffer| {
        if index > 0 {
            out.push_str(line_break);
            (0..indent).for_each(|_| out.push(' '));
        }
    };
    match &node.content {
        Content::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                next_line(index, indent, out);
                out.push_str("- ");
                if item.is_open_collection() {
                    write_block(item, indent + 2, line_break, out)?;
                } else {
                    write_leaf(item, out)?;
                }
            }
        }
        Content::Mapping(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                next_line(index, indent, out);
                write_text(entry.key(), true, out);
                out.push(':');
                if entry.value.is_open_collection() {
                    next_line(1, indent + 2, out);
                    write_block(&entry.value, indent + 2, line_break, out)?;
                } else {
                    out.push(' ');
                    write_leaf(&entry.value, out)?;
                }
            }
        }
        Content::Scalar(_) | Content::Alias => return None,
    }
    Some(())
}

fn write_leaf(node: &Node, out: &mut Buffer) -> Option<()> {
    match node.text() {
        Some(text) if node.scalar_type() == Some(ScalarType::String) => {
            write_text(text, true, out);
            Some(())
        }
        _ => write_inline(node, out),
    }
}

/// The text as a literal block; `None` where readers could disagree about it.
pub(super) fn literal_lines(text: &str, indent: usize, line_break: &str) -> Option<Literal> {
    let (body, indicator) = match text.strip_suffix('\n') {
        Some(body) => (body, "|"),
        None => (text, "|-"),
    };
    let first = body.split('\n').find(|line| !line.is_empty())?;
    let fits = indent > 0
        && !body.ends_with('\n')
        && !first.starts_with([' ', '\t'])
        && body
            .split('\n')
            .all(|line| line.is_empty() || !line.trim().is_empty())
        && body
            .chars()
            .all(|c| c == '\n' || c == '\t' || is_printable(c));
    if !fits {
        return None;
    }
    let breaks = body.split('\n').count();
    let mut lines = Buffer::with_capacity(body.len() + breaks * (indent + line_break.len()));
    for line in body.split('\n') {
        lines.push_str(line_break);
        if !line.is_empty() {
            (0..indent).for_each(|_| lines.push(' '));
            lines.push_str(line);
        }
    }
    Some(Literal {
        indicator,
        lines: lines.into_text(),
    })
}

/// Whether text without quotes is text to every reader. Stricter than the grammar: all that
/// looks like a number, date or constant starts otherwise or is named here.
fn is_safe_plain(text: &str) -> bool {
    const CONSTANTS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let starts = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '_'));
    starts
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_plain_character)
        && !CONSTANTS
            .iter()
            .any(|constant| text.eq_ignore_ascii_case(constant))
}

fn is_plain_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, ' ' | '!' | '#'..='/' | ':'..='@' | '^' | '_' | '~')
}
