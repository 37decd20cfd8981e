//! No file names a folder that exists on one machine only.

use std::fs;

use super::Passed;
use crate::failure::Failure;
use crate::project::Project;

/// Top folders of build machines and of their users, which no document or test may rely on.
const TOP_FOLDERS: &[&str] = &["farm", "root", "work"];

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let mut findings = Vec::new();
    for file in project.files()? {
        // Symbolic links and binary files have no text to read.
        let Ok(text) = fs::read_to_string(project.root.join(&file)) else {
            continue;
        };
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(folder) = local_path(line) {
                findings.push(format!(
                    "{}:{number}: a path below `/{folder}`",
                    file.display()
                ));
            }
        }
    }
    if findings.is_empty() {
        return Ok(Passed::default());
    }
    Err(Failure::findings(
        "paths of one machine are named",
        &findings,
    ))
}

/// The forbidden top folder that `line` names a path in.
fn local_path(line: &str) -> Option<&'static str> {
    TOP_FOLDERS.iter().copied().find(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path).any(|(at, _)| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            !before.is_some_and(|before| before.is_alphanumeric() || "._-/}".contains(before))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together, so that this file passes its own check.
    fn path(folder: &str, rest: &str) -> String {
        format!("/{folder}/{rest}")
    }

    #[test]
    fn path_of_a_build_machine_is_found() {
        let path = path("work", "src/main.rs");
        for line in [
            path.clone(),
            format!("see `{path}`"),
            format!("DIR={path}"),
            format!("(\"{path}\")"),
        ] {
            assert_eq!(local_path(&line), Some("work"), "{line}");
        }
        assert_eq!(
            local_path(&format!("cd {}", self::path("root", "x"))),
            Some("root")
        );
    }

    #[test]
    fn same_word_deeper_in_a_path_is_allowed() {
        for line in [
            "docs/work/plan.md",
            "https://example.org/root/x",
            "${HOME}/work/x",
            "./work/x",
        ] {
            assert_eq!(local_path(line), None, "{line}");
        }
    }
}
