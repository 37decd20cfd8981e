//! From the parser's events to a tree, without recursion.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};
use zeroize::Zeroizing;

use crate::block::{Block, block_header, header_end};
use crate::document::{Document, Limits, MAX_DEPTH};
use crate::error::{ErrorKind, YamlError};
use crate::node::{Content, Entry, Node, Place, Scalar, Span};
use crate::scalar::Style;

/// What a document may use beside plain data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Features {
    /// One document of nothing but data.
    Strict,
    /// Anything, left uninterpreted.
    Lenient,
}

/// A tree under construction.
pub(crate) struct Builder<'a> {
    text: &'a str,
    limits: Limits,
    features: Features,
    open: Vec<Frame>,
    documents: Vec<Document>,
    nodes: usize,
    /// Where the previous token ended: a block scalar's header stands between it and the text.
    previous_end: usize,
}

/// A list or map whose end has not come yet.
struct Frame {
    span: Span,
    place: Place,
    tagged: bool,
    flow: bool,
    children: Children,
}

enum Children {
    Items(Vec<Node>),
    Entries {
        done: Vec<Entry>,
        key: Option<(String, Span)>,
        lines: HashMap<String, usize>,
    },
}

/// What the parser says about a node beside its content.
struct Properties {
    anchored: bool,
    tagged: bool,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(text: &'a str, limits: Limits, features: Features) -> Self {
        let limits = Limits {
            max_depth: limits.max_depth.min(MAX_DEPTH),
            ..limits
        };
        Self {
            text,
            limits,
            features,
            open: Vec::new(),
            documents: Vec::new(),
            nodes: 0,
            previous_end: 0,
        }
    }

    pub(crate) fn build(mut self) -> Result<Vec<Document>, YamlError> {
        let options = granit_parser::options! {
            disallow_directives: self.features == Features::Strict,
            emit_comments: false,
            flow_nesting_limit: self.limits.max_depth,
            block_nesting_limit: self.limits.max_depth,
        };
        for event in Parser::new_from_str_with_options(self.text, options) {
            let (event, span) = event?;
            // An implicit start shows the span of the token after it, an empty span any place.
            let real = !matches!(event, Event::DocumentStart(false, _))
                && span.start.index() != span.end.index();
            self.event(event, span)?;
            if let Some(end) = span.end.byte_offset().filter(|_| real) {
                self.previous_end = end;
            }
        }
        Ok(self.documents)
    }

    fn event(&mut self, event: Event<'_>, raw: granit_parser::Span) -> Result<(), YamlError> {
        let span = Span::of(raw);
        match event {
            Event::DocumentStart(..) => self.document_start(span),
            Event::Scalar(text, style, anchor, tag) => {
                let properties = Properties {
                    anchored: anchor != 0,
                    tagged: tag.is_some(),
                };
                let scalar = self.scalar(text, style, &raw);
                self.place_scalar(scalar, span, &properties)
            }
            Event::SequenceStart(style, anchor, tag) => {
                let properties = Properties {
                    anchored: anchor != 0,
                    tagged: tag.is_some(),
                };
                self.open(Children::Items(Vec::new()), style, span, &properties)
            }
            Event::MappingStart(style, anchor, tag) => {
                let properties = Properties {
                    anchored: anchor != 0,
                    tagged: tag.is_some(),
                };
                let children = Children::Entries {
                    done: Vec::new(),
                    key: None,
                    lines: HashMap::new(),
                };
                self.open(children, style, span, &properties)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(_) => self.alias(span),
            _ => Ok(()),
        }
    }

    fn document_start(&self, span: Span) -> Result<(), YamlError> {
        if self.features == Features::Strict && !self.documents.is_empty() {
            return Err(span.error(
                ErrorKind::MultipleDocuments,
                "a second document starts here; only one is allowed",
            ));
        }
        Ok(())
    }

    fn scalar(&self, text: Cow<'_, str>, style: ScalarStyle, raw: &granit_parser::Span) -> Scalar {
        let style = match style {
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
            _ => Style::Plain,
        };
        let block = matches!(style, Style::Literal | Style::Folded)
            .then(|| raw.end.byte_offset())
            .flatten()
            .map(|end| Block {
                end,
                indent: raw.indent.unwrap_or(0),
            });
        // The parser calls an absent node `~`.
        let absent = style == Style::Plain && raw.start.index() == raw.end.index();
        let text = if absent {
            String::new()
        } else {
            text.into_owned()
        };
        Scalar {
            text: Zeroizing::new(text),
            style,
            block,
        }
    }

    fn place_scalar(
        &mut self,
        scalar: Scalar,
        mut span: Span,
        properties: &Properties,
    ) -> Result<(), YamlError> {
        self.admit(span, properties)?;
        if let Some(block) = scalar.block {
            span.end = block.end;
            span = block_header(self.text, self.previous_end, span).unwrap_or(span);
            self.previous_end = header_end(self.text, span.start);
        }
        if self.awaits_key() {
            return self.key(&scalar, span);
        }
        let place = self.place();
        let content = Content::Scalar(scalar);
        self.add(Node {
            span,
            content,
            place,
            tagged: properties.tagged,
        });
        Ok(())
    }

    fn alias(&mut self, span: Span) -> Result<(), YamlError> {
        self.admit(
            span,
            &Properties {
                anchored: true,
                tagged: false,
            },
        )?;
        self.refuse_as_key(span)?;
        let place = self.place();
        self.add(Node {
            span,
            content: Content::Alias,
            place,
            tagged: false,
        });
        Ok(())
    }

    fn open(
        &mut self,
        children: Children,
        style: StructureStyle,
        span: Span,
        properties: &Properties,
    ) -> Result<(), YamlError> {
        self.admit(span, properties)?;
        self.refuse_as_key(span)?;
        if self.open.len() >= self.limits.max_depth {
            return Err(span.error(ErrorKind::TooDeep, "lists and maps are nested too deeply"));
        }
        let place = self.place();
        let flow = place == Place::Flow || style == StructureStyle::Flow;
        self.open.push(Frame {
            span,
            place,
            tagged: properties.tagged,
            flow,
            children,
        });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), YamlError> {
        let Some(frame) = self.open.pop() else {
            return Err(end.error(ErrorKind::Syntax, "invalid YAML"));
        };
        let content = match frame.children {
            Children::Items(items) => Content::Sequence(items),
            Children::Entries { done, .. } => Content::Mapping(done),
        };
        let span = Span {
            end: end.end,
            ..frame.span
        };
        self.add(Node {
            span,
            content,
            place: frame.place,
            tagged: frame.tagged,
        });
        Ok(())
    }

    /// Counts a node and checks what stands before it.
    fn admit(&mut self, span: Span, properties: &Properties) -> Result<(), YamlError> {
        self.nodes += 1;
        if self.nodes > self.limits.max_nodes {
            let message = format!("more than {} keys and values", self.limits.max_nodes);
            return Err(span.error(ErrorKind::TooLarge, message));
        }
        if self.features == Features::Lenient {
            return Ok(());
        }
        if properties.anchored {
            return Err(span.error(
                ErrorKind::Anchor,
                "anchors and aliases are not allowed here",
            ));
        }
        if properties.tagged {
            return Err(span.error(ErrorKind::Tag, "tags (`!`) are not allowed here"));
        }
        Ok(())
    }

    fn awaits_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|frame| matches!(frame.children, Children::Entries { key: None, .. }))
    }

    fn refuse_as_key(&self, span: Span) -> Result<(), YamlError> {
        if self.awaits_key() {
            return Err(span.error(ErrorKind::ComplexKey, "a key must be text"));
        }
        Ok(())
    }

    fn key(&mut self, scalar: &Scalar, span: Span) -> Result<(), YamlError> {
        let text = scalar.text.as_str();
        if self.features == Features::Strict && text == "<<" && scalar.style == Style::Plain {
            return Err(span.error(ErrorKind::Anchor, "merge keys (`<<`) are not allowed here"));
        }
        if let Some(Frame {
            children: Children::Entries { key, lines, .. },
            ..
        }) = self.open.last_mut()
        {
            if let Some(first) = lines.insert(text.to_owned(), span.line) {
                let message = format!("duplicate key {}, first on line {first}", quoted(text));
                return Err(span.error(ErrorKind::DuplicateKey, message));
            }
            *key = Some((text.to_owned(), span));
        }
        Ok(())
    }

    fn place(&self) -> Place {
        match self.open.last() {
            None => Place::Root,
            Some(frame) if frame.flow => Place::Flow,
            Some(frame) => match &frame.children {
                Children::Items(_) => Place::Item,
                Children::Entries { key, .. } => {
                    let column = key.as_ref().map_or(1, |(_, span)| span.column);
                    Place::Value {
                        key_column: column.saturating_sub(1),
                    }
                }
            },
        }
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut().map(|frame| &mut frame.children) {
            None => self.documents.push(Document { root: node }),
            Some(Children::Items(items)) => items.push(node),
            Some(Children::Entries { done, key, .. }) => {
                if let Some((key, key_span)) = key.take() {
                    done.push(Entry {
                        key,
                        key_span,
                        value: node,
                    });
                }
            }
        }
    }
}

fn quoted(key: &str) -> String {
    const SHOWN: usize = 64;
    let mut shown: String = key
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if key.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

impl Span {
    fn of(raw: granit_parser::Span) -> Self {
        Self {
            start: raw.start.byte_offset().unwrap_or_default(),
            end: raw.end.byte_offset().unwrap_or_default(),
            line: raw.start.line(),
            column: raw.start.col() + 1,
        }
    }

    pub(crate) fn error(self, kind: ErrorKind, message: impl Into<String>) -> YamlError {
        YamlError::new(kind, self.line, self.column, message)
    }
}

impl Node {
    /// The root of an empty text.
    pub(crate) fn absent() -> Self {
        let scalar = Scalar {
            text: Zeroizing::default(),
            style: Style::Plain,
            block: None,
        };
        let span = Span {
            start: 0,
            end: 0,
            line: 1,
            column: 1,
        };
        Self {
            span,
            content: Content::Scalar(scalar),
            place: Place::Root,
            tagged: false,
        }
    }
}
