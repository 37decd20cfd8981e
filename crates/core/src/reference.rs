//! What a caller asks for: parsed once, and the same object for policy, cache, audit and backend.

mod named;
mod runtime;
mod tail;
#[cfg(test)]
mod tests;
mod uri;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

pub use uri::Scheme;

/// A reference to a secret, in one of three forms.
///
/// | form | example |
/// |---|---|
/// | named | `aws:postgres#password`, key of a backend named in the configuration |
/// | canonical URI | `openbao+kv2://secret/app/api#token?version=3`, `file://dc/ldap.json#bind_pw` |
/// | runtime | `secret://dev/example-service/token/app-config` |
///
/// The parser is pure. It refuses what it does not understand, at most 1,024 bytes long, and its
/// errors name the offending part and column but never echo the text, which may be a password in
/// the wrong place. A reference that parsed is not secret and may be shown.
///
/// ```
/// use keyferry_core::Reference;
/// let reference = Reference::parse("OpenBao+KV2://secret/app/api?version=3#token")?;
/// assert_eq!(reference.canonical(), "openbao+kv2://secret/app/api#token?version=3");
/// assert_eq!(reference.field(), Some("token"));
/// # Ok::<(), keyferry_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Reference(Arc<Parts>);

struct Parts {
    kind: ReferenceKind,
    scheme: Option<Scheme>,
    canonical: Box<str>,
    // `canonical` up to the field: what the cache and the backend know the secret by.
    item_len: usize,
    // Where the key starts in it, behind `name:` or `scheme://`.
    key_start: usize,
    // The key without its escapes, where it has any.
    unescaped_key: Option<Box<str>>,
    field: Option<Box<str>>,
    version: Option<Box<str>>,
    item_hash: u64,
}

/// The form of a [`Reference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// `backend:key`, the backend named in the configuration.
    Named,
    /// `scheme://mount/segment…`, a canonical secret URI.
    Uri,
    /// `secret://environment/service/type/name`.
    Runtime,
}

impl ReferenceKind {
    /// The stable name of the form, as in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Uri => "uri",
            Self::Runtime => "runtime",
        }
    }
}

/// The longest reference, in bytes.
pub(crate) const MAX_LEN: usize = 1024;

impl Reference {
    /// Reads a reference of any form. `secret://backend:key`, as inside a token, is the named
    /// reference `backend:key`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] with the part and column that are wrong and, for canonical
    /// URIs, the code of the grammar ([`Error::code`]).
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_LEN {
            return Err(invalid("reference", 1, "is longer than 1024 bytes"));
        }
        // In UTF-8 every control character starts with one of these bytes.
        let suspicious = |b: u8| b < 0x20 || b == 0x7f || b == 0xc2;
        if text.bytes().any(suspicious)
            && let Some(at) = text.find(char::is_control)
        {
            return Err(invalid("reference", at + 1, "holds a control character")
                .with_code(uri::ILLEGAL_SEGMENT));
        }
        if let Some(rest) = text.strip_prefix("secret://") {
            return match rest.split('/').next() {
                Some(first) if first.contains(':') => named::parse(rest, text.len() - rest.len()),
                _ => runtime::parse(rest),
            };
        }
        match text.split_once(':') {
            Some((_, rest)) if rest.starts_with("//") => uri::parse(text),
            Some((name, key)) => named::parse_parts(name, key, 0),
            None => Err(invalid("reference", 1, "has no `:`").with_help(
                "write `backend:key`, `scheme://mount/path` or `secret://environment/service/type/name`",
            )
            .with_code(uri::ILLEGAL_SEGMENT)),
        }
    }

    /// Makes a named reference from its parts, such as a name that a backend listed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`] when the backend name or the key cannot be one.
    pub fn named(backend: &str, key: &str) -> Result<Self> {
        Self::parse(&format!("{backend}:{}", named::escaped(key)))
    }

    /// The form of the reference.
    pub fn kind(&self) -> ReferenceKind {
        self.0.kind
    }

    /// The one spelling of this reference; parsing it gives an equal reference.
    pub fn canonical(&self) -> &str {
        &self.0.canonical
    }

    /// The backend a named reference names.
    pub fn backend(&self) -> Option<&str> {
        match self.0.kind {
            ReferenceKind::Named => self.item().get(..self.0.key_start.saturating_sub(1)),
            ReferenceKind::Uri | ReferenceKind::Runtime => None,
        }
    }

    /// The scheme of a canonical URI.
    pub fn scheme(&self) -> Option<Scheme> {
        self.0.scheme
    }

    /// What the backend is asked for: the key, or the path behind the scheme.
    pub fn key(&self) -> &str {
        match &self.0.unescaped_key {
            Some(key) => key,
            None => self.item().get(self.0.key_start..).unwrap_or_default(),
        }
    }

    /// The first path segment of a canonical URI.
    pub fn mount(&self) -> Option<&str> {
        self.0.scheme.and_then(|_| self.key().split('/').next())
    }

    /// The environment of a runtime reference.
    pub fn environment(&self) -> Option<&str> {
        (self.0.kind == ReferenceKind::Runtime)
            .then(|| self.key().split('/').next())
            .flatten()
    }

    /// The field that is picked from a map.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The version asked for; `None` is the newest.
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// The same secret without a field: what is fetched and cached.
    #[must_use]
    pub fn without_field(&self) -> Self {
        if self.0.field.is_none() {
            return self.clone();
        }
        let mut canonical = self.item().to_owned();
        if let Some(version) = self.version() {
            canonical.push_str("?version=");
            canonical.push_str(version);
        }
        Self(Arc::new(Parts {
            canonical: canonical.into(),
            unescaped_key: self.0.unescaped_key.clone(),
            field: None,
            version: self.0.version.clone(),
            ..*self.0
        }))
    }

    /// Whether both name the same secret, whatever field they pick.
    pub(crate) fn same_item(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.item_hash == other.0.item_hash
                && self.item() == other.item()
                && self.version() == other.version())
    }

    /// A hash of the item. Its keys are fixed: mix it with a seed before it picks a bucket.
    pub(crate) fn item_hash(&self) -> u64 {
        self.0.item_hash
    }

    fn item(&self) -> &str {
        self.0.canonical.get(..self.0.item_len).unwrap_or_default()
    }
}

/// The parts of a reference that passed all checks.
struct Checked {
    kind: ReferenceKind,
    scheme: Option<Scheme>,
    /// `name:escaped-key` or `scheme://path`.
    item: String,
    key_start: usize,
    unescaped_key: Option<Box<str>>,
    /// The field as it is written, and as it is.
    field: Option<(String, Box<str>)>,
    version: Option<Box<str>>,
}

impl From<Checked> for Reference {
    fn from(checked: Checked) -> Self {
        let item_len = checked.item.len();
        let mut hasher = DefaultHasher::new();
        checked.item.hash(&mut hasher);
        checked.version.hash(&mut hasher);
        let mut canonical = checked.item;
        let field = checked.field.map(|(written, field)| {
            canonical.push('#');
            canonical.push_str(&written);
            field
        });
        if let Some(version) = &checked.version {
            canonical.push_str("?version=");
            canonical.push_str(version);
        }
        Self(Arc::new(Parts {
            kind: checked.kind,
            scheme: checked.scheme,
            canonical: canonical.into(),
            item_len,
            key_start: checked.key_start,
            unescaped_key: checked.unescaped_key,
            field,
            version: checked.version,
            item_hash: hasher.finish(),
        }))
    }
}

/// An error about one part of the text, which it does not echo. Columns count bytes from 1.
fn invalid(part: &str, column: usize, what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidReference,
        format!("{part} at column {column} {what}"),
    )
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for Reference {}

impl Hash for Reference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.canonical())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({})", self.canonical())
    }
}
