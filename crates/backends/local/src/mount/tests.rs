use std::fs;
use std::os::unix::fs::symlink;

use keyferry_core::Scope;
use tempfile::TempDir;

use super::*;

struct Root(TempDir);

impl Root {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("mounts/dc/sub")).unwrap();
        fs::write(root.path().join("outside"), "canary").unwrap();
        Self(root)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join("mounts").join(path)
    }

    fn with(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(path), content).unwrap();
        self
    }

    fn linked(self, path: &str, target: impl AsRef<Path>) -> Self {
        symlink(target, self.path(path)).unwrap();
        self
    }

    fn backend(&self) -> Mount {
        Mount::new(self.path(""), Mounts::Only(vec!["dc".to_owned()]))
    }

    async fn read(&self, key: &str) -> Result<SecretValue> {
        let secret = self.backend().read(&Item::new(key)).await?;
        Ok(secret.value().clone())
    }

    async fn text(&self, key: &str) -> String {
        let value = self.read(key).await.unwrap();
        value.expose_text().unwrap().to_owned()
    }

    async fn error(&self, key: &str) -> Error {
        let error = self.read(key).await.unwrap_err();
        assert_eq!(error.scope(), Scope::Item);
        assert!(!format!("{error} {error:?}").contains("canary"));
        error
    }
}

#[tokio::test]
async fn the_whole_path_counts() {
    let root = Root::new()
        .with("dc/name", "short")
        .with("dc/sub/name", "long");
    assert_eq!(root.text("dc/name").await, "short");
    assert_eq!(root.text("dc/sub/name").await, "long");
}

#[tokio::test]
async fn text_loses_the_white_space_around_it_and_bytes_do_not() {
    let root = Root::new()
        .with("dc/text", " a b\r\n")
        .with("dc/bytes", b" \xff\n")
        .with("dc/map", "{\"port\": 1}\n")
        .with("dc/number", "12\n")
        .with("dc/nothing", "\n");
    assert_eq!(root.text("dc/text").await, "a b");
    assert_eq!(
        root.read("dc/bytes").await.unwrap().expose_bytes(),
        b" \xff\n"
    );
    assert!(root.read("dc/map").await.unwrap().expose_map().is_some());
    assert!(!root.read("dc/number").await.unwrap().is_typed());
    assert!(root.read("dc/nothing").await.unwrap().is_empty());
}

#[tokio::test]
async fn links_within_are_followed_and_links_out_are_denied() {
    let root = Root::new().with("dc/sub/real", "inside");
    let outside = root.0.path().join("outside");
    let root = root
        .linked("dc/link", "sub/real")
        .linked("dc/up", "../dc/sub/real")
        .linked("dc/out", "../../outside")
        .linked("dc/absolute", &outside)
        .linked("dc/directory", "../..")
        .linked("dc/magic", "/proc/self/root")
        .linked("dc/circle", "circle");
    assert_eq!(root.text("dc/link").await, "inside");
    assert_eq!(root.text("dc/up").await, "inside");
    for key in [
        "out",
        "absolute",
        "directory/outside",
        "magic/etc/passwd",
        "circle",
    ] {
        let error = root.error(&format!("dc/{key}")).await;
        assert_eq!(error.kind(), ErrorKind::Denied, "{key}");
    }
}

#[tokio::test]
async fn paths_that_are_none_are_refused_before_any_file_is_touched() {
    let root = Root::new().with("dc/x", "canary");
    for key in [
        "",
        "/dc/x",
        "dc//x",
        "dc/./x",
        "dc/../dc/x",
        "dc/..data/x",
        "dc/x/",
        "..",
        "dc/\0",
    ] {
        assert_eq!(
            root.error(key).await.kind(),
            ErrorKind::InvalidReference,
            "{key:?}"
        );
    }
}

#[tokio::test]
async fn a_mount_that_is_not_allowed_is_denied_whether_it_exists_or_not() {
    let root = Root::new();
    fs::create_dir(root.path("other")).unwrap();
    let root = root.with("other/x", "canary");
    for key in ["other/x", "none/x", "dc2/x"] {
        let error = root.error(key).await;
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert_eq!(error.code(), Some("TENANT_MOUNT_MISMATCH"));
        assert!(root.backend().watch(&Item::new(key)).is_err());
    }
    let none = Mount::new(root.path(""), Mounts::default());
    assert!(none.list(&Pattern::new("*")).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_regular_files_of_a_sane_size_are_secrets() {
    let large = vec![b'x'; usize::try_from(MAX_VALUE).unwrap() + 1];
    let root = Root::new()
        .with("dc/large", large)
        .with("dc/file", "canary");
    nix::unistd::mkfifo(&root.path("dc/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let root = root.linked("dc/null", "/dev/null");
    for (key, kind) in [
        ("dc/large", ErrorKind::TooLarge),
        ("dc/sub", ErrorKind::Malformed),
        ("dc", ErrorKind::Malformed),
        ("dc/fifo", ErrorKind::Malformed),
        ("dc/null", ErrorKind::Denied),
        ("dc/none", ErrorKind::NotFound),
        ("dc/file/x", ErrorKind::NotFound),
    ] {
        assert_eq!(root.error(key).await.kind(), kind, "{key}");
    }
}

#[test]
fn a_file_that_this_user_may_not_read_is_denied_with_the_way_out() {
    let error = io::Error::from_raw_os_error(Errno::EACCES as i32);
    let error = Root::new().backend().shared.unopened("dc/x", &error);
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().contains("dc/x") && error.help().unwrap().contains("user with id"));
}

#[tokio::test]
async fn names_are_those_of_files_that_can_be_read() {
    let root = Root::new()
        .with("dc/b", "")
        .with("dc/.dockerconfigjson", "{}")
        .with("dc/sub/c", "")
        .linked("dc/a", "sub/c")
        .linked("dc/out", "../../outside")
        .linked("dc/sub/loop", "..")
        .linked("dc/..data", "sub");
    fs::create_dir(root.path("other")).unwrap();
    let root = root.with("other/x", "");
    let backend = root.backend();
    let names = backend.list(&Pattern::new("*")).await.unwrap();
    assert_eq!(names, ["dc/.dockerconfigjson", "dc/a", "dc/b", "dc/sub/c"]);
    for name in names {
        backend.read(&Item::new(name)).await.unwrap();
    }
}

#[tokio::test]
async fn without_its_root_nothing_is_known_of_any_secret() {
    let root = Root::new().with("dc/file", "canary");
    for path in [PathBuf::from("/nonexistent"), root.path("dc/file")] {
        let backend = Mount::new(path, Mounts::Any);
        let error = backend.read(&Item::new("dc/x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.help().is_some());
        let error = backend.list(&Pattern::new("*")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(backend.diagnose().await[0].outcome.is_err());
    }
}
