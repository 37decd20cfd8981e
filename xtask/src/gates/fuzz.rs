//! The fuzz targets survive a short run.
//!
//! The targets in `fuzz/` are laid out for cargo-fuzz, which needs a nightly compiler. Here they
//! are built with the stable one: LLVM's coverage pass is switched on by hand, and without the
//! address sanitizer, which a workspace that forbids unsafe code can spare in a smoke run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Passed;
use crate::failure::Failure;
use crate::process;
use crate::project::Project;

pub(crate) const NAME: &str = "fuzz";

const MANIFEST: &str = "fuzz/Cargo.toml";
const DEFAULT_SECONDS: u64 = 10;

/// What cargo-fuzz passes with `--sanitizer none`.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    Smoke::new(None, Vec::new()).run(project)
}

/// A bounded run of some targets.
#[derive(Debug)]
pub(crate) struct Smoke {
    seconds: u64,
    /// None runs them all.
    targets: Vec<String>,
}

impl Smoke {
    pub(crate) fn new(seconds: Option<u64>, targets: Vec<String>) -> Self {
        Self {
            seconds: seconds.unwrap_or(DEFAULT_SECONDS),
            targets,
        }
    }

    pub(crate) fn run(&self, project: &Project) -> Result<Passed, Failure> {
        let targets = self.chosen(all_targets(project)?)?;
        if !has_cpp_compiler() {
            return without_compiler();
        }
        let programs = build(project)?;
        let mut findings = Vec::new();
        let mut executed = 0;
        for target in &targets {
            match self.smoke(project, &programs, target) {
                Ok(count) => executed += count,
                Err(failure) => findings.push(failure.to_string()),
            }
        }
        if findings.is_empty() {
            return Ok(Passed::note(format!(
                "{} targets, {executed} inputs",
                targets.len()
            )));
        }
        Err(Failure::findings("fuzz targets failed", &findings))
    }

    fn chosen(&self, all: Vec<String>) -> Result<Vec<String>, Failure> {
        if self.targets.is_empty() {
            return Ok(all);
        }
        match self.targets.iter().find(|target| !all.contains(target)) {
            Some(unknown) => Err(Failure::new(format!(
                "no fuzz target is called `{unknown}`; there are {}",
                all.join(", ")
            ))),
            None => Ok(self.targets.clone()),
        }
    }

    /// Runs one target and returns how many inputs it saw.
    fn smoke(&self, project: &Project, programs: &Path, target: &str) -> Result<u64, Failure> {
        let fuzz = project.root.join("fuzz");
        let corpus = fuzz.join("corpus").join(target);
        let artifacts = fuzz.join("artifacts").join(target);
        for folder in [&corpus, &artifacts] {
            fs::create_dir_all(folder).map_err(|error| Failure::io("create", folder, &error))?;
        }
        let mut command = Command::new(programs.join(target));
        command
            .current_dir(&fuzz)
            // The message and the input say enough; the report keeps the last lines only.
            .env("RUST_BACKTRACE", "0")
            .arg(format!("-max_total_time={}", self.seconds))
            // A hang and a memory leak are findings, too.
            .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            // The first folder takes what is found, the second one is only read.
            .arg(&corpus)
            .args([fuzz.join("seeds").join(target)].iter().filter(|seeds| seeds.is_dir()));
        let finished = process::capture(&mut command)?;
        let executed = executed(&finished.stderr);
        match (finished.status.success(), executed) {
            (true, Some(executed)) if executed > 0 => Ok(executed),
            (true, _) => Err(Failure::new(format!("{target}: no input was run"))),
            (false, _) => Err(Failure::new(format!(
                "{target}: {}, see fuzz/artifacts/{target}\n{}",
                finished.status,
                last_lines(&finished.stderr, 30)
            ))),
        }
    }
}

/// The targets that `fuzz/Cargo.toml` declares; it must declare some.
fn all_targets(project: &Project) -> Result<Vec<String>, Failure> {
    let metadata = project.metadata(MANIFEST)?;
    let targets = metadata
        .packages
        .into_iter()
        .flat_map(|package| package.targets);
    let names: Vec<_> = targets
        .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
        .map(|target| target.name)
        .collect();
    if names.is_empty() {
        return Err(Failure::new(format!("`{MANIFEST}` declares no target")));
    }
    Ok(names)
}

/// Builds all targets and returns the folder of their programs.
fn build(project: &Project) -> Result<PathBuf, Failure> {
    let host = host_triple(project)?;
    let target_dir = project
        .metadata("Cargo.toml")?
        .target_directory
        .join("fuzz");
    // Naming the platform, even our own, keeps the flags away from build scripts and macros.
    let mut command = project.cargo([
        "build",
        "--release",
        "--manifest-path",
        MANIFEST,
        "--bins",
        "--target",
        &host,
    ]);
    command
        .arg("--target-dir")
        .arg(&target_dir)
        .env("RUSTFLAGS", COVERAGE.join(" "));
    process::run(&mut command)?;
    Ok(target_dir.join(host).join("release"))
}

fn host_triple(project: &Project) -> Result<String, Failure> {
    let said = process::stdout_of(project.command("rustc").arg("-vV"))?;
    said.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("rustc does not say what platform it runs on"))
}

/// libFuzzer is C++.
fn has_cpp_compiler() -> bool {
    let named = std::env::var_os("CXX").filter(|name| !name.is_empty());
    let program = named.unwrap_or_else(|| "c++".into());
    process::capture(Command::new(program).arg("--version"))
        .is_ok_and(|finished| finished.status.success())
}

/// Passed over on a developer's machine, and said so; never in CI.
fn without_compiler() -> Result<Passed, Failure> {
    let reason = "libFuzzer needs a C++ compiler, and there is no `c++` (install g++)";
    if std::env::var_os("CI").is_some() {
        return Err(Failure::new(reason));
    }
    Ok(Passed::note(format!("SKIPPED: {reason}")))
}

/// Reads libFuzzer's `stat::number_of_executed_units: 12`.
fn executed(said: &str) -> Option<u64> {
    let count = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    count.trim().parse().ok()
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    let skipped = lines.len().saturating_sub(count);
    lines
        .into_iter()
        .skip(skipped)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_target_is_refused_with_the_known_ones() {
        let smoke = Smoke::new(Some(1), vec!["gone".to_owned()]);
        let failure = smoke.chosen(vec!["reference".to_owned(), "dotenv".to_owned()]);
        let message = failure.map_err(|failure| failure.to_string());
        assert_eq!(
            message,
            Err("no fuzz target is called `gone`; there are reference, dotenv".to_owned())
        );
    }

    #[test]
    fn executed_inputs_are_counted() {
        let said = "Done 512 runs\nstat::number_of_executed_units: 512\nstat::peak_rss_mb: 40\n";
        assert_eq!(executed(said), Some(512));
        assert_eq!(executed("INFO: Seed: 1"), None);
    }
}
