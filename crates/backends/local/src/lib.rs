//! The backends that need nothing but this machine.
//!
//! | backend | values are | re-read |
//! |---|---|---|
//! | [`Env`] | environment variables | by TTL |
//! | [`Dotenv`] | the lines of a `.env` file | when the file changes |
//! | [`File`] | the entries of a YAML file | when the file changes |
//! | [`Mount`] | the files below a directory, as Kubernetes and Docker mount them | when they change |
//! | [`Memory`] | in memory, for tests and examples | by TTL |
//!
//! Reading a small local file takes microseconds, so the backends do it in place: they need no
//! runtime and no thread of their own. Only [`watch`](keyferry_core::Backend::watch) starts one,
//! which the operating system wakes.

mod dotenv;
mod env;
mod environment;
mod file;
mod memory;
mod mount;
mod notice;
mod snapshot;
mod source;

pub use dotenv::{Dotenv, DotenvText};
pub use env::Env;
pub use environment::{Environment, ProcessEnvironment};
pub use file::File;
pub use memory::Memory;
pub use mount::Mount;

use keyferry_core::{Error, ErrorKind, Item, Result};

/// Refuses a version where there is only the present one: returning that instead would be a lie.
fn refuse_version(kind: &str, item: &Item) -> Result<()> {
    match item.version() {
        None => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("a `{kind}` backend keeps no versions"),
        )
        .with_help("leave `?version=` out")),
    }
}
