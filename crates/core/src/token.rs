//! Tokens inside configuration text: `${secret://…}`, `${VAR}`, `${VAR:-default}`.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::reference::Reference;

/// A text with tokens, read once.
///
/// | in the text | is |
/// |---|---|
/// | `${secret://backend:key}`, `${secret://dev/service/type/name}`, `${openbao+kv2://…}` | a reference |
/// | `${VAR}` | the environment variable; unset is an error |
/// | `${VAR:-default}` | the variable, or the default where it is unset or empty |
/// | `$${` | a literal `${` |
///
/// A token ends at its first `}`. Everything else is literal, `pa$$word` too. What a token stands
/// for is never scanned again.
///
/// ```
/// use keyferry_core::{Piece, Template};
/// let template = Template::parse("postgres://${DB_USER:-app}:${secret://env:DB_PASSWORD}@db")?;
/// assert_eq!(template.references().count(), 1);
/// # Ok::<(), keyferry_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A part of a [`Template`].
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    /// Literal text, which may itself be sensitive.
    Literal(Zeroizing<String>),
    /// An environment variable and what stands in for it.
    Variable {
        /// The name of the variable.
        name: String,
        /// The text to use where it is unset or empty.
        default: Option<Zeroizing<String>>,
    },
    /// A secret.
    Secret(Reference),
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a token that has no end or cannot be one, and
    /// [`ErrorKind::InvalidReference`] for one whose reference is wrong. The error names the
    /// column, never the text.
    pub fn parse(text: &str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut literal = Zeroizing::new(String::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let escaped = before.ends_with('$');
            literal.push_str(before.strip_suffix('$').unwrap_or(before));
            rest = after;
            if escaped {
                literal.push_str("${");
                continue;
            }
            let column = text.len() - after.len() - 1;
            let Some((inside, behind)) = after.split_once('}') else {
                return Err(bad(column, "has no closing `}`"));
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::parse(inside, column)?);
            rest = behind;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self { pieces })
    }

    /// The parts, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether the text is literal throughout, so that filling it in changes nothing but escapes.
    pub fn is_literal(&self) -> bool {
        self.pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Literal(_)))
    }

    /// The reference, if one token is the whole text: its value then keeps its type.
    pub fn whole(&self) -> Option<&Reference> {
        match self.pieces.as_slice() {
            [Piece::Secret(reference)] => Some(reference),
            _ => None,
        }
    }

    /// The references, in order, with repetitions.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Secret(reference) => Some(reference),
            Piece::Literal(_) | Piece::Variable { .. } => None,
        })
    }

    /// The text with every token replaced: variables by `variable`, references by the text of their
    /// `secret`. The buffer is made once and in its full size, so no part of it is left behind.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] naming a variable that is unset and has no default, or what
    /// `secret` returns.
    pub fn fill<'s>(
        &'s self,
        mut variable: impl FnMut(&str) -> Option<Zeroizing<String>>,
        mut secret: impl FnMut(&Reference) -> Result<&'s str>,
    ) -> Result<Zeroizing<String>> {
        let mut parts = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            parts.push(match piece {
                Piece::Literal(text) => Part::Given(text),
                Piece::Secret(reference) => Part::Given(secret(reference)?),
                Piece::Variable { name, default } => match (variable(name), default) {
                    (Some(value), None) => Part::Variable(value),
                    (Some(value), Some(_)) if !value.is_empty() => Part::Variable(value),
                    (_, Some(default)) => Part::Given(default),
                    (None, None) => return Err(unset(name)),
                },
            });
        }
        let length = parts.iter().map(|part| part.text().len()).sum();
        let mut out = Zeroizing::new(String::with_capacity(length));
        for part in &parts {
            out.push_str(part.text());
        }
        Ok(out)
    }
}

/// What a piece stands for.
enum Part<'a> {
    Given(&'a str),
    Variable(Zeroizing<String>),
}

impl Part<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Given(text) => text,
            Self::Variable(text) => text,
        }
    }
}

impl From<Reference> for Template {
    /// One token that is the whole text.
    fn from(reference: Reference) -> Self {
        Self {
            pieces: vec![Piece::Secret(reference)],
        }
    }
}

impl Piece {
    fn parse(inside: &str, column: usize) -> Result<Self> {
        if inside.contains("${") {
            return Err(bad(column, "holds another token"));
        }
        if let Some((name, default)) = inside.split_once(":-")
            && is_variable_name(name)
        {
            let default = Some(Zeroizing::new(default.to_owned()));
            return Ok(Self::Variable {
                name: name.to_owned(),
                default,
            });
        }
        if inside.contains(':') {
            return Reference::parse(inside).map(Self::Secret).map_err(|error| {
                let inner = Error::new(
                    ErrorKind::InvalidReference,
                    format!("token at column {column}: {}", error.message()),
                );
                let inner = error.code().into_iter().fold(inner, Error::with_code);
                error.help().into_iter().fold(inner, Error::with_help)
            });
        }
        if !is_variable_name(inside) {
            return Err(bad(column, "is neither a reference nor a variable name"));
        }
        Ok(Self::Variable {
            name: inside.to_owned(),
            default: None,
        })
    }
}

fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn bad(column: usize, what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        format!("token at column {column} {what}"),
    )
    .with_help("write `${secret://…}`, `${VAR}` or `${VAR:-default}`, and `$${` for a literal `${`")
}

fn unset(name: &str) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        format!("the environment variable `{name}` is not set"),
    )
    .with_help(format!("set it, or give a default: `${{{name}:-default}}`"))
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.pieces).finish()
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal([redacted])"),
            Self::Variable { name, .. } => write!(f, "Variable({name})"),
            Self::Secret(reference) => write!(f, "Secret({reference})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(text: &str) -> Result<String> {
        Template::parse(text)?
            .fill(
                |name| match name {
                    "USER" => Some(Zeroizing::new("app".to_owned())),
                    "EMPTY" => Some(Zeroizing::default()),
                    _ => None,
                },
                |reference| Ok(Box::leak(format!("<{reference}>").into_boxed_str())),
            )
            .map(|text| text.to_string())
    }

    #[test]
    fn tokens_are_found_among_literals() {
        assert_eq!(
            filled("a ${USER} ${secret://env:X}b").unwrap(),
            "a app <env:X>b"
        );
        assert_eq!(
            filled("${openbao+kv2://s/a#t}").unwrap(),
            "<openbao+kv2://s/a#t>"
        );
        assert_eq!(filled("${secret://aws:-x}").unwrap(), "<aws:-x>");
        assert_eq!(filled("${file://dc/x}").unwrap(), "<file://dc/x>");
    }

    #[test]
    fn defaults_stand_in_for_unset_and_empty() {
        assert_eq!(filled("${NONE:-x:-y}").unwrap(), "x:-y");
        assert_eq!(filled("${NONE:-}").unwrap(), "");
        assert_eq!(filled("${USER:-x}").unwrap(), "app");
        assert_eq!(filled("${EMPTY:-x}").unwrap(), "x");
        assert_eq!(filled("<${EMPTY}>").unwrap(), "<>");
        assert_eq!(filled("${NONE:-http://x}").unwrap(), "http://x");
        assert_eq!(
            filled("${NONE}").unwrap_err().kind(),
            ErrorKind::InvalidConfig
        );
    }

    #[test]
    fn only_a_doubled_dollar_before_a_brace_escapes() {
        assert_eq!(filled("$${secret://env:X}").unwrap(), "${secret://env:X}");
        assert_eq!(filled("pa$$word $x $ {").unwrap(), "pa$$word $x $ {");
        assert_eq!(filled("$$${USER}").unwrap(), "$${USER}");
        assert_eq!(filled("$${a} ${USER}").unwrap(), "${a} app");
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_without_its_text() {
        for text in [
            "${",
            "${}",
            "${canary.x}",
            "${canary",
            "${A:-${B}}",
            "${secret://canary}",
            "${a b}",
        ] {
            let error = Template::parse(text).unwrap_err();
            assert_eq!(error.kind().rules().exit_code, 2);
            assert!(!format!("{error} {error:?}").contains("canary"), "{text}");
        }
    }

    #[test]
    fn the_buffer_never_grows_so_that_no_part_is_left_in_freed_memory() {
        let value = "x".repeat(1000);
        let template = Template::parse("a${V}b${secret://env:X}c${NONE:-d}").unwrap();
        let variable = |name: &str| (name == "V").then(|| Zeroizing::new(value.clone()));
        let filled = template.fill(variable, |_| Ok(value.as_str())).unwrap();
        assert_eq!((filled.len(), filled.capacity()), (2004, 2004));
    }

    #[test]
    fn a_whole_token_is_told_apart() {
        assert!(
            Template::parse("${secret://env:X}")
                .unwrap()
                .whole()
                .is_some()
        );
        assert!(
            Template::parse(" ${secret://env:X}")
                .unwrap()
                .whole()
                .is_none()
        );
        assert!(Template::parse("plain").unwrap().is_literal());
    }

    proptest! {
        #[test]
        fn escaping_every_token_start_gives_the_text_back(text in "[a$\\{\\}:]{0,30}") {
            prop_assert_eq!(filled(&text.replace("${", "$${")).unwrap(), text);
        }

        #[test]
        fn a_value_is_never_scanned_again(value: String) {
            let template = Template::parse("<${V}>").unwrap();
            let out = template.fill(|_| Some(Zeroizing::new(value.clone())), |_| Ok("")).unwrap();
            prop_assert_eq!(out.as_str(), format!("<{value}>"));
        }
    }
}
