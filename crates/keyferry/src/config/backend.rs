//! The types of backends: what each takes in the configuration, and how it is opened.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyferry_core::{Error, ErrorKind, Mounts, Result};
use keyferry_local::{Dotenv, Env, Environment, File, Mount};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// One backend in the configuration.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Backend {
    /// Environment variables.
    Env {
        /// Put before every key.
        #[serde(default)]
        prefix: String,
    },
    /// The lines of a `.env` file.
    Dotenv {
        /// The file.
        #[serde(default = "dotenv_path")]
        path: String,
        /// Put before every key.
        #[serde(default)]
        prefix: String,
    },
    /// The entries of a YAML file.
    File {
        /// The file.
        path: String,
        /// Put before every key.
        #[serde(default)]
        prefix: String,
    },
    /// The files below a directory, also for `file://` references.
    Mount {
        /// The directory; `FILE_MOUNT_PATH`, else `/run/secrets`, if it is not given.
        #[serde(default)]
        path: String,
        /// The first path segments that may be used, or the word `any`;
        /// `SECRETS_ALLOWED_MOUNTS` if it is not given.
        #[serde(default)]
        allowed_mounts: Option<AllowedMounts>,
        /// Put before every key, with a `/` between.
        #[serde(default)]
        prefix: String,
    },
    /// AWS Secrets Manager. Accepted, but not built into this version.
    Aws {
        /// The region.
        #[serde(default)]
        region_name: String,
        /// The profile of the shared AWS configuration.
        #[serde(default)]
        profile_name: String,
        /// Put before every key, with a `/` between.
        #[serde(default)]
        prefix: String,
    },
}

/// Types that a later version knows: naming one is no typo.
pub(super) const LATER: [&str; 4] = ["vault", "remote", "dapr", "store"];

/// The mounts that may be used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum AllowedMounts {
    /// Every mount.
    Any(AnyMount),
    /// These alone; an empty list allows nothing.
    Only(Vec<String>),
}

/// The word that stands for every mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum AnyMount {
    /// Every mount.
    #[serde(rename = "any")]
    Any,
}

/// Where a configuration stands.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// Where relative paths start.
    pub(super) directory: Option<&'a Path>,
    pub(super) environment: &'a Arc<dyn Environment>,
}

impl Backend {
    pub(super) fn env() -> Self {
        Self::Env {
            prefix: String::new(),
        }
    }

    /// The mount that serves `file://` where there is no configuration.
    pub(super) fn implicit_mount(environment: &dyn Environment) -> Result<Self> {
        // Nothing listed is nothing allowed.
        let mounts = mounts_of(environment)?.unwrap_or(AllowedMounts::Only(Vec::new()));
        Ok(Self::Mount {
            path: String::new(),
            allowed_mounts: Some(mounts),
            prefix: String::new(),
        })
    }

    /// The `type` in the configuration.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Env { .. } => "env",
            Self::Dotenv { .. } => "dotenv",
            Self::File { .. } => "file",
            Self::Mount { .. } => "mount",
            Self::Aws { .. } => "aws",
        }
    }

    pub(super) fn prefix(&self) -> &str {
        match self {
            Self::Env { prefix }
            | Self::Dotenv { prefix, .. }
            | Self::File { prefix, .. }
            | Self::Mount { prefix, .. }
            | Self::Aws { prefix, .. } => prefix,
        }
    }

    /// What is wrong with it besides its types, and what to do.
    pub(super) fn check(
        &self,
        environment: &dyn Environment,
    ) -> Result<(), (String, &'static str)> {
        const LIST: &str = "list the mounts, or write `allowed_mounts: any`";
        let Self::Mount { allowed_mounts, .. } = self else {
            return Ok(());
        };
        let missing = || ("`allowed_mounts` is missing".to_owned(), LIST);
        let mounts = match allowed_mounts {
            Some(mounts) => mounts.clone(),
            None => mounts_of(environment)
                .map_err(|error| (error.to_string(), LIST))?
                .ok_or_else(missing)?,
        };
        match mounts {
            AllowedMounts::Only(mounts) if mounts.iter().any(|mount| mount == ANY) => {
                Err(("the word `any` stands in a list".to_owned(), LIST))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn open(&self, place: &Place<'_>) -> Result<Arc<dyn keyferry_core::Backend>> {
        let environment = Arc::clone(place.environment);
        Ok(match self {
            Self::Env { .. } => Arc::new(Env::new(environment)),
            Self::Dotenv { path, .. } => Arc::new(Dotenv::new(place.path(path)?)),
            Self::File { path, .. } => {
                Arc::new(File::with_environment(place.path(path)?, environment))
            }
            Self::Mount {
                path,
                allowed_mounts,
                ..
            } => {
                let root = match path.as_str() {
                    "" => variable(&*environment, "FILE_MOUNT_PATH")?
                        .map_or_else(|| PathBuf::from("/run/secrets"), PathBuf::from),
                    path => place.path(path)?,
                };
                let mounts = match allowed_mounts {
                    Some(mounts) => Some(mounts.clone()),
                    None => mounts_of(&*environment)?,
                };
                Arc::new(Mount::new(
                    root,
                    mounts.map_or(Mounts::default(), Mounts::from),
                ))
            }
            Self::Aws { .. } => return Err(unbuilt(self.kind())),
        })
    }
}

/// The error about a type that this program knows by name only.
pub(super) fn unbuilt(kind: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("backend type `{kind}` is not built into this program"),
    )
    .with_help("remove the backend, or use a version that has it")
}

impl Place<'_> {
    /// A path of the configuration: relative to its file, `~/` to the home directory.
    fn path(&self, text: &str) -> Result<PathBuf> {
        if let Some(rest) = text.strip_prefix("~/") {
            let home = self
                .environment
                .variable("HOME")
                .filter(|home| !home.is_empty());
            let home = home.ok_or_else(|| {
                let message =
                    format!("the path `{text}` needs the variable `HOME`, which is not set");
                Error::new(ErrorKind::InvalidConfig, message)
            })?;
            return Ok(PathBuf::from(home).join(rest));
        }
        Ok(match self.directory {
            // By components, so that no `/./` of the file shows in messages.
            Some(directory) => directory.join(text).components().collect(),
            None => PathBuf::from(text),
        })
    }
}

impl From<AllowedMounts> for Mounts {
    fn from(mounts: AllowedMounts) -> Self {
        match mounts {
            AllowedMounts::Any(AnyMount::Any) => Self::Any,
            AllowedMounts::Only(mounts) => Self::Only(mounts),
        }
    }
}

impl JsonSchema for AllowedMounts {
    fn schema_name() -> Cow<'static, str> {
        "AllowedMounts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The mounts that may be used, or the word `any`; an empty list allows nothing.",
            "anyOf": [
                { "const": ANY },
                { "type": "array", "items": { "type": "string" } }
            ]
        })
    }
}

/// The mounts that `SECRETS_ALLOWED_MOUNTS` lists, separated by commas.
fn mounts_of(environment: &dyn Environment) -> Result<Option<AllowedMounts>> {
    let Some(list) = variable(environment, "SECRETS_ALLOWED_MOUNTS")? else {
        return Ok(None);
    };
    if list.trim() == ANY {
        return Ok(Some(AllowedMounts::Any(AnyMount::Any)));
    }
    let mounts = list
        .split(',')
        .map(str::trim)
        .filter(|mount| !mount.is_empty());
    Ok(Some(AllowedMounts::Only(
        mounts.map(str::to_owned).collect(),
    )))
}

fn variable(environment: &dyn Environment, name: &str) -> Result<Option<String>> {
    let Some(value) = environment.variable(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    value.into_string().map(Some).map_err(|_| {
        let message = format!("the environment variable `{name}` is not UTF-8 text");
        Error::new(ErrorKind::InvalidConfig, message)
    })
}

fn dotenv_path() -> String {
    ".env".to_owned()
}

const ANY: &str = "any";
