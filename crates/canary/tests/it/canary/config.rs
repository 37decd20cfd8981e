//! `keyferry.yaml` with a canary in every place where a value stands.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use keyferry::{Config, system_host};
use keyferry_canary::{Canary, Capture, Form, Witness};

use super::backends::shapes;
use super::{canaries, canary, nowhere, saw, saw_all, witness};

/// Reads a configuration and opens it; whether it was refused.
fn tried(witness: &mut Witness, output: &str, text: &str) -> bool {
    let environment = BTreeMap::from([
        (
            "SECRET".to_owned(),
            OsString::from(canary(Form::Text).text()),
        ),
        ("WORD".to_owned(), OsString::from(canary(Form::Word).text())),
    ]);
    let environment = Arc::new(environment);
    match Config::parse(text, nowhere(), environment.clone()) {
        Err(failures) => {
            saw_all(witness, output, &failures);
            true
        }
        Ok(config) => {
            witness.saw_debug(output, &config);
            witness.saw_debug(output, config.env());
            match config.registry(&system_host()) {
                Ok(registry) => witness.saw_debug(output, &registry),
                Err(error) => saw(witness, output, &error),
            }
            false
        }
    }
}

/// A value as a YAML scalar.
fn scalar(canary: &Canary) -> String {
    serde_json::to_string(canary.text()).unwrap()
}

#[test]
fn canaries_in_place_of_every_value_are_not_echoed() {
    let (mut witness, capture) = (witness(), Capture::start());
    let places = [
        "secrets: {}",
        "env: {}",
        "secrets: { enabled: {} }",
        "secrets: { cache_enabled: {} }",
        "secrets: { cache: {} }",
        "secrets: { cache: { ttl: {} } }",
        "secrets: { cache: { stale_grace: {} } }",
        "secrets: { cache: { negative_ttl: {} } }",
        "secrets: { cache: { min_refresh_interval: {} } }",
        "secrets: { cache: { max_entries: {} } }",
        "secrets: { load: {} }",
        "secrets: { load: [{}] }",
        "secrets: { load: [[{}]] }",
        "secrets: { backends: {} }",
        "secrets: { backends: [{}] }",
        "secrets: { backends: { a: {} } }",
        "secrets: { backends: { a: [{}] } }",
        "secrets: { backends: { a: { type: {} } } }",
        "secrets: { backends: { a: { type: [{}] } } }",
        "secrets: { backends: { a: { type: env, prefix: [{}] } } }",
        "secrets: { backends: { a: { type: dotenv, path: [{}] } } }",
        "secrets: { backends: { a: { type: file, path: { x: {} } } } }",
        "secrets: { backends: { a: { type: file, prefix: {} } } }",
        "secrets: { backends: { a: { type: mount, allowed_mounts: {} } } }",
        "secrets: { backends: { a: { type: mount, allowed_mounts: [[{}]] } } }",
        "secrets: { backends: { a: { type: mount, path: [{}] } } }",
        "secrets: { backends: { a: { type: aws, region_name: [{}] } } }",
        "secrets: { backends: { a: { type: aws, region_name: {} } } }",
        "secrets: { backends: { a: { type: vault, token: {} } } }",
        "secrets: { backends: { a: { type: env, pasword: {} } } }",
        "secrets: { enabled: x, backends: { a: { password: {} } } }",
        "env: { A: {} }",
        "env: { A: [{}] }",
        "env: { A: { b: {} } }",
        "env: [{}]",
        "nope: {}",
        "[{}]",
        "{}",
    ];
    for canary in canaries() {
        for place in places {
            let text = place.replace("{}", &scalar(&canary));
            let output = format!("{place} with {canary:?}");
            let refused = tried(&mut witness, &output, &text);
            // An empty text is no wrong one, and prefixes and regions are texts.
            let good = canary.form() == Form::Binary || place.contains("prefix: {}");
            assert!(
                refused || good || place.contains("region_name: {}"),
                "{output}"
            );
        }
    }
    witness.saw("log", capture.text());
    witness.assert_silent(1000);
}

#[test]
fn canaries_that_variables_stand_for_are_not_echoed() {
    let mut witness = witness();
    for place in [
        "secrets: { enabled: {} }",
        "secrets: { cache: { ttl: {} } }",
        "secrets: { cache: { max_entries: {} } }",
        "secrets: { load: [{}] }",
        "secrets: { backends: { a: {} } }",
        "secrets: { backends: { a: { type: {} } } }",
        "secrets: { backends: { a: { type: mount, allowed_mounts: {} } } }",
    ] {
        for value in [
            "${SECRET}",
            "${SECRET}${UNSET}",
            "${WORD}=",
            "${secret://env:x}${WORD}",
        ] {
            let text = place.replace("{}", &format!("\"{value}\""));
            assert!(tried(&mut witness, place, &text), "{text}");
        }
    }
    witness.assert_silent(200);
}

#[test]
fn configurations_that_are_no_yaml_show_no_value() {
    let mut witness = witness();
    for canary in canaries() {
        for (before, after) in shapes() {
            let text = format!("{before}{}{after}", canary.text());
            tried(&mut witness, before, &text);
            tried(&mut witness, before, &format!("env: {{ A: x }}\n{text}"));
            let section = format!("secrets: {{ enabled: x, cache: \"{{}}\" }}\n{text}");
            let environment = Arc::new(BTreeMap::new());
            if let Err(failures) = Config::from_section(&section, nowhere(), environment) {
                saw_all(&mut witness, before, &failures);
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keyferry.yaml");
        std::fs::write(&path, [b"a: ", canary.bytes(), b"\xff"].concat()).unwrap();
        saw_all(&mut witness, "file", &Config::load(&path).unwrap_err());
        std::fs::write(&path, canary.bytes().repeat(20_000)).unwrap();
        saw_all(
            &mut witness,
            "large file",
            &Config::load(&path).unwrap_err(),
        );
        saw_all(
            &mut witness,
            "directory",
            &Config::load(directory.path()).unwrap_err(),
        );
    }
    let absent = Config::load(Path::new("/none/keyferry.yaml")).unwrap_err();
    saw_all(&mut witness, "absent", &absent);
    witness.assert_silent(1000);
}
