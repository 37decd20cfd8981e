//! Documents and streams of them: parsing, finding and iterating.

use crate::builder::{Builder, Features};
use crate::error::{ErrorKind, YamlError};
use crate::node::{Content, Entry, Node, Span};
use crate::path::{Path, PathSegment};
use crate::scalar::ScalarType;

/// How large a text may be before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole text.
    pub max_bytes: usize,
    /// Lists and maps inside each other; never more than 128, whatever stands here.
    pub max_depth: usize,
    /// Scalars (keys too), lists, maps and aliases.
    pub max_nodes: usize,
}

impl Limits {
    /// For a configuration file: 256 KiB, 16 levels, 20,000 nodes.
    pub const CONFIG: Self = Self {
        max_bytes: 256 * 1024,
        max_depth: 16,
        max_nodes: 20_000,
    };

    /// For files of secrets and files to render: 16 MiB, 128 levels, 1,000,000 nodes.
    pub const RENDER: Self = Self {
        max_bytes: 16 * 1024 * 1024,
        max_depth: MAX_DEPTH,
        max_nodes: 1_000_000,
    };

    /// For texts that we wrote ourselves.
    pub(crate) const OWN: Self = Self {
        max_bytes: usize::MAX,
        max_depth: MAX_DEPTH,
        max_nodes: usize::MAX,
    };
}

/// INVARIANT: no tree is deeper than this, so walking and dropping one may recurse.
pub(crate) const MAX_DEPTH: usize = 128;

/// One document as a tree.
#[derive(Debug)]
pub struct Document {
    pub(crate) root: Node,
}

impl Document {
    /// Reads a text that must be one document without anchors, aliases, merge keys, tags and
    /// directives. An empty text is the document `null`.
    ///
    /// # Errors
    ///
    /// The first reason to refuse the text, with its position.
    pub fn parse(text: &str, limits: Limits) -> Result<Self, YamlError> {
        let mut documents = parse(text, limits, Features::Strict)?;
        Ok(documents.pop().unwrap_or_else(|| Self {
            root: Node::absent(),
        }))
    }

    /// The value that holds everything else.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The node at `path`.
    pub fn find(&self, path: &[PathSegment<'_>]) -> Option<&Node> {
        self.root.find(path)
    }

    /// The position of `path`: of its key if it ends in one, else of the item.
    pub fn locate(&self, path: &[PathSegment<'_>]) -> Option<Span> {
        let Some((last, parents)) = path.split_last() else {
            return Some(self.root.span);
        };
        let parent = self.find(parents)?;
        match last {
            PathSegment::Key(key) => parent.entry(key).map(Entry::key_span),
            PathSegment::Index(index) => parent.items().get(*index).map(Node::span),
        }
    }

    /// The position of the longest existing beginning of `path`, for a key that is missing.
    pub fn nearest(&self, path: &[PathSegment<'_>]) -> Span {
        let lengths = (0..=path.len()).rev();
        lengths
            .filter_map(|length| path.get(..length))
            .find_map(|start| self.locate(start))
            .unwrap_or(self.root.span)
    }

    /// Every scalar that is text, with its path, in the order of the document. Keys are not
    /// among them.
    pub fn scalars(&self) -> Scalars<'_> {
        Scalars {
            path: Vec::new(),
            open: Vec::new(),
            root: Some(&self.root),
        }
    }
}

/// The documents of a text that may hold several, separated by `---`, as manifests do.
///
/// Unlike [`Document::parse`] it lets anchors, aliases, merge keys, tags and directives pass:
/// they are not interpreted, so an alias is a leaf and a scalar with a tag is text.
#[derive(Debug)]
pub struct Stream {
    documents: Vec<Document>,
}

impl Stream {
    /// Reads all documents of a text; an empty text holds none.
    ///
    /// # Errors
    ///
    /// The first reason to refuse the text, with its position.
    pub fn parse(text: &str, limits: Limits) -> Result<Self, YamlError> {
        parse(text, limits, Features::Lenient).map(|documents| Self { documents })
    }

    /// The documents in order.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }
}

fn parse(text: &str, limits: Limits, features: Features) -> Result<Vec<Document>, YamlError> {
    if text.len() > limits.max_bytes {
        let message = format!("the text is larger than {} bytes", limits.max_bytes);
        return Err(YamlError::new(ErrorKind::TooLarge, 1, 1, message));
    }
    refuse_control_characters(text)?;
    Builder::new(text, limits, features).build()
}

/// The parser stops at a NUL in some places as if the text ended there.
fn refuse_control_characters(text: &str) -> Result<(), YamlError> {
    let refused = |b: u8| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r');
    let Some(position) = text.bytes().position(refused) else {
        return Ok(());
    };
    let before = text.get(..position).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    Err(YamlError::new(
        ErrorKind::Syntax,
        line,
        column,
        "a control character; write it as an escape in `\"…\"`",
    ))
}

/// An iterator over the texts of a document; see [`Document::scalars`].
#[derive(Debug)]
pub struct Scalars<'a> {
    root: Option<&'a Node>,
    open: Vec<Children<'a>>,
    path: Vec<PathSegment<'a>>,
}

#[derive(Debug)]
enum Children<'a> {
    Items(std::iter::Enumerate<std::slice::Iter<'a, Node>>),
    Entries(std::slice::Iter<'a, Entry>),
}

impl<'a> Children<'a> {
    fn of(node: &'a Node) -> Option<Self> {
        match &node.content {
            Content::Sequence(items) => Some(Self::Items(items.iter().enumerate())),
            Content::Mapping(entries) => Some(Self::Entries(entries.iter())),
            Content::Scalar(_) | Content::Alias => None,
        }
    }

    fn step(&mut self) -> Option<(PathSegment<'a>, &'a Node)> {
        match self {
            Self::Items(items) => items
                .next()
                .map(|(index, item)| (PathSegment::Index(index), item)),
            Self::Entries(entries) => entries
                .next()
                .map(|entry| (PathSegment::Key(entry.key()), entry.value())),
        }
    }
}

impl<'a> Iterator for Scalars<'a> {
    type Item = (Path<'a>, &'a Node);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let node = match self.root.take() {
                Some(root) => root,
                None => self.advance()?,
            };
            if let Some(children) = Children::of(node) {
                self.open.push(children);
            } else if node.scalar_type() == Some(ScalarType::String) {
                return Some((Path(self.path.clone()), node));
            }
        }
    }
}

impl<'a> Scalars<'a> {
    /// The next node; leaves `path` at it.
    fn advance(&mut self) -> Option<&'a Node> {
        loop {
            let depth = self.open.len().checked_sub(1)?;
            self.path.truncate(depth);
            if let Some((segment, node)) = self.open.last_mut()?.step() {
                self.path.push(segment);
                return Some(node);
            }
            self.open.pop();
        }
    }
}
