//! What all commands share: the global options, the configuration, and a way to wait.

use std::path::PathBuf;
use std::sync::Arc;

use keyferry::local::ProcessEnvironment;
use keyferry::{Config, Error, ErrorKind, Resolver};
use tokio::runtime::Runtime;

use crate::arguments::{Global, Output};
use crate::failure::Failure;

/// One run of the program that handles secrets.
pub(crate) struct Session {
    global: Global,
    runtime: Runtime,
}

impl Session {
    /// Keeps what is about to be in memory from core dumps and other processes, and starts.
    pub(crate) fn new(global: Global) -> Result<Self, Failure> {
        keyferry_os::harden_process().map_err(|error| {
            let what = "this process cannot be protected";
            Error::new(ErrorKind::Internal, what).with_source(error)
        })?;
        Ok(Self {
            global,
            runtime: runtime()?,
        })
    }

    /// For whom results are written.
    pub(crate) fn output(&self) -> Output {
        self.global.output
    }

    /// Waits for an answer.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Where the configuration is: `--config`, `KEYFERRY_CONFIG`, or the nearest `keyferry.yaml`
    /// upward; `None` if there is no file.
    pub(crate) fn config_path(&self) -> Result<Option<PathBuf>, Error> {
        let directory = std::env::current_dir().map_err(|error| {
            Error::new(
                ErrorKind::InvalidConfig,
                "the working directory cannot be read",
            )
            .with_source(error)
        })?;
        Config::locate(
            self.global.config.as_deref(),
            &directory,
            &ProcessEnvironment,
        )
    }

    /// The configuration; without a file, that of the implicit backends.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Ok(match self.config_path()? {
            Some(path) => {
                tracing::info!("the configuration is `{}`", path.display());
                Config::load(&path)?
            }
            None => {
                tracing::info!("there is no configuration file: the implicit backends hold");
                Config::implicit(Arc::new(ProcessEnvironment))?
            }
        })
    }

    /// The resolver of the configuration.
    pub(crate) fn resolver(&self) -> Result<Resolver, Failure> {
        resolver_of(&self.config()?)
    }
}

/// The resolver of a configuration that is not switched off.
pub(crate) fn resolver_of(config: &Config) -> Result<Resolver, Failure> {
    config.resolver()?.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidConfig,
            "secrets are switched off by `secrets.enabled: false`",
        )
        .with_help("set it to `true` in the configuration, or leave it out")
        .into()
    })
}

/// A runtime without threads of its own.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "the runtime cannot be started").with_source(error)
        })
}
