//! Dependencies point at core.

use std::path::Path;

use super::Passed;
use crate::failure::Failure;
use crate::project::{Dependency, Metadata, Project};

/// What the crates of one folder may depend on within the workspace.
struct Rule {
    folder: &'static str,
    may_use: &'static [&'static str],
    /// Beside `may_use`, in tests only.
    in_tests: &'static [&'static str],
}

const CORE: &str = "crates/core";
const OS: &str = "crates/os";
const YAML: &str = "crates/yaml";
const MASK: &str = "crates/mask";
const CANARY: &str = "crates/canary";
const CONFORMANCE: &str = "crates/conformance";
const BACKENDS: &str = "crates/backends/*";
const FACADE: &str = "crates/keyferry";
const CLI: &str = "crates/cli";
const SERVER: &str = "crates/server";
const EVERY_CRATE: &[&str] = &["crates/*", BACKENDS];

/// The direction, from the middle outwards. A crate in none of these folders is refused: where
/// it stands is to be decided before it is written.
const RULES: &[Rule] = &[
    // The tests of the pipeline need a manual clock and a counting backend; no more than they.
    Rule::new(CORE, &[], &[CONFORMANCE]),
    Rule::new(OS, &[], &[]),
    Rule::new(YAML, &[], &[]),
    Rule::new(MASK, &[], &[]),
    Rule::new(CANARY, &[], EVERY_CRATE),
    Rule::new(CONFORMANCE, &[CORE], &[]),
    Rule::new(BACKENDS, &[CORE, OS, YAML], &[CONFORMANCE]),
    Rule::new(FACADE, &[CORE, OS, YAML, BACKENDS], &[CONFORMANCE]),
    Rule::new(SERVER, &[CORE, OS, YAML, BACKENDS, FACADE], &[CONFORMANCE]),
    Rule::new(CLI, EVERY_CRATE, &[]),
    Rule::new("benches", EVERY_CRATE, &[]),
    Rule::new("examples", EVERY_CRATE, &[]),
    Rule::new("xtask", EVERY_CRATE, &[]),
];

impl Rule {
    const fn new(
        folder: &'static str,
        may_use: &'static [&'static str],
        in_tests: &'static [&'static str],
    ) -> Self {
        Self {
            folder,
            may_use,
            in_tests,
        }
    }
}

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let metadata = project.metadata("Cargo.toml")?;
    let edges = edges(project, &metadata)?;
    let findings: Vec<_> = edges.iter().filter_map(|edge| judge(edge).err()).collect();
    if findings.is_empty() {
        return Ok(Passed::note(format!("{} edges", edges.len())));
    }
    Err(Failure::findings(
        "dependencies in the wrong direction",
        &findings,
    ))
}

/// One dependency within the workspace, between two folders.
struct Edge {
    from: String,
    to: String,
    in_tests: bool,
}

fn edges(project: &Project, metadata: &Metadata) -> Result<Vec<Edge>, Failure> {
    let mut edges = Vec::new();
    for package in &metadata.packages {
        let folder = package
            .manifest_path
            .parent()
            .unwrap_or(&package.manifest_path);
        let from = folder_name(project, folder)?;
        // An edge to itself asks for the rule of a crate that depends on nothing, too.
        edges.push(Edge {
            from: from.clone(),
            to: from.clone(),
            in_tests: false,
        });
        for Dependency { kind, path } in &package.dependencies {
            let Some(path) = path else { continue };
            let to = folder_name(project, path)?;
            let in_tests = kind.as_deref() == Some("dev");
            edges.push(Edge {
                from: from.clone(),
                to,
                in_tests,
            });
        }
    }
    Ok(edges)
}

fn folder_name(project: &Project, folder: &Path) -> Result<String, Failure> {
    let relative = project
        .relative(folder)
        .ok_or_else(|| Failure::new(format!("`{}` lies outside the project", folder.display())))?;
    Ok(relative.to_string_lossy().into_owned())
}

fn judge(edge: &Edge) -> Result<(), String> {
    let Edge { from, to, in_tests } = edge;
    let Some(rule) = RULES.iter().find(|rule| matches(rule.folder, from)) else {
        return Err(format!(
            "{from}: no rule says what it may depend on (xtask/src/gates/deps.rs)"
        ));
    };
    let allowed = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, to));
    if from == to || allowed(rule.may_use) || (*in_tests && allowed(rule.in_tests)) {
        return Ok(());
    }
    let kind = if *in_tests { " (in tests)" } else { "" };
    Err(format!("{from} -> {to}{kind}"))
}

/// Whether `pattern` is `folder`, or names all folders directly in its parent by a final `*`.
fn matches(pattern: &str, folder: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(parent) => folder
            .strip_prefix(parent)
            .is_some_and(|name| !name.contains('/')),
        None => pattern == folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str) -> Result<(), String> {
        judge(&Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            in_tests: false,
        })
    }

    fn test_edge(from: &str, to: &str) -> Result<(), String> {
        judge(&Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            in_tests: true,
        })
    }

    #[test]
    fn everything_may_point_at_core() {
        for from in [
            CONFORMANCE,
            "crates/backends/local",
            FACADE,
            SERVER,
            CLI,
            "benches",
            "examples",
        ] {
            assert_eq!(edge(from, CORE), Ok(()), "{from}");
        }
    }

    #[test]
    fn core_may_point_at_nothing_but_the_suite_in_tests() {
        for to in [OS, YAML, CONFORMANCE, FACADE, CLI, "crates/backends/local"] {
            assert_eq!(edge(CORE, to), Err(format!("crates/core -> {to}")));
            assert_eq!(test_edge(CORE, to).is_ok(), to == CONFORMANCE, "{to}");
        }
    }

    #[test]
    fn only_the_command_line_may_point_at_the_server() {
        assert_eq!(edge(CLI, SERVER), Ok(()));
        for from in ["crates/backends/local", FACADE, CONFORMANCE, OS] {
            assert!(edge(from, SERVER).is_err(), "{from}");
        }
    }

    #[test]
    fn backends_do_not_know_each_other_nor_the_facade() {
        assert!(edge("crates/backends/vault", "crates/backends/local").is_err());
        assert!(edge("crates/backends/vault", FACADE).is_err());
    }

    #[test]
    fn backend_uses_the_conformance_suite_in_tests_only() {
        assert_eq!(test_edge("crates/backends/vault", CONFORMANCE), Ok(()));
        assert!(edge("crates/backends/vault", CONFORMANCE).is_err());
    }

    #[test]
    fn nothing_points_at_the_tools() {
        for to in ["xtask", "benches", "examples"] {
            assert!(edge(CLI, to).is_err(), "{to}");
        }
    }

    #[test]
    fn crate_without_a_rule_is_refused() {
        assert!(edge("crates/misc", "crates/misc").is_err());
        assert!(edge("crates/backends/vault/inner", CORE).is_err());
    }
}
