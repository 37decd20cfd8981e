//! The `secrets:` section of a file that configures Keyferry itself.

use keyferry_yaml::{Content, Document, Node, Path, PathSegment};

const KEY: &str = "secrets";

/// Whether a `secrets:` section is ours, rather than one of docker compose or of the application:
/// it says `backends` or `enabled`. What else it says is then checked, so that a typo is found.
pub(crate) fn is_own_section(section: &Node) -> bool {
    matches!(section.content(), Content::Mapping(_))
        && (section.entry("backends").is_some() || section.entry("enabled").is_some())
}

/// Whether the path leads into such a section of the document.
pub(super) fn holds(document: &Document, path: &Path<'_>) -> bool {
    path.segments().first() == Some(&PathSegment::Key(KEY))
        && document
            .root()
            .entry(KEY)
            .is_some_and(|entry| is_own_section(entry.value()))
}
