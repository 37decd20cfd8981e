//! The tree: nodes, their content and where they stand.

use std::fmt;

use zeroize::Zeroizing;

use crate::block::Block;
use crate::path::PathSegment;
use crate::scalar::{ScalarType, Style, plain_type};

/// Where something stands in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

/// A scalar, a list, a map or an alias. `Debug` shows its shape, never a value.
pub struct Node {
    pub(crate) span: Span,
    pub(crate) content: Content,
    pub(crate) place: Place,
    pub(crate) tagged: bool,
}

/// What a [`Node`] holds.
#[derive(Debug)]
pub enum Content {
    /// Text with its style.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A map in the order of the document.
    Mapping(Vec<Entry>),
    /// A `*name`, left unresolved.
    Alias,
}

/// The text of a scalar, wiped on drop.
pub struct Scalar {
    pub(crate) text: Zeroizing<String>,
    pub(crate) style: Style,
    pub(crate) block: Option<Block>,
}

/// One key of a map and its value.
#[derive(Debug)]
pub struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

/// What decides how a replacement may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Root,
    /// Inside `[…]` or `{…}`.
    Flow,
    /// The value of a block map whose key starts at this column (from 0).
    Value {
        key_column: usize,
    },
    /// An item of a block list.
    Item,
}

impl Node {
    /// Where the node stands. An anchor or tag before it is not part of the span.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What the node holds.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The text of a scalar of any type; `None` for lists, maps and aliases.
    pub fn text(&self) -> Option<&str> {
        self.scalar().map(Scalar::text)
    }

    /// The type of a scalar; a scalar with a tag counts as text.
    pub fn scalar_type(&self) -> Option<ScalarType> {
        let scalar = self.scalar()?;
        let typed = scalar.style == Style::Plain && !self.tagged;
        Some(if typed {
            plain_type(&scalar.text)
        } else {
            ScalarType::String
        })
    }

    /// The scalar, if the node is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Whether it is a list or map that holds something.
    pub(crate) fn is_open_collection(&self) -> bool {
        !self.entries().is_empty() || !self.items().is_empty()
    }

    /// The entry of a map with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The node at `path` below this one.
    pub fn find(&self, path: &[PathSegment<'_>]) -> Option<&Self> {
        path.iter().try_fold(self, |node, segment| match segment {
            PathSegment::Key(key) => node.entry(key).map(Entry::value),
            PathSegment::Index(index) => node.items().get(*index),
        })
    }
}

impl Scalar {
    /// The text as its reader sees it, without quotes and escapes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it is written.
    pub fn style(&self) -> Style {
        self.style
    }
}

impl Entry {
    /// The key as text, whatever its type.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Where the key stands.
    pub fn key_span(&self) -> Span {
        self.key_span
    }

    /// The value.
    pub fn value(&self) -> &Node {
        &self.value
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("line", &self.span.line)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scalar")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}
