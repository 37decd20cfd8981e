//! Block scalars (`|` and `>`): where their header and lines stand.

use crate::node::Span;

/// The layout of a block scalar: its header starts at `Span::start`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    /// Where the lines end, including blank lines that may belong to what follows.
    pub(crate) end: usize,
    /// The indentation of its lines.
    pub(crate) indent: usize,
}

/// The span of a block scalar from its header on: the parser's starts at the text. Between the
/// event before and the header stand only indicators, properties and comments.
pub(crate) fn block_header(text: &str, from: usize, content: Span) -> Option<Span> {
    let mut offset = from;
    loop {
        let rest = text.get(offset..content.start)?;
        let first = rest.chars().next()?;
        offset += match first {
            '|' | '>' => break,
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '&' | '!' => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            '-' | '?' | ':' => 1,
            c if c.is_whitespace() => c.len_utf8(),
            _ => return None,
        };
    }
    let between = text.get(offset..content.start)?;
    let line_start = text
        .get(..offset)?
        .rfind(['\n', '\r'])
        .map_or(0, |newline| newline + 1);
    let breaks = between
        .matches('\n')
        .count()
        .max(between.matches('\r').count());
    Some(Span {
        start: offset,
        end: content.end,
        line: content.line.saturating_sub(breaks),
        column: text.get(line_start..offset)?.chars().count() + 1,
    })
}

/// Where an indicator such as `|2-` ends.
pub(crate) fn header_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start + rest.find(char::is_whitespace).unwrap_or(rest.len())
}
