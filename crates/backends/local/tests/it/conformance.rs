//! Every local backend passes the suite.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keyferry_conformance::{Harness, Shape, backend};
use keyferry_core::{Backend, Mounts, SecretValue};
use keyferry_local::{Dotenv, Env, Environment, File, Memory, Mount};
use tempfile::TempDir;

type Values = Mutex<BTreeMap<String, Vec<u8>>>;

/// Whatever is no binary; a variable holds no NUL, a text file no other bytes than text.
const TEXTS: [Shape; 8] = [
    Shape::Text,
    Shape::Empty,
    Shape::Lines,
    Shape::Edges,
    Shape::Punctuation,
    Shape::Unicode,
    Shape::Object,
    Shape::Large,
];

/// Replaces a file as a whole.
pub(crate) fn replace(path: &Path, content: &[u8]) {
    let new = path.with_extension("new");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&new, content).unwrap();
    fs::rename(new, path).unwrap();
}

#[derive(Debug, Clone, Default)]
struct Variables(Arc<Mutex<BTreeMap<String, OsString>>>);

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.0.lock().unwrap().variable(name)
    }

    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().names()
    }
}

#[async_trait]
impl Harness for Variables {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(Env::new(Arc::new(self.clone())))
    }

    fn key(&self, name: &str) -> String {
        name.to_ascii_uppercase()
    }

    fn holds(&self) -> &[Shape] {
        &TEXTS
    }

    async fn put(&self, key: &str, value: &[u8]) {
        let value = OsString::from_vec(value.to_vec());
        self.0.lock().unwrap().insert(key.to_owned(), value);
    }

    async fn remove(&self, key: &str) {
        self.0.lock().unwrap().remove(key);
    }
}

/// A file of all values, in the syntax that `write` knows.
struct OneFile {
    directory: TempDir,
    values: Values,
    write: fn(&str, &str) -> String,
    backend: fn(&Path) -> Arc<dyn Backend>,
}

impl OneFile {
    fn new(write: fn(&str, &str) -> String, backend: fn(&Path) -> Arc<dyn Backend>) -> Self {
        let it = Self {
            directory: tempfile::tempdir().unwrap(),
            values: Values::default(),
            write,
            backend,
        };
        it.save();
        it
    }

    fn save(&self) {
        let values = self.values.lock().unwrap();
        let lines = values
            .iter()
            .map(|(key, value)| (self.write)(key, std::str::from_utf8(value).unwrap()));
        replace(&self.path(), lines.collect::<String>().as_bytes());
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("values")
    }
}

#[async_trait]
impl Harness for OneFile {
    fn backend(&self) -> Arc<dyn Backend> {
        (self.backend)(&self.path())
    }

    fn holds(&self) -> &[Shape] {
        &TEXTS
    }

    async fn put(&self, key: &str, value: &[u8]) {
        let mut values = self.values.lock().unwrap();
        values.insert(key.to_owned(), value.to_vec());
        drop(values);
        self.save();
    }

    async fn remove(&self, key: &str) {
        self.values.lock().unwrap().remove(key);
        self.save();
    }
}

fn dotenv_line(key: &str, value: &str) -> String {
    let value = value
        .replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n")
        .replace('\r', r"\r");
    format!("{key}=\"{value}\"\n")
}

fn yaml_line(key: &str, value: &str) -> String {
    let value = serde_json::to_string(&value.replace("${", "$${")).unwrap();
    format!("{key}: {value}\n")
}

/// Files below a directory, as Kubernetes keeps them: behind a link that is swapped.
struct Swapped {
    directory: TempDir,
    values: Values,
    count: Mutex<usize>,
}

impl Swapped {
    fn new() -> Self {
        let it = Self {
            directory: tempfile::tempdir().unwrap(),
            values: Values::default(),
            count: Mutex::new(0),
        };
        fs::create_dir(it.directory.path().join("app")).unwrap();
        it.swap();
        it
    }

    /// What the kubelet does after each change.
    fn swap(&self) {
        let mount = self.directory.path().join("app");
        let mut count = self.count.lock().unwrap();
        let (old, new) = (format!("..v{count}"), format!("..v{}", *count + 1));
        *count += 1;
        fs::create_dir(mount.join(&new)).unwrap();
        let values = self.values.lock().unwrap();
        for (name, value) in values.iter() {
            fs::write(mount.join(&new).join(name), value).unwrap();
        }
        std::os::unix::fs::symlink(&new, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
        for name in values.keys() {
            let link = mount.join(name);
            if !link.is_symlink() {
                std::os::unix::fs::symlink(format!("..data/{name}"), link).unwrap();
            }
        }
        for entry in fs::read_dir(&mount).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if !name.starts_with("..") && !values.contains_key(name) {
                fs::remove_file(path).unwrap();
            }
        }
        let _ = fs::remove_dir_all(mount.join(old));
    }
}

#[async_trait]
impl Harness for Swapped {
    fn backend(&self) -> Arc<dyn Backend> {
        let allowed = Mounts::Only(vec!["app".to_owned()]);
        Arc::new(Mount::new(self.directory.path(), allowed))
    }

    fn key(&self, name: &str) -> String {
        format!("app/{name}")
    }

    /// White space at the ends is dropped, so no [`Shape::Edges`].
    fn holds(&self) -> &[Shape] {
        &[
            Shape::Text,
            Shape::Empty,
            Shape::Lines,
            Shape::Punctuation,
            Shape::Unicode,
            Shape::Object,
            Shape::Binary,
            Shape::Large,
        ]
    }

    async fn put(&self, key: &str, value: &[u8]) {
        let name = key.strip_prefix("app/").unwrap().to_owned();
        self.values.lock().unwrap().insert(name, value.to_vec());
        self.swap();
    }

    async fn remove(&self, key: &str) {
        let name = key.strip_prefix("app/").unwrap();
        self.values.lock().unwrap().remove(name);
        self.swap();
    }
}

/// Files below a directory, each replaced by itself.
struct Plain(TempDir);

#[async_trait]
impl Harness for Plain {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(Mount::new(self.0.path(), Mounts::Any))
    }

    fn key(&self, name: &str) -> String {
        format!("app/some/{name}")
    }

    fn holds(&self) -> &[Shape] {
        &[Shape::Text, Shape::Binary]
    }

    async fn put(&self, key: &str, value: &[u8]) {
        replace(&self.0.path().join(key), value);
    }

    async fn remove(&self, key: &str) {
        let _ = fs::remove_file(self.0.path().join(key));
    }
}

struct InMemory(Memory);

#[async_trait]
impl Harness for InMemory {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(self.0.clone())
    }

    async fn put(&self, key: &str, value: &[u8]) {
        self.0.set_value(key, SecretValue::bytes(value));
    }

    async fn remove(&self, key: &str) {
        self.0.remove(key);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn env_conforms() {
    backend(&Variables::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dotenv_conforms() {
    let harness = OneFile::new(dotenv_line, |path| Arc::new(Dotenv::new(path)));
    backend(&harness).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file_conforms() {
    let harness = OneFile::new(yaml_line, |path| Arc::new(File::new(path)));
    backend(&harness).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mount_of_plain_files_conforms() {
    let harness = Plain(tempfile::tempdir().unwrap());
    backend(&harness).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mount_of_swapped_directories_conforms() {
    backend(&Swapped::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms() {
    backend(&InMemory(Memory::new())).await.unwrap();
}
