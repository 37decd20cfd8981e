//! Tokens in configuration files, and the variables that are provided to programs.

use std::collections::BTreeMap;

use keyferry::{CacheOptions, EnvEntry, EnvValue, Format, Tokens};
use keyferry_canary::{Capture, Form};

use super::backends::shapes;
use super::{Place, canaries, canary, environment, key, saw, saw_all, still, witness};

#[tokio::test]
async fn files_with_tokens_show_no_value() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    let resolver = place.resolver(&still(), CacheOptions::default());
    let mut texts = Vec::new();
    for canary in canaries() {
        for (before, after) in shapes() {
            texts.push(format!("{before}{}{after}", canary.text()));
        }
        let literal = serde_json::to_string(canary.text()).unwrap();
        for backend in ["env", "dotenv", "local", "mounts", "memory"] {
            let reference = key(backend, canary.form());
            for token in [
                format!("${{secret://{reference}}}"),
                format!("${{secret://{reference}#none}}"),
                format!("${{secret://{reference}#password}}x${{UNSET}}"),
                format!("x${{secret://{reference}}}${{secret://none:x}}"),
                format!("x${{secret://{reference}}}${{secret://memory:none}}"),
                format!("x${{secret://{reference}}}${{"),
            ] {
                texts.push(format!("a: {literal}\nb: \"{token}\"\n"));
                texts.push(format!("{{\"a\": {literal},\n\"b\": \"{token}\"}}"));
                texts.push(format!("{{\"a\": {literal},\n\"b\": !t \"{token}\"}}"));
                texts.push(format!("a: [{literal}, \"{token}\"\n"));
            }
        }
    }
    let mut rendered = 0;
    for text in &texts {
        for format in [Format::Yaml, Format::Json, Format::Text] {
            match Tokens::find("file", text, format) {
                Ok(tokens) => {
                    witness.saw_debug("tokens", &tokens);
                    match tokens.resolve(&resolver, &environment()).await {
                        Ok(_) => rendered += 1,
                        Err(failures) => saw_all(&mut witness, "rendering", &failures),
                    }
                }
                Err(failures) => saw_all(&mut witness, "finding", &failures),
            }
        }
    }
    assert!(rendered > 100, "{rendered}");
    witness.saw("log", capture.text());
    witness.assert_silent(5000);
}

#[tokio::test]
async fn provided_variables_show_no_value() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    let resolver = place.resolver(&still(), CacheOptions::default());
    let literal = canary(Form::Word);
    for form in Form::ALL {
        for backend in ["env", "mounts", "memory"] {
            let reference = key(backend, form);
            let mut entries = Vec::new();
            for text in [
                reference.clone(),
                format!("{reference}#none"),
                format!("{reference}#password"),
                "memory:none".to_owned(),
                format!("{}${{UNSET}}", literal.text()),
                format!("{}${{secret://{reference}}}", literal.text()),
                format!("{}${{binary}}", literal.text()),
            ] {
                let value = EnvValue::parse(&text).unwrap();
                witness.saw_debug("value", &value);
                entries.push(EnvEntry::new("A", value).unwrap());
            }
            witness.saw_debug("entries", &entries);
            let failures = EnvEntry::resolve_all(&entries, &resolver, &environment())
                .await
                .unwrap_err();
            saw_all(&mut witness, "resolving", &failures);
            let values = EnvEntry::resolve_all(&entries[..1], &resolver, &BTreeMap::new()).await;
            witness.saw_debug("values", &values.unwrap());
        }
        let text = String::from_utf8_lossy(canary(form).bytes()).into_owned();
        for text in [
            text.clone(),
            format!("secret://{text}"),
            format!("{text}${{"),
            format!("${{{text}}}"),
            format!("${{secret://{text}"),
        ] {
            for parsed in [
                EnvValue::parse(&text),
                EnvValue::parse_env_file_value(&text),
            ] {
                match parsed {
                    // What is a variable name is shown.
                    Ok(EnvValue::Template(template)) if !template.is_literal() => {}
                    Ok(value) => witness.saw_debug("value", &value),
                    Err(error) => saw(&mut witness, "value", &error),
                }
            }
        }
    }
    witness.saw("log", capture.text());
    witness.assert_silent(500);
}
