//! Where environment variables come from, injected so that tests need not change their own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// A set of environment variables.
pub trait Environment: Send + Sync + fmt::Debug + 'static {
    /// The value of a variable, `None` where it is not set.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// The names of all variables. Those that are not UTF-8 cannot be asked for and are left out.
    fn names(&self) -> Vec<String>;
}

/// The variables of this process, as they are at each call.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn names(&self) -> Vec<String> {
        std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .collect()
    }
}

impl Environment for BTreeMap<String, OsString> {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}
