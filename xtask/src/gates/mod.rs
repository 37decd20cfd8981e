//! The gates, each a check that a change must pass.

mod canary;
mod clippy;
mod deny;
mod deps;
mod doc;
mod docs_map;
mod doctest;
mod features;
mod fmt;
pub(crate) mod fuzz;
mod local_paths;
mod no_ring;
mod python;
mod shuttle;
mod test;

use crate::failure::Failure;
use crate::project::Project;

/// One check with its name on the command line.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Project) -> Result<Passed, Failure>,
}

/// What a gate that passed has to say.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// Tests that ran for the first time; a gate that repeats others' tests adds none.
    pub(crate) tests: u64,
    /// A few words for the summary.
    pub(crate) note: String,
}

impl Passed {
    pub(crate) fn tests(tests: u64) -> Self {
        Self {
            tests,
            note: format!("{tests} tests"),
        }
    }

    pub(crate) fn note(note: impl Into<String>) -> Self {
        Self {
            tests: 0,
            note: note.into(),
        }
    }
}

/// Cheap gates first, so that a slip is reported within seconds.
pub(crate) const ALL: &[Gate] = &[
    Gate {
        name: "fmt",
        about: "the formatting is rustfmt's",
        run: fmt::run,
    },
    Gate {
        name: "deps",
        about: "dependencies point at core",
        run: deps::run,
    },
    Gate {
        name: "no-ring",
        about: "there is one crypto provider at most",
        run: no_ring::run,
    },
    Gate {
        name: "docs-map",
        about: "what the documents name exists",
        run: docs_map::run,
    },
    Gate {
        name: "local-paths",
        about: "no file names one machine's folders",
        run: local_paths::run,
    },
    Gate {
        name: "python",
        about: "the published Python packages are at hand",
        run: python::run,
    },
    Gate {
        name: "clippy",
        about: "no lint fires",
        run: clippy::run,
    },
    Gate {
        name: "test",
        about: "the tests pass",
        run: test::run,
    },
    Gate {
        name: "doctest",
        about: "the examples in the documentation run",
        run: doctest::run,
    },
    Gate {
        name: "canary",
        about: "no secret leaks: the canary tests exist and pass",
        run: canary::run,
    },
    Gate {
        name: "doc",
        about: "the documentation builds without a warning",
        run: doc::run,
    },
    Gate {
        name: "shuttle",
        about: "the cache holds in every interleaving tried",
        run: shuttle::run,
    },
    Gate {
        name: "features",
        about: "each crate builds alone, with each feature alone",
        run: features::run,
    },
    Gate {
        name: fuzz::NAME,
        about: "the fuzz targets survive a short run",
        run: fuzz::run,
    },
    Gate {
        name: "deny",
        about: "the licences, bans and sources of the dependencies are allowed",
        run: deny::run,
    },
];
