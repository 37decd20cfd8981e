use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use keyferry_core::{Scope, SecretValue};
use tempfile::TempDir;

use super::*;

fn file(text: &str) -> (TempDir, File) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("secrets.yaml");
    std::fs::write(&path, text).unwrap();
    let variables: BTreeMap<String, OsString> = [
        ("USER".to_owned(), "app".into()),
        ("TOKEN".to_owned(), "${USER} \"x\"".into()),
        ("LATIN".to_owned(), OsString::from_vec(vec![0xe9])),
    ]
    .into();
    let backend = File::with_environment(path, Arc::new(variables));
    (root, backend)
}

async fn value(text: &str, key: &str) -> Result<SecretValue> {
    let (_root, backend) = file(text);
    let secret = backend.read(&Item::new(key)).await?;
    Ok(secret.value().clone())
}

async fn text(yaml: &str, key: &str) -> String {
    let value = value(yaml, key).await.unwrap();
    value.expose_text().unwrap().to_owned()
}

async fn error(yaml: &str, key: &str) -> Error {
    value(yaml, key).await.unwrap_err()
}

#[tokio::test]
async fn scalars_are_the_text_that_is_written() {
    let yaml = "port: 5432\non: true\nversion: 1.10\noctal: 0o17\nquoted: '5'\n";
    for (key, expected) in [
        ("port", "5432"),
        ("on", "true"),
        ("version", "1.10"),
        ("octal", "0o17"),
        ("quoted", "5"),
    ] {
        assert_eq!(text(yaml, key).await, expected);
        assert!(!value(yaml, key).await.unwrap().is_typed());
    }
}

#[tokio::test]
async fn maps_and_lists_keep_their_type() {
    let yaml = "db: {user: app, port: 5432, tags: [a, null, {}], none: ~}\nlist: [1, x]\n";
    let map = r#"{"user":"app","port":5432,"tags":["a",null,{}],"none":null}"#;
    assert_eq!(text(yaml, "db").await, map);
    let db = value(yaml, "db").await.unwrap();
    assert_eq!(db.field("port").unwrap().expose_text().unwrap(), "5432");
    let list = value(yaml, "list").await.unwrap();
    assert!(list.is_typed() && list.expose_map().is_none());
    assert_eq!(list.expose_text().unwrap(), r#"[1,"x"]"#);
}

#[tokio::test]
async fn variables_are_filled_in_at_any_depth_and_only_once() {
    let yaml = "a: ${USER}-${NONE:-x}\nm: {deep: [{t: '${TOKEN}'}]}\nl: $${USER} pa$$word\n";
    assert_eq!(text(yaml, "a").await, "app-x");
    assert_eq!(text(yaml, "l").await, "${USER} pa$$word");
    // A value that looks like a token, or like JSON, is neither.
    assert_eq!(text(yaml, "m").await, r#"{"deep":[{"t":"${USER} \"x\""}]}"#);
}

#[tokio::test]
async fn an_unset_variable_is_named_with_file_and_key_and_spoils_no_other() {
    let yaml = "good: x\nbad: canary ${NONE}\n";
    let error = error(yaml, "bad").await;
    assert_eq!(
        (error.kind(), error.scope()),
        (ErrorKind::InvalidConfig, Scope::Item)
    );
    for part in ["secrets.yaml`:2", "`bad`", "`NONE`"] {
        assert!(error.message().contains(part), "{error}");
    }
    assert!(!format!("{error:?}").contains("canary"));
    assert_eq!(text(yaml, "good").await, "x");
}

#[tokio::test]
async fn a_variable_that_is_no_text_is_named() {
    let error = error("a: ${LATIN}", "a").await;
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.message().contains("`LATIN` is not UTF-8"), "{error}");
}

#[tokio::test]
async fn a_reference_to_another_secret_is_refused() {
    for yaml in ["a: ${secret://env:X}", "a: {b: ['${secret://env:X}']}"] {
        assert_eq!(error(yaml, "a").await.kind(), ErrorKind::InvalidConfig);
    }
}

#[tokio::test]
async fn null_is_no_value() {
    let yaml = "a:\nb: null\nc: ''\n";
    for key in ["a", "b"] {
        assert_eq!(error(yaml, key).await.kind(), ErrorKind::NotFound);
    }
    assert_eq!(text(yaml, "c").await, "");
    let (_root, backend) = file(yaml);
    assert_eq!(backend.list(&Pattern::new("*")).await.unwrap(), ["c"]);
}

#[tokio::test]
async fn a_key_is_one_of_the_root_map_and_no_path() {
    let yaml = "a.b: dotted\na: {b: nested}\n8080: port\n";
    assert_eq!(text(yaml, "a.b").await, "dotted");
    assert_eq!(text(yaml, "8080").await, "port");
    assert_eq!(error("a: {b: c}", "a.b").await.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_file_that_is_no_map_is_malformed() {
    for yaml in [
        "- a",
        "canary",
        "a: 1\na: 2",
        "a: &x 1\nb: *x",
        "a: [",
        "a: 1\n---\nb: 2",
    ] {
        let error = error(yaml, "a").await;
        assert_eq!(error.kind(), ErrorKind::Malformed, "{yaml}");
        assert!(!error.message().contains("canary"));
    }
    for yaml in ["", "# nothing yet\n", "{}"] {
        assert_eq!(error(yaml, "a").await.kind(), ErrorKind::NotFound, "{yaml}");
    }
}

#[tokio::test]
async fn a_missing_file_is_unavailable_and_not_retried() {
    let backend = File::new("/nonexistent/secrets.yaml");
    let error = backend.read(&Item::new("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!error.is_retryable() && error.help().is_some());
    assert!(error.message().contains("/nonexistent/secrets.yaml"));
}

#[tokio::test]
async fn diagnosis_names_every_value_that_cannot_be_filled_in() {
    let (_root, backend) = file("a: ${NONE}\nb: x\nc: {d: '${secret://env:X}'}\n");
    let findings = backend.diagnose().await;
    let messages = findings.iter().filter_map(|it| it.outcome.as_ref().err());
    let messages: Vec<_> = messages.map(|error| error.message().to_owned()).collect();
    assert_eq!(messages.len(), 2);
    assert!(messages[0].contains("`a`") && messages[1].contains("`c`"));
}
