use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use keyferry_core::{BackendName, BackendOptions, Registry, SecretValue};
use keyferry_local::Memory;
use proptest::prelude::*;

use super::*;
use crate::host::system_host;

fn memory() -> Memory {
    let memory = Memory::new();
    memory.set("text", "canary-text");
    memory.set("number", "5432");
    memory.set(
        "map",
        r#"{"user": "app", "port": 5432, "tags": ["a", null]}"#,
    );
    memory.set("tricky", "a: b #c\n'\"${secret://m:text} ${USER} $${");
    memory.set_value("binary", SecretValue::bytes(vec![0xff, 0xfe]));
    memory
}

fn resolver(memory: Memory) -> Resolver {
    let mut registry = Registry::new(system_host());
    let name = BackendName::new("m").unwrap();
    registry
        .add(name, Arc::new(memory), BackendOptions::default())
        .unwrap();
    Resolver::builder(registry, system_host()).build()
}

fn environment() -> BTreeMap<String, OsString> {
    BTreeMap::from([
        ("USER".to_owned(), OsString::from("root")),
        ("PORT".to_owned(), OsString::from("80")),
    ])
}

fn rendered(text: &str, format: Format) -> Result<String, Failures> {
    render_with(&resolver(memory()), text, format)
}

fn render_with(resolver: &Resolver, text: &str, format: Format) -> Result<String, Failures> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let tokens = Tokens::find("app.yaml", text, format)?;
    let rendered = runtime.block_on(tokens.resolve(resolver, &environment()))?;
    Ok(rendered.to_string())
}

fn yaml(text: &str) -> String {
    rendered(text, Format::Yaml).unwrap()
}

#[test]
fn the_documented_configuration_is_filled_in() {
    let text = "services:\n  my_service:\n    api_key: ${secret://m:text} # the key\n    db_password: ${secret://m:number}\n    exchange_credentials: ${secret://m:map}\n  other: 1\n";
    assert_eq!(
        yaml(text),
        "services:\n  my_service:\n    api_key: canary-text # the key\n    db_password: \"5432\"\n    exchange_credentials:\n      user: app\n      port: 5432\n      tags:\n        - a\n        - null\n  other: 1\n"
    );
}

#[test]
fn a_whole_token_keeps_its_type_and_a_part_of_a_text_is_text() {
    assert_eq!(yaml("p: ${secret://m:map#port}\n"), "p: 5432\n");
    assert_eq!(yaml("p: \"${secret://m:map#port}\"\n"), "p: 5432\n");
    assert_eq!(yaml("p: x${secret://m:map#port}\n"), "p: x5432\n");
    assert_eq!(
        yaml("u: ${secret://m:map#user}:${secret://m:text}\n"),
        "u: app:canary-text\n"
    );
    assert_eq!(yaml("p: ${PORT}\nq: ${NONE:-x}\n"), "p: \"80\"\nq: x\n");
    let inside: BTreeMap<String, String> =
        serde_json::from_str(&rendered(r#"{"m": "<${secret://m:map}>"}"#, Format::Json).unwrap())
            .unwrap();
    assert_eq!(
        inside["m"],
        r#"<{"user": "app", "port": 5432, "tags": ["a", null]}>"#
    );
}

#[test]
fn a_bare_reference_is_a_token_and_other_texts_are_not() {
    assert_eq!(yaml("a: secret://m:text\n"), "a: canary-text\n");
    let text =
        "a: redis:6379\nb: postgres://u@h/db\nc: m:text\nd: x secret://m:text\ne: pa$$word\n";
    assert_eq!(yaml(text), text);
}

#[test]
fn a_bare_reference_is_taken_whole() {
    let memory = memory();
    memory.set("te}xt", "whole");
    memory.set("te", "canary-part");
    let resolver = resolver(memory);
    let rendered = render_with(&resolver, "a: secret://m:te}xt\n", Format::Yaml);
    assert_eq!(rendered.unwrap(), "a: whole\n");
    for text in [
        "secret://m:${USER}",
        "secret://m:te}${USER}",
        "secret://m:te$${",
    ] {
        let failures = render_with(&resolver, &format!("a: {text}\n"), Format::Yaml).unwrap_err();
        assert_eq!(failures.exit_code(), 2, "{text}");
        assert!(!failures.to_string().contains("canary"), "{failures}");
    }
}

#[test]
fn keys_and_comments_are_left_alone() {
    let text = "# ${secret://m:text}\n\"${USER}\": 1 # ${\n";
    assert_eq!(yaml(text), text);
}

#[test]
fn an_escape_becomes_a_literal() {
    assert_eq!(
        yaml("a: \"$${USER}\"\nb: '$${secret://m:text} ${USER}'\n"),
        "a: \"${USER}\"\nb: \"${secret://m:text} root\"\n"
    );
}

#[test]
fn every_document_of_a_stream_is_filled_in() {
    assert_eq!(
        yaml("a: ${USER}\n---\n- &x ${secret://m:text}\n- *x\n"),
        "a: root\n---\n- &x canary-text\n- *x\n"
    );
}

#[test]
fn json_stays_json() {
    let text = "{\n\t\"a\": \"${secret://m:map}\",\n\t\"b\": [\"${secret://m:tricky}\", 1.50, \"\\u00e9\\ud83d\\ude00\"],\n\t\"c\": \"${secret://m:map#port}\"\n}\n";
    let rendered = rendered(text, Format::Json).unwrap();
    let value: serde_json::Value = serde_json::from_str(&rendered).unwrap();
    assert_eq!(value["a"]["port"], 5432);
    assert_eq!(value["b"][0], "a: b #c\n'\"${secret://m:text} ${USER} $${");
    assert_eq!(value["b"][2], "é😀");
    assert_eq!(value["c"], 5432);
    assert!(rendered.contains("1.50"));
}

#[test]
fn what_is_no_json_is_refused_with_its_line() {
    let failures = rendered("{\n  \"a\": canary\n}", Format::Json).unwrap_err();
    assert!(
        failures.to_string().starts_with("app.yaml:2: no JSON"),
        "{failures}"
    );
    assert!(!failures.to_string().contains("canary"));
}

#[test]
fn a_json_root_is_refused_rather_than_written_as_yaml() {
    assert_eq!(
        rendered("\"${secret://m:text}\"", Format::Json).unwrap(),
        "\"canary-text\""
    );
    let error = rendered("\"${secret://m:map}\"", Format::Json).unwrap_err();
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn text_is_filled_in_line_by_line() {
    let text = "user=${USER}\r\npass=${secret://m:text}!\nmap=${secret://m:map}\n$${x} $x\nlast";
    assert_eq!(
        rendered(text, Format::Text).unwrap(),
        "user=root\r\npass=canary-text!\nmap={\"user\": \"app\", \"port\": 5432, \"tags\": [\"a\", null]}\n${x} $x\nlast"
    );
    assert_eq!(
        rendered("secret://m:text", Format::Text).unwrap(),
        "secret://m:text"
    );
}

#[test]
fn all_failures_are_reported_together_by_path_and_without_values() {
    let text = "services:\n  my_service:\n    api_key: ${secret://m:none}\n    ok: canary${secret://m:text}\n    binary: ${secret://m:binary}\n    mixed: x${secret://m:binary}\n  list: [\"${nope\", '${NONE}']\n  who: ${secret://n:x}\n  bare: secret://nonsense\n";
    let failures = rendered(text, Format::Yaml).unwrap_err();
    let shown: Vec<_> = failures
        .iter()
        .map(|f| (f.line().unwrap(), f.path().to_owned()))
        .collect();
    let expected = [
        (3, "services.my_service.api_key"),
        (5, "services.my_service.binary"),
        (6, "services.my_service.mixed"),
        (7, "services.list[0]"),
        (7, "services.list[1]"),
        (8, "services.who"),
        (9, "services.bare"),
    ];
    assert_eq!(shown, expected.map(|(line, path)| (line, path.to_owned())));
    let first = failures.iter().next().unwrap().error();
    assert!(
        first
            .to_string()
            .starts_with("app.yaml:3: `services.my_service.api_key`: `m:none`: "),
        "{first}"
    );
    assert_eq!(first.reference(), Some("m:none"));
    assert_eq!(failures.exit_code(), 2);
    assert!(!format!("{failures:?}").contains("canary"));
}

#[test]
fn failures_of_a_text_have_lines() {
    let failures = rendered("a\n${secret://m:none}\n${\n", Format::Text).unwrap_err();
    let lines: Vec<_> = failures.iter().map(Failure::line).collect();
    assert_eq!(lines, [Some(2), Some(3)]);
}

#[test]
fn the_section_that_configures_keyferry_is_left_alone() {
    let own = "secrets:\n  backends:\n    m: { type: file, path: \"${HOME_OF_IT}\" }\n  load: [\"${secret://m:none}\"]\na: ${secret://m:text}\n";
    assert_eq!(yaml(own), own.replace("${secret://m:text}", "canary-text"));
    assert_eq!(
        yaml("secrets:\n  db: ${secret://m:text}\n"),
        "secrets:\n  db: canary-text\n"
    );
}

#[test]
fn references_are_known_before_anything_is_fetched() {
    let tokens = Tokens::find(
        "x",
        "a: ${secret://m:b}\nb: [\"${USER}\", secret://m:c]\n",
        Format::Yaml,
    )
    .unwrap();
    let references: Vec<_> = tokens.references().map(Reference::canonical).collect();
    assert_eq!(references, ["m:b", "m:c"]);
    assert!(!format!("{tokens:?}").contains("USER"));
}

#[test]
fn one_batch_asks_for_each_secret_once() {
    use keyferry_conformance::Counting;
    let backend = Arc::new(Counting::new(memory()));
    let mut registry = Registry::new(system_host());
    let name = BackendName::new("m").unwrap();
    let shared: Arc<dyn keyferry_core::Backend> = backend.clone();
    registry
        .add(name, shared, BackendOptions::default())
        .unwrap();
    let resolver = Resolver::builder(registry, system_host()).build();
    let text = "a: ${secret://m:text}\nb: ${secret://m:text}${secret://m:map#port}\nc: ${secret://m:map#user}\n";
    render_with(&resolver, text, Format::Yaml).unwrap();
    let calls = backend.calls();
    assert_eq!((calls.read_batch, calls.read), (1, 0));
}

proptest! {
    #[test]
    fn any_text_arrives_in_yaml_and_json_as_it_is(secret in "\\PC{0,40}|[ -~\n\t:#'\"\\\\$\\{\\}\\[\\],&*!|>%@`-]{0,40}") {
        let memory = Memory::new();
        memory.set("s", secret.as_str());
        let resolver = resolver(memory);
        prop_assume!(!SecretValue::text(secret.as_str()).is_typed());
        let text = "a: ${secret://m:s} # kept\nb: [\"${secret://m:s}\", \"x${secret://m:s}\"]\n";
        let out = render_with(&resolver, text, Format::Yaml).unwrap();
        prop_assert!(out.contains("# kept"));
        let document = keyferry_yaml::Document::parse(&out, Limits::RENDER).unwrap();
        let texts: Vec<_> = document.scalars().map(|(_, node)| node.text().unwrap().to_owned()).collect();
        prop_assert_eq!(&texts, &[secret.clone(), secret.clone(), format!("x{secret}")]);

        let out = render_with(&resolver, r#"{"a": "${secret://m:s}"}"#, Format::Json).unwrap();
        let value: BTreeMap<String, String> = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(&value["a"], &secret);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-z:/{}$\\[\\]\\- \n\"&*!<'|>#0-9]{0,200}") {
        for format in [Format::Yaml, Format::Json, Format::Text] {
            if let Ok(tokens) = Tokens::find("x", &text, format) {
                let _ = tokens.references().count();
            }
        }
    }

    #[test]
    fn a_text_without_tokens_stays_byte_for_byte(text in "([a-c]{1,3}: ([a-z0-9$ ]{0,8}|'[a-z $]*'|\\|\n    [a-z]{1,4})( #[a-z]*)?\n){0,3}") {
        prop_assume!(Tokens::find("x", &text, Format::Yaml).is_ok());
        prop_assert_eq!(yaml(&text), text);
    }
}
