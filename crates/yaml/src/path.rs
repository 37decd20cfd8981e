//! Key paths such as `services.api.ports[2]`.

use std::fmt;

/// One step from a map or list to what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathSegment<'a> {
    /// A key of a map.
    Key(&'a str),
    /// An item of a list, counted from 0.
    Index(usize),
}

/// The way from the root of a document to a node; shown as `load[2].name`, keys with odd
/// characters in quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Path<'a>(pub(crate) Vec<PathSegment<'a>>);

impl<'a> Path<'a> {
    /// The steps from the root.
    pub fn segments(&self) -> &[PathSegment<'a>] {
        &self.0
    }
}

impl<'a> FromIterator<PathSegment<'a>> for Path<'a> {
    fn from_iter<I: IntoIterator<Item = PathSegment<'a>>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                PathSegment::Index(index) => write!(f, "[{index}]")?,
                PathSegment::Key(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    write_key(f, key)?;
                }
            }
        }
        Ok(())
    }
}

fn write_key(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        f.write_str(key)
    } else {
        write!(f, "{key:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PathSegment::{Index, Key};

    #[test]
    fn path_shows_keys_and_indexes() {
        let path: Path<'_> = [Key("load"), Index(2), Key("a b"), Key("x_y-1"), Key("")]
            .into_iter()
            .collect();
        assert_eq!(path.to_string(), r#"load[2]."a b".x_y-1."""#);
        assert_eq!(Path::default().to_string(), "");
    }
}
