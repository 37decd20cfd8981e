mod backends;
mod config;
mod controls;
mod core;
mod memory;
mod panics;
mod tokens;
mod yaml;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyferry::local::{Dotenv, Env, File, Memory, Mount};
use keyferry::{
    Backend, BackendName, BackendOptions, CacheOptions, Error, Failures, Host, Mounts, Registry,
    Resolver, SecretValue,
};
use keyferry_canary::{Canary, Form, Scanner, Witness};
use keyferry_conformance::ManualClock;

const SEED: u64 = 0x6b65_7966_6572_7279;

fn canaries() -> Vec<Canary> {
    Canary::all(SEED)
}

fn canary(form: Form) -> Canary {
    Canary::new(form, SEED)
}

fn witness() -> Witness {
    Witness::new(Scanner::new(&canaries()))
}

/// Sees all that an error of the pipeline says.
fn saw(witness: &mut Witness, output: &str, error: &Error) {
    witness.saw_error(output, error);
    let parts = [error.message(), error.help().unwrap_or_default()];
    witness.saw(output, parts.join("\n"));
    witness.saw(output, error.reference().unwrap_or_default());
    witness.saw_debug(output, &(error.code(), error.backend(), error.kind()));
}

/// Sees all that is wrong with a file.
fn saw_all(witness: &mut Witness, output: &str, failures: &Failures) {
    witness.saw_error(output, failures);
    for failure in failures.iter() {
        witness.saw_debug(output, failure);
        witness.saw(output, failure.path());
        saw(witness, output, failure.error());
    }
    saw(witness, output, &Error::from(failures.clone()));
}

/// A directory with every canary behind every backend.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let (mut dotenv, mut yaml) = (String::new(), String::new());
        for canary in canaries() {
            let name = canary.form().name();
            place.write(&format!("mounts/dc/{name}"), canary.bytes());
            if canary.form() == Form::Binary {
                continue;
            }
            let text = serde_json::to_string(canary.text()).unwrap();
            // JSON's escapes are a part of those of YAML.
            yaml.push_str(&format!("{name}: {text}\n"));
            let text = canary.text().replace('\\', r"\\").replace('"', r#"\""#);
            dotenv.push_str(&format!("{name}=\"{}\"\n", text.replace('\n', "\\n")));
        }
        place.write(".env", dotenv);
        place.write("secrets.yaml", yaml);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Every local backend, by the name it has in a resolver.
    fn backends(&self) -> Vec<(&'static str, Arc<dyn Backend>)> {
        let mounts = Mounts::Only(vec!["dc".to_owned()]);
        vec![
            ("env", Arc::new(Env::new(Arc::new(environment())))),
            ("dotenv", Arc::new(Dotenv::new(self.path(".env")))),
            ("local", Arc::new(File::new(self.path("secrets.yaml")))),
            ("mounts", Arc::new(Mount::new(self.path("mounts"), mounts))),
            ("memory", Arc::new(memory())),
        ]
    }

    fn resolver(&self, host: &Host, cache: CacheOptions) -> Resolver {
        resolver(host, cache, self.backends())
    }
}

fn resolver(host: &Host, cache: CacheOptions, backends: Vec<(&str, Arc<dyn Backend>)>) -> Resolver {
    let mut registry = Registry::new(host.clone());
    for (name, backend) in backends {
        let name = BackendName::new(name).unwrap();
        registry
            .add(name, backend, BackendOptions::default())
            .unwrap();
    }
    Resolver::builder(registry, host.clone())
        .cache(cache)
        .build()
}

fn still() -> Host {
    ManualClock::default().host()
}

/// Environment variables named after the forms.
fn environment() -> BTreeMap<String, OsString> {
    canaries()
        .into_iter()
        .map(|canary| {
            let value = OsString::from_vec(canary.bytes().to_vec());
            (canary.form().name().to_owned(), value)
        })
        .collect()
}

fn memory() -> Memory {
    let memory = Memory::new();
    for canary in canaries() {
        memory.set_value(canary.form().name(), SecretValue::bytes(canary.bytes()));
    }
    memory
}

/// The text of a value that must be there, so that silence about it means something.
fn assert_is(form: Form, value: &SecretValue) {
    assert!(value.expose_bytes() == canary(form).bytes(), "{form:?}");
}

fn key(directory: &str, form: Form) -> String {
    match directory {
        "mounts" => format!("mounts:dc/{}", form.name()),
        backend => format!("{backend}:{}", form.name()),
    }
}

fn nowhere() -> &'static Path {
    Path::new("keyferry.yaml")
}
