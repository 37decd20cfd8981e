//! What the documents name exists: files, folders, crates, code paths and link targets.
//!
//! Read are the words in backticks of the documents below, and the links of every Markdown file.
//! Fenced blocks are left alone, and so is a line with the marker [`MARKER`], for a path that is
//! only an illustration.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::Passed;
use crate::failure::Failure;
use crate::project::Project;

/// The documents that describe the tree.
const DOCUMENTS: &[&str] = &[
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
];

/// An HTML comment, so that readers of the page do not see it.
const MARKER: &str = "<!-- docs-map: illustration -->";

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let tree = Tree::read(project)?;
    let mut findings = Vec::new();
    for document in DOCUMENTS.iter().filter(|document| !tree.has(document)) {
        findings.push(format!("{document}: is missing"));
    }
    let mut checked = 0;
    for file in tree
        .files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "md"))
    {
        let path = project.root.join(file);
        let text = fs::read_to_string(&path).map_err(|error| Failure::io("read", &path, &error))?;
        checked += check(&tree, file, &text, &mut findings);
    }
    if findings.is_empty() {
        return Ok(Passed::note(format!("{checked} names")));
    }
    Err(Failure::findings(
        "the documents and the tree differ",
        &findings,
    ))
}

/// Adds what is wrong in one file to `findings` and returns how many names it looked at.
fn check(tree: &Tree, file: &Path, text: &str, findings: &mut Vec<String>) -> usize {
    let describes_tree = DOCUMENTS.iter().any(|document| Path::new(document) == file);
    let mut checked = 0;
    for (number, line) in prose(text) {
        let words = if describes_tree {
            code_words(line)
        } else {
            Vec::new()
        };
        let links = links(line);
        checked += words.len() + links.len();
        let mut find = |name: &str, what| {
            findings.push(format!("{}:{number}: `{name}` {what}", file.display()));
        };
        for word in words.iter().filter(|word| tree.lacks(word)) {
            find(word, "names nothing in the tree");
        }
        for link in links.iter().filter(|link| !tree.has_link(file, link)) {
            find(link, "is a link to nothing");
        }
    }
    checked
}

/// What there is to be named.
struct Tree {
    files: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
    crates: HashSet<String>,
    /// Every identifier of the Rust sources.
    identifiers: HashSet<String>,
}

impl Tree {
    fn read(project: &Project) -> Result<Self, Failure> {
        let files: BTreeSet<PathBuf> = project.files()?.into_iter().collect();
        let folders = files
            .iter()
            .flat_map(|file| file.ancestors().skip(1))
            .map(PathBuf::from);
        let folders = folders.filter(|folder| folder != Path::new("")).collect();
        let mut identifiers = HashSet::new();
        for file in files
            .iter()
            .filter(|file| file.extension().is_some_and(|end| end == "rs"))
        {
            let text = fs::read_to_string(project.root.join(file)).unwrap_or_default();
            identifiers.extend(text.split(|c: char| !is_identifier(c)).map(str::to_owned));
        }
        let metadata = project.metadata("Cargo.toml")?;
        let crates = metadata
            .packages
            .into_iter()
            .flat_map(|package| {
                package
                    .targets
                    .into_iter()
                    .map(|target| target.name)
                    .chain([package.name])
            })
            .collect();
        Ok(Self {
            files,
            folders,
            crates,
            identifiers,
        })
    }

    fn has(&self, path: impl AsRef<Path>) -> bool {
        self.files.contains(path.as_ref()) || self.folders.contains(path.as_ref())
    }

    /// Whether `word` names something of the project that is not there.
    fn lacks(&self, word: &str) -> bool {
        match Name::of(word) {
            Name::Path(path) => !self.ends_a_path(path) && self.is_ours(path),
            Name::Crate(name) => !self.crates.contains(name) && !self.ends_a_path(name),
            Name::Code(path) => path.split("::").any(|part| {
                !self.identifiers.contains(part) && !self.crates.contains(&part.replace('_', "-"))
            }),
            Name::Other => false,
        }
    }

    /// Whether `path` is a path from the root, or the last parts of one, as in `layer/cache.rs`.
    fn ends_a_path(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files
            .iter()
            .chain(&self.folders)
            .any(|known| known.ends_with(path))
    }

    /// A source file, or a path into one of our folders; `keyferry.yaml` belongs to a user.
    fn is_ours(&self, path: &str) -> bool {
        let into_our_folder = path
            .split_once('/')
            .is_some_and(|(first, _)| self.has(first));
        into_our_folder
            || [".rs", ".toml", ".md"]
                .iter()
                .any(|end| path.ends_with(end))
    }

    fn has_link(&self, document: &Path, link: &str) -> bool {
        let target = link.split('#').next().unwrap_or_default();
        if target.is_empty() || target.contains(':') {
            return true;
        }
        let folder = document.parent().unwrap_or(Path::new(""));
        normalized(&folder.join(target)).is_some_and(|path| path == Path::new("") || self.has(path))
    }
}

/// What a word in backticks looks like.
#[derive(Debug, PartialEq, Eq)]
enum Name<'a> {
    Path(&'a str),
    Crate(&'a str),
    Code(&'a str),
    Other,
}

impl<'a> Name<'a> {
    fn of(word: &'a str) -> Self {
        if is_path(word) {
            return Self::Path(word);
        }
        let name = word.strip_prefix("keyferry-").unwrap_or_default();
        if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Self::Crate(word);
        }
        let word = word.strip_suffix("()").unwrap_or(word);
        let is_item = |part: &str| !part.is_empty() && part.chars().all(is_identifier);
        if word.split("::").all(is_item) && (word.contains("::") || is_compound_type(word)) {
            return Self::Code(word);
        }
        Self::Other
    }
}

/// A path from some folder of ours: it has a slash or ends as our files do, and starts neither
/// at the root of the machine nor at the folder of whoever reads.
fn is_path(word: &str) -> bool {
    let is_plain = word
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let elsewhere = ["/", "-", "./", "../"]
        .iter()
        .any(|start| word.starts_with(start));
    let ends = [".rs", ".toml", ".md", ".yaml", ".json"];
    // An ending alone, as in "`.rs` files", names no file.
    let names_file = ends
        .iter()
        .any(|end| word.len() > end.len() && word.ends_with(end));
    is_plain && !elsewhere && (names_file || word.contains('/'))
}

fn is_identifier(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `SecretValue`, but neither `Backend`, which is also a word, nor `JSON` nor `DB_HOST`.
fn is_compound_type(word: &str) -> bool {
    let mut previous = ' ';
    let mut humps = 0;
    for c in word.chars() {
        if c.is_ascii_uppercase() && !previous.is_ascii_uppercase() {
            humps += 1;
        }
        previous = c;
    }
    word.starts_with(|c: char| c.is_ascii_uppercase()) && humps >= 2 && !word.contains('_')
}

/// The numbered lines outside fenced blocks and without the marker.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_fence = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        in_fence ^= is_fence;
        (!is_fence && !in_fence && !line.contains(MARKER)).then_some((index + 1, line))
    })
}

/// What stands between two backticks of a line.
fn code_words(line: &str) -> Vec<&str> {
    let pairs = line.matches('`').count() / 2;
    line.split('`').skip(1).step_by(2).take(pairs).collect()
}

/// The targets of `[text](target)`.
fn links(line: &str) -> Vec<&str> {
    let targets = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    targets
        .filter_map(|target| target.split_whitespace().next())
        .collect()
}

/// `path` without `.` and `..`, `None` if it leaves the project.
fn normalized(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !clean.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(clean)
}

#[cfg(test)]
mod tests;
