//! Files that change while they are in use.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures_util::{FutureExt, StreamExt};
use keyferry_core::{Backend, ErrorKind, Item, Mounts};
use keyferry_local::{Dotenv, File, Mount};
use tempfile::TempDir;

use crate::conformance::replace;

fn dotenv(text: &str) -> (TempDir, PathBuf, Dotenv) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(".env");
    fs::write(&path, text).unwrap();
    let backend = Dotenv::new(&path);
    (root, path, backend)
}

async fn text(backend: &dyn Backend, key: &str) -> String {
    let secret = backend.read(&Item::new(key)).await.unwrap();
    secret.value().expose_text().unwrap().to_owned()
}

/// Makes a file look old, so that its stamp is trusted.
fn age(path: &std::path::Path) {
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(old).unwrap();
}

#[tokio::test]
async fn a_change_in_place_of_equal_length_and_time_is_read() {
    let (_root, path, backend) = dotenv("A=1");
    age(&path);
    for value in ["2", "3", "4"] {
        assert!(text(&backend, "A").await.as_str() < value);
        fs::write(&path, format!("A={value}")).unwrap();
        age(&path);
        assert_eq!(text(&backend, "A").await, value);
    }
}

#[tokio::test]
async fn a_file_that_is_gone_serves_no_old_value() {
    let (_root, path, backend) = dotenv("A=1");
    assert_eq!(text(&backend, "A").await, "1");
    fs::remove_file(&path).unwrap();
    let error = backend.read(&Item::new("A")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    fs::write(&path, b"A=\xff").unwrap();
    let error = backend.read(&Item::new("A")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn malformed_lines_are_found_by_number_and_the_others_served() {
    let (_root, _path, backend) = dotenv("A=1\ncanary-4f1c\nB=2\n=canary-4f1c\n");
    assert_eq!(text(&backend, "B").await, "2");
    let findings = backend.diagnose().await;
    let subjects: Vec<_> = findings.iter().map(|it| it.subject.clone()).collect();
    assert!(subjects[0].ends_with(".env:2") && subjects[1].ends_with(".env:4"));
    assert!(findings.iter().all(|it| it.outcome.is_err()));
    assert!(!format!("{findings:?}").contains("canary"));
}

#[tokio::test]
async fn a_change_of_another_item_is_not_reported() {
    let (_root, path, backend) = dotenv("A=1\nB=1");
    let mut a = backend.watch(&Item::new("A")).unwrap();
    let mut b = backend.watch(&Item::new("B")).unwrap();
    a.next().await.unwrap().unwrap();
    b.next().await.unwrap().unwrap();
    replace(&path, b"A=1\nB=2");
    // Both streams are woken by the same event, so once one has seen it the other must have too.
    b.next().await.unwrap().unwrap();
    assert!(a.next().now_or_never().is_none());
    replace(&path, b"A=2\nB=2");
    let metadata = a.next().await.unwrap().unwrap();
    let secret = backend.read(&Item::new("A")).await.unwrap();
    assert_eq!(metadata.version.as_deref(), secret.version());
}

#[tokio::test]
async fn a_file_may_come_into_being_with_its_directory_while_it_is_watched() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("conf/app/secrets.yaml");
    let backend = File::new(&path);
    let mut stream = backend.watch(&Item::new("a")).unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    fs::create_dir(root.path().join("conf")).unwrap();
    replace(&path, b"a: x");
    while stream.next().await.unwrap().is_err() {}
    // Its directory is replaced by another.
    fs::create_dir_all(root.path().join("conf/new")).unwrap();
    fs::write(root.path().join("conf/new/secrets.yaml"), "a: y").unwrap();
    fs::rename(root.path().join("conf/app"), root.path().join("conf/old")).unwrap();
    fs::rename(root.path().join("conf/new"), root.path().join("conf/app")).unwrap();
    while stream.next().await.unwrap().is_err() {}
    assert_eq!(text(&backend, "a").await, "y");
}

#[tokio::test]
async fn a_swapped_link_far_up_the_path_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    for release in ["1", "2"] {
        let directory = root.path().join("releases").join(release);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(".env"), format!("A={release}")).unwrap();
    }
    let current = root.path().join("current");
    symlink("releases/1", &current).unwrap();
    let backend = Dotenv::new(current.join(".env"));
    let mut stream = backend.watch(&Item::new("A")).unwrap();
    stream.next().await.unwrap().unwrap();
    symlink("releases/2", root.path().join("next")).unwrap();
    fs::rename(root.path().join("next"), &current).unwrap();
    stream.next().await.unwrap().unwrap();
    assert_eq!(text(&backend, "A").await, "2");
}

#[tokio::test]
async fn a_mount_may_come_into_being_while_it_is_watched() {
    let root = tempfile::tempdir().unwrap();
    let backend = Mount::new(root.path().join("secrets"), Mounts::Any);
    let mut stream = backend.watch(&Item::new("dc/x")).unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    replace(&root.path().join("secrets/dc/x"), b"value");
    while stream.next().await.unwrap().is_err() {}
    assert_eq!(text(&backend, "dc/x").await, "value");
}

#[tokio::test]
async fn a_stream_outlives_its_backend_and_can_begin_anew_after_all_ended() {
    let (_root, path, backend) = dotenv("A=1");
    drop(backend.watch(&Item::new("A")).unwrap());
    let mut stream = backend.watch(&Item::new("A")).unwrap();
    drop(backend);
    stream.next().await.unwrap().unwrap();
    replace(&path, b"A=2");
    stream.next().await.unwrap().unwrap();
}
