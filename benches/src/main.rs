//! The measurements of BENCHMARKS.md: ours and the comparison, side by side in one run.
//!
//! `cargo xtask bench [cache|batch|memory|process|masking]…` runs them; without a name, all.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the real clock, prints its table, and stops at what it cannot do"
)]

mod batch;
mod cache;
mod masking;
mod memory;
mod peers;
mod process;
mod table;

use std::process::ExitCode;

use table::Table;

const ALL: [&str; 5] = ["cache", "batch", "memory", "process", "masking"];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = in_a_process_of_its_own(&args) {
        return code;
    }
    let names: Vec<&str> = match args.as_slice() {
        [] => ALL.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    for name in names {
        let table = match name {
            "cache" => cache::run(),
            "batch" => batch::run(),
            "memory" => memory::run(),
            "process" => process::run(),
            "masking" => masking::run(),
            unknown => {
                println!(
                    "there is no measurement `{unknown}`, there are {}",
                    ALL.join(", ")
                );
                return ExitCode::from(2);
            }
        };
        print_table(&table);
    }
    ExitCode::SUCCESS
}

/// Parts of a measurement whose memory must not mix with the rest.
fn in_a_process_of_its_own(args: &[String]) -> Option<ExitCode> {
    match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["--hold", what] => memory::hold(what),
        ["--peak", command @ ..] => process::peak(command),
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

fn print_table(table: &Table) {
    println!("{table}");
}
