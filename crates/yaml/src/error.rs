//! Why a document was refused, and where.

use std::fmt;

use granit_parser::{ErrorKind as Scan, ScanError};

/// A refusal with its position. It never holds the content of a value, since the document may
/// hold secrets; it may name a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    kind: ErrorKind,
    line: usize,
    column: usize,
    message: String,
}

/// What a [`YamlError`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is no YAML.
    Syntax,
    /// A map holds the same key twice.
    DuplicateKey,
    /// An anchor, alias or merge key stands where none is allowed, or an alias has no anchor.
    Anchor,
    /// A tag such as `!custom` stands where none is allowed.
    Tag,
    /// A key is a list, a map or an alias.
    ComplexKey,
    /// A second document follows where one is expected.
    MultipleDocuments,
    /// Lists and maps are nested deeper than the limit.
    TooDeep,
    /// The text or its number of nodes is over the limit.
    TooLarge,
    /// A node cannot be replaced, or the result would not read back as intended.
    Splice,
}

impl YamlError {
    pub(crate) fn new(
        kind: ErrorKind,
        line: usize,
        column: usize,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            line,
            column,
            message: message.into(),
        }
    }

    /// What the error is about.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The reason without its position.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )
    }
}

impl std::error::Error for YamlError {}

impl From<ScanError> for YamlError {
    /// Maps by kind to texts of our own, because the parser's text may quote the document.
    fn from(error: ScanError) -> Self {
        let (kind, message) = describe(error.kind());
        let marker = error.marker();
        Self::new(kind, marker.line(), marker.col() + 1, message)
    }
}

fn describe(kind: &Scan) -> (ErrorKind, &'static str) {
    let kind_of_error = match kind {
        Scan::UnknownAnchor => ErrorKind::Anchor,
        Scan::RecursionLimitExceeded => ErrorKind::TooDeep,
        Scan::UndeclaredTagHandle => ErrorKind::Tag,
        _ => ErrorKind::Syntax,
    };
    (
        kind_of_error,
        structure(kind)
            .or_else(|| scalar(kind))
            .unwrap_or("invalid YAML"),
    )
}

fn structure(kind: &Scan) -> Option<&'static str> {
    Some(match kind {
        Scan::UnknownAnchor => "an alias names no anchor of this document",
        Scan::RecursionLimitExceeded => "lists and maps are nested too deeply",
        Scan::UndeclaredTagHandle => "a tag uses an undeclared handle",
        Scan::DirectiveDisallowed => "directives (`%`) are not allowed",
        Scan::UnclosedFlowCollection { .. }
        | Scan::UnexpectedEofFlowSequence
        | Scan::UnexpectedEofFlowMapping
        | Scan::UnexpectedEofImplicitFlowMapping => "a `[` or `{` is never closed",
        Scan::MisplacedFlowCollectionEnd | Scan::MismatchedFlowCollectionEnd { .. } => {
            "a `]` or `}` closes nothing that is open"
        }
        Scan::ExpectedFlowMappingSeparator => "expected `,` or `}`",
        Scan::ExpectedFlowSequenceSeparator => "expected `,` or `]`",
        Scan::ExpectedBlockMappingKey => "expected a key at this indentation",
        Scan::SimpleKeyExpected | Scan::InvalidSimpleKey => "expected `key: value`",
        Scan::ExpectedBlockSequenceEntry => "expected a list item (`- `) at this indentation",
        Scan::MappingValueNotAllowed | Scan::MappingKeyNotAllowed => {
            "a `: ` is not allowed here; quote the value if it holds one"
        }
        Scan::BlockSequenceEntryNotAllowed | Scan::BlockEntryInFlowCollection => {
            "a list item (`- `) is not allowed here"
        }
        Scan::InvalidIndentation => "wrong indentation",
        Scan::TabInBlockIndentation | Scan::TabInIndentation | Scan::TabNotAllowed => {
            "a tab cannot be used here; indent with spaces"
        }
        _ => return None,
    })
}

fn scalar(kind: &Scan) -> Option<&'static str> {
    Some(match kind {
        Scan::UnclosedQuotedScalar => "a quoted text is never closed",
        Scan::InvalidTrailingSingleQuotedScalar | Scan::InvalidTrailingDoubleQuotedScalar => {
            "unexpected text after a quoted text"
        }
        Scan::UnknownQuotedScalarEscape
        | Scan::InvalidQuotedScalarHexEscape
        | Scan::InvalidUnicodeEscape
        | Scan::InvalidLowSurrogateHexEscape
        | Scan::InvalidLowSurrogate
        | Scan::MissingLowSurrogate
        | Scan::UnpairedLowSurrogate => "invalid escape in a quoted text",
        Scan::UnexpectedCharacter { .. } => "a character that cannot stand here; quote the value",
        Scan::BomInsideDocument => "a byte-order mark inside the document",
        Scan::InvalidBlockScalarIndent | Scan::TabAtBlockScalarStart => {
            "wrong indentation in a block text"
        }
        Scan::InvalidBlockScalarHeader | Scan::ZeroBlockScalarIndent => {
            "invalid header of a block text"
        }
        Scan::CommentNotSeparated => "a comment needs a space before its `#`",
        Scan::CommentInterceptedScalar => "a comment interrupts a text of several lines",
        _ => return None,
    })
}
