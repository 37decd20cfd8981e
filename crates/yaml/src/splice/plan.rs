//! Which bytes change when a scalar is replaced.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::buffer::Buffer;
use crate::node::{Node, Place, Scalar};
use crate::scalar::Style;
use crate::splice::write::{literal_lines, write_block, write_inline, write_text};
use crate::splice::{Edit, Value};

/// A scalar to replace, in its source.
pub(super) struct Target<'a> {
    pub(super) source: &'a str,
    pub(super) node: &'a Node,
    pub(super) scalar: &'a Scalar,
}

impl Target<'_> {
    /// The edits in the order of the source; `None` if the source is not what was parsed.
    pub(super) fn plan(&self, value: &Value) -> Option<Vec<Edit>> {
        if self.scalar.block.is_some() {
            return self.plan_block_scalar(value);
        }
        match value {
            Value::Tree(tree) if tree.root.is_open_collection() => match self.block_start() {
                Some(start) => self.plan_block(&tree.root, &start),
                None => self.plan_inline(value),
            },
            _ => self.plan_inline(value),
        }
    }

    fn plan_inline(&self, value: &Value) -> Option<Vec<Edit>> {
        let span = self.node.span;
        Some(vec![Edit {
            range: span.start..span.end,
            text: self.inline(value)?,
        }])
    }

    fn inline(&self, value: &Value) -> Option<Zeroizing<String>> {
        let flow = self.node.place == Place::Flow;
        let mut out = Buffer::default();
        match value {
            Value::Text(text) => {
                out = Buffer::with_capacity(text.len() + text.len() / 8 + 2);
                write_text(text, !flow && self.scalar.style == Style::Plain, &mut out);
            }
            Value::Tree(tree) => write_inline(&tree.root, &mut out)?,
        }
        Some(out.into_text())
    }

    /// Puts a map or list below its key, or where the scalar stood.
    fn plan_block(&self, tree: &Node, start: &BlockStart) -> Option<Vec<Edit>> {
        let (span, line_break) = (self.node.span, self.line_break());
        let mut out = Buffer::default();
        write_block(tree, start.indent, line_break, &mut out)?;
        let block = out.into_text();
        let (first, rest) = if start.in_place {
            block.split_once(line_break).unwrap_or((&block, ""))
        } else {
            ("", block.as_str())
        };
        let mut lines = Buffer::default();
        if !rest.is_empty() {
            lines.push_str(line_break);
            if !start.in_place {
                (0..start.indent).for_each(|_| lines.push(' '));
            }
            lines.push_str(rest);
        }
        let first = Edit {
            range: start.from..span.end,
            text: Zeroizing::new(first.to_owned()),
        };
        let rest = Edit {
            range: start.line_end..start.line_end,
            text: lines.into_text(),
        };
        Some(vec![first, rest])
    }

    /// Where a block may start; `None` where only `{…}` and `[…]` fit.
    fn block_start(&self) -> Option<BlockStart> {
        if self.node.place == Place::Flow {
            return None;
        }
        let span = self.node.span;
        let before = self.line_before(span.start)?;
        let after = self.source.get(span.end..)?;
        let after = after.get(..after.find(['\n', '\r']).unwrap_or(after.len()))?;
        let line_end = span.end + after.len();
        let comment = after.trim_start_matches([' ', '\t']);
        if !comment.is_empty() && !comment.starts_with('#') {
            return None;
        }
        let lead = before.trim_end_matches(' ');
        let own_line = lead.is_empty();
        let after_dash = self.node.place == Place::Item
            && lead.ends_with('-')
            && lead.len() < before.len()
            && lead.chars().all(|c| matches!(c, ' ' | '-'));
        if own_line || after_dash {
            return Some(BlockStart {
                indent: before.len(),
                in_place: true,
                from: span.start,
                line_end,
            });
        }
        let Place::Value { key_column } = self.node.place else {
            return None;
        };
        let blanks = before.len() - before.trim_end_matches([' ', '\t']).len();
        let from = span.start - if comment.is_empty() { blanks } else { 0 };
        Some(BlockStart {
            indent: key_column + 2,
            in_place: false,
            from,
            line_end,
        })
    }

    /// A block scalar changes at two places: its header and its lines. A comment behind the
    /// header stays.
    fn plan_block_scalar(&self, value: &Value) -> Option<Vec<Edit>> {
        let header = self.header()?;
        let body = self.body(header.line_end)?;
        let line_break = self.line_break();
        let literal = match value {
            Value::Text(text) if header.plain_indent => {
                literal_lines(text, body.indent, line_break)
            }
            _ => None,
        };
        let (indicator, mut lines) = match literal {
            Some(literal) => (Zeroizing::new(literal.indicator.to_owned()), literal.lines),
            None => (self.inline(value)?, Zeroizing::default()),
        };
        let at_end = body.end == self.source.len();
        if at_end && !lines.is_empty() && indicator.as_str() == "|" {
            // Readers disagree about the last line of a file without a line break.
            let mut closed = Buffer::with_capacity(lines.len() + line_break.len());
            closed.push_str(&lines);
            closed.push_str(line_break);
            lines = closed.into_text();
        }
        Some(vec![
            Edit {
                range: header.indicator,
                text: indicator,
            },
            Edit {
                range: header.line_end..body.end,
                text: lines,
            },
        ])
    }

    fn header(&self) -> Option<Header> {
        let start = self.node.span.start;
        let rest = self.source.get(start..)?;
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let plain_indent = !rest.get(..length)?.contains(|c: char| c.is_ascii_digit());
        let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
        Some(Header {
            indicator: start..start + length,
            line_end: start + line,
            plain_indent,
        })
    }

    /// The lines of the text: up to the last one that is more than indentation.
    fn body(&self, header_end: usize) -> Option<Body> {
        let block = self.scalar.block?;
        let mut end = header_end;
        let mut offset = header_end;
        for line in self
            .source
            .get(header_end..block.end)?
            .split_inclusive('\n')
        {
            let content = line.trim_end_matches(['\n', '\r']);
            let blank = content.trim_matches([' ', '\t']).is_empty();
            let broken = content.len() < line.len();
            if !blank || (broken && content.len() > block.indent) {
                end = offset + content.len();
            }
            offset += line.len();
        }
        if self.scalar.text.trim_matches('\n').is_empty() {
            end = header_end;
        }
        Some(Body {
            end,
            indent: block.indent,
        })
    }

    fn line_before(&self, offset: usize) -> Option<&str> {
        let before = self.source.get(..offset)?;
        let start = before.rfind(['\n', '\r']).map_or(0, |newline| newline + 1);
        before
            .get(start..)
            .map(|line| line.trim_start_matches('\u{feff}'))
    }

    /// The line break of the document at this place.
    fn line_break(&self) -> &'static str {
        let after = self.source.get(self.node.span.start..).unwrap_or_default();
        let rest = after
            .find(['\n', '\r'])
            .and_then(|found| after.get(found..));
        let line_break = rest.or_else(|| {
            let first = self.source.find(['\n', '\r'])?;
            self.source.get(first..)
        });
        match line_break {
            Some(text) if text.starts_with("\r\n") => "\r\n",
            Some(text) if text.starts_with('\r') => "\r",
            _ => "\n",
        }
    }
}

struct BlockStart {
    indent: usize,
    /// The first line replaces the scalar; else all of them follow its line.
    in_place: bool,
    from: usize,
    line_end: usize,
}

struct Header {
    indicator: Range<usize>,
    line_end: usize,
    /// The indentation of the lines is found by looking at them.
    plain_indent: bool,
}

struct Body {
    end: usize,
    indent: usize,
}
