#![doc = include_str!("../README.md")]

pub mod blocking;
mod config;
mod env_map;
mod failure;
mod host;
mod start;
mod tokens;

pub use keyferry_core::{
    Audit, Backend, BackendName, BackendOptions, Batch, BatchItem, CacheOptions, CacheState,
    Capabilities, Clock, Entropy, Entry, Error, ErrorKind, ExecutionContext, ExplainedRoute,
    Explanation, Finding, Freshness, Host, IntoRequest, Item, KeyStyle, Metadata, Mounts, Outcome,
    Pattern, Piece, Policy, Preloaded, Reference, ReferenceKind, Registry, Request, Resolver,
    ResolverBuilder, Result, RetryOptions, Route, Routes, Rules, RuntimeRoute, Scheme, Scope,
    Secret, SecretMap, SecretValue, Template, Timestamp, exit_code_of_all,
};

pub use config::Config;
pub use env_map::{EnvEntry, EnvValue};
pub use failure::{Failure, Failures};
pub use host::system_host;
pub use start::{from_config, from_env};
pub use tokens::{Format, Tokens};

/// The backends that need nothing but this machine.
pub mod local {
    pub use keyferry_local::{
        Dotenv, DotenvText, Env, Environment, File, Memory, Mount, ProcessEnvironment,
    };
}
