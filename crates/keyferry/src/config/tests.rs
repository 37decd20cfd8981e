use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use keyferry_core::{ErrorKind, Mounts, Reference};
use proptest::prelude::*;

use super::*;
use crate::env_map::EnvValue;

const FILE: &str = "app/keyferry.yaml";

fn environment() -> Arc<dyn Environment> {
    let variables = [
        ("HOME", "/home/app"),
        ("PREFIX", "APP_"),
        ("ALICE", "canary-value"),
    ];
    let mut variables: BTreeMap<String, OsString> = variables
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into();
    variables.insert("BINARY".to_owned(), OsString::from_vec(vec![0xff]));
    Arc::new(variables)
}

fn parse(text: &str) -> Result<Config, Failures> {
    Config::parse(text, Path::new(FILE), environment())
}

/// What is wrong with a text: message, then help if any.
fn wrong(text: &str) -> Vec<String> {
    let failures = parse(text).expect_err("the text should be refused");
    assert!(failures.exit_code() == 2, "{failures}");
    let shown = |failure: &Failure| match failure.error().help() {
        Some(help) => format!("{} | {help}", failure.error()),
        None => failure.error().to_string(),
    };
    failures.iter().map(shown).collect()
}

fn only_wrong(text: &str) -> String {
    let mut wrong = wrong(text);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    wrong.remove(0)
}

#[test]
fn the_documented_section_is_accepted_field_for_field() {
    let config = parse(
        r#"
secrets:
  enabled: true
  cache_enabled: true
  backends:
    aws:
      type: aws
      region_name: eu-west-1
      profile_name: my-profile
      prefix: "production/exchanges"
    env:
      type: env
    dotenv:
      type: dotenv
      path: .env
    local:
      type: file
      path: ./secrets.yaml
  load:
    - "aws:*"
    - "env:API_KEY"
    - "dotenv:DB_*"
    - "local:*"
"#,
    )
    .unwrap();
    let backends: Vec<_> = config
        .backends()
        .map(|(name, kind)| (name.as_str(), kind))
        .collect();
    assert_eq!(
        backends,
        [
            ("aws", "aws"),
            ("env", "env"),
            ("dotenv", "dotenv"),
            ("local", "file")
        ]
    );
    assert_eq!(config.load_declarations().len(), 4);
    assert!(config.enabled());
}

#[test]
fn each_documented_backend_is_accepted() {
    for (name, kind, fields) in [
        ("env", "env", "prefix: \"APP_\""),
        ("local", "file", "path: ./secrets.yaml"),
        ("dotenv", "dotenv", "path: .env"),
        ("dotenv", "dotenv", "prefix: X"),
        (
            "aws",
            "aws",
            "region_name: eu-west-1\n      profile_name: my-profile\n      prefix: \"production/exchanges\"",
        ),
    ] {
        let text = format!(
            "secrets:\n  backends:\n    {name}:\n      type: {kind}\n      {fields}\n  load:\n    - \"{name}:binance\"    # specific key\n    - \"{name}:*\"\n"
        );
        parse(&text).unwrap_or_else(|failures| panic!("{failures}: {text}"));
    }
}

#[test]
fn defaults_are_those_of_the_contract() {
    for text in [
        "",
        "# nothing\n",
        "secrets:\n",
        "secrets:\n  backends:\n  load:\n  cache:\nenv:\n",
    ] {
        let config = parse(text).unwrap();
        assert!(config.enabled(), "{text:?}");
        assert_eq!(config.cache_options(), CacheOptions::default());
        assert_eq!(config.backends().count() + config.env().len(), 0);
    }
}

#[test]
fn cache_figures_are_read_in_every_unit() {
    let config = parse(
        "secrets:\n  cache_enabled: false\n  cache: { ttl: 5m, stale_grace: 1h, negative_ttl: 250ms, min_refresh_interval: 7, max_entries: 3 }\n",
    )
    .unwrap();
    let options = config.cache_options();
    assert!(!options.enabled);
    assert_eq!(options.ttl.as_secs(), 300);
    assert_eq!(options.stale_grace.as_secs(), 3600);
    assert_eq!(options.negative_ttl.as_millis(), 250);
    assert_eq!(options.min_refresh_interval.as_secs(), 7);
    assert_eq!(options.max_entries, 3);
}

#[test]
fn an_unknown_key_names_line_and_nearest_key() {
    assert_eq!(
        only_wrong("secrets:\n  backends:\n    aws:\n      type: aws\n      prefx: x\n"),
        "app/keyferry.yaml:5:7: unknown key `prefx` in `secrets.backends.aws` | \
         did you mean `prefix`? known here: `prefix`, `profile_name`, `region_name`, `type`"
    );
    assert_eq!(
        only_wrong("secret:\n  enabled: true\n"),
        "app/keyferry.yaml:1:1: unknown key `secret` | did you mean `secrets`? known here: `env`, `secrets`"
    );
}

#[test]
fn everything_wrong_is_reported_at_once_in_order() {
    let wrong = wrong(
        "secrets:\n  enabled: maybe\n  cache: { ttl: soon }\n  backends:\n    a: { type: envv }\n    b: { type: file }\n    Up: { type: env }\n  load: [x]\n  lod: 1\nenv:\n  A: nonsense\n",
    );
    let lines: Vec<_> = wrong
        .iter()
        .map(|text| text.split(':').nth(1).unwrap())
        .collect();
    assert_eq!(lines, ["2", "3", "5", "6", "7", "9", "11"], "{wrong:#?}");
}

#[test]
fn wrong_types_name_what_is_expected_and_never_the_value() {
    for (text, expected) in [
        (
            "secrets: canary",
            "`secrets`: expected a map, found a string",
        ),
        ("- canary", "expected a map, found a list"),
        (
            "secrets:\n  enabled: canary",
            "expected `true` or `false`, found a string",
        ),
        (
            "secrets:\n  load: canary",
            "expected a list, found a string",
        ),
        (
            "secrets:\n  load: [{canary: 1}]",
            "`secrets.load[0]`: expected a string, found a map",
        ),
        (
            "secrets:\n  cache: { ttl: canary }",
            "expected a length of time",
        ),
        (
            "secrets:\n  cache: { ttl: -5 }",
            "expected a length of time",
        ),
        (
            "secrets:\n  cache: { ttl: 1.5 }",
            "expected a length of time",
        ),
        (
            "secrets:\n  cache: { max_entries: 0 }",
            "expected a whole number from 1",
        ),
        (
            "secrets:\n  cache: { max_entries: canary }",
            "expected a whole number from 1",
        ),
        (
            "secrets:\n  backends: [canary]",
            "expected a map, found a list",
        ),
        (
            "secrets:\n  backends: { a: canary }",
            "`secrets.backends.a`: expected a map, found a string",
        ),
        (
            "secrets:\n  backends: { a: { type: [canary] } }",
            "expected a string",
        ),
        (
            "secrets:\n  backends: { a: { type: env, prefix: 5 } }",
            "expected a string, found a number",
        ),
        (
            "secrets:\n  backends: { a: { type: mount, allowed_mounts: canary } }",
            "expected the word `any` or a list",
        ),
        (
            "secrets:\n  backends: { a: { type: mount, allowed_mounts: [1] } }",
            "expected a string, found a number",
        ),
        ("env:\n  A: [canary]", "expected a string, found a list"),
        ("env:\n  A: 5", "expected a string, found a number"),
        ("env:\n  A:", "expected a string, found nothing"),
    ] {
        let wrong = only_wrong(text);
        assert!(wrong.contains(expected), "{text}: {wrong}");
        assert!(!wrong.contains("canary"), "{wrong}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let wrong = only_wrong("secrets:\n  backends:\n    local: { type: file }\n");
    assert_eq!(
        wrong,
        "app/keyferry.yaml:3:5: `secrets.backends.local`: `path` is missing"
    );
    let wrong = only_wrong("secrets:\n  backends:\n    local: { path: x }\n");
    assert!(
        wrong.contains("`type` is missing | the types are `env`, `dotenv`"),
        "{wrong}"
    );
    let wrong = only_wrong("secrets:\n  backends:\n    m: { type: mount, path: /x }\n");
    assert!(wrong.contains("`allowed_mounts` is missing"), "{wrong}");
}

#[test]
fn an_unknown_backend_type_names_the_nearest() {
    let wrong = only_wrong("secrets:\n  backends:\n    a: { type: dotnev }\n");
    assert!(
        wrong.contains(
            "`secrets.backends.a.type`: there is no backend type `dotnev` | did you mean `dotenv`?"
        ),
        "{wrong}"
    );
}

#[test]
fn a_type_of_a_later_version_is_unsupported() {
    let failures =
        parse("secrets:\n  backends:\n    bao: { type: vault, address: x }\n").unwrap_err();
    let failure = failures.iter().next().unwrap();
    assert_eq!(failure.error().kind(), ErrorKind::Unsupported);
    assert!(
        failure
            .error()
            .to_string()
            .contains("backend type `vault` is not built into this program")
    );

    let config = parse("secrets:\n  backends:\n    aws: { type: aws }\n").unwrap();
    let error = config.resolver().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "app/keyferry.yaml:3: `secrets.backends.aws`: backend type `aws` is not built into this program"
    );
}

#[test]
fn a_reserved_or_odd_backend_name_is_refused() {
    for name in ["secret", "file", "dapr", "Upper", "1x", "a.b"] {
        let wrong = only_wrong(&format!(
            "secrets:\n  backends:\n    {name}: {{ type: env }}\n"
        ));
        assert!(wrong.starts_with("app/keyferry.yaml:3:5: "), "{wrong}");
        assert!(
            wrong.contains(&format!("the backend name `{name}` is")),
            "{wrong}"
        );
    }
}

#[test]
fn what_yaml_allows_and_a_configuration_does_not_is_refused() {
    let bomb = format!("secrets:\n  load: {}x{}\n", "[".repeat(40), "]".repeat(40));
    let large = "#".repeat(300 * 1024);
    for text in [
        "secrets:\n  enabled: true\n  enabled: false\n",
        "secrets: &a\n  enabled: true\n",
        "secrets: *a\n",
        "secrets:\n  <<: { enabled: true }\n",
        "secrets: !tag { enabled: true }\n",
        "secrets: {}\n---\nsecrets: {}\n",
        "secrets: [\n",
        bomb.as_str(),
        large.as_str(),
    ] {
        let failures = parse(text).unwrap_err();
        let error = Error::from(failures);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(
            error.to_string().starts_with("app/keyferry.yaml:"),
            "{error}"
        );
    }
}

#[test]
fn a_circular_token_is_refused() {
    let wrong = only_wrong(
        "secrets:\n  backends:\n    local: { type: file, path: \"${secret://env:X}\" }\n    env: { type: env }\n",
    );
    assert!(wrong.contains("`secrets.backends.local.path`"), "{wrong}");
    assert!(wrong.contains("a backend cannot need a secret"), "{wrong}");
}

#[test]
fn variables_are_filled_in_and_unset_ones_refused() {
    let config =
        parse("secrets:\n  backends:\n    e: { type: env, prefix: \"${PREFIX}${NONE:-X}$${\" }\n")
            .unwrap();
    assert_eq!(config.backends[0].backend.prefix(), "APP_X${");
    let wrong =
        only_wrong("secrets:\n  load: [\"a:b\", \"${NONE}\"]\n  backends: { a: { type: env } }\n");
    assert!(
        wrong.contains("`secrets.load[1]`: the environment variable `NONE` is not set"),
        "{wrong}"
    );
    assert!(only_wrong("secrets:\n  load: [\"${BINARY}\"]\n").contains("not UTF-8"));
    assert!(only_wrong("secrets:\n  load: [\"${\"]\n").contains("has no closing `}`"));
    // Filled in once: what a variable holds is not looked at again, and never shown.
    assert!(!only_wrong("secrets:\n  cache: { ttl: \"${ALICE}\" }\n").contains("canary"));
}

#[test]
fn load_declarations_name_known_backends() {
    let wrong =
        only_wrong("secrets:\n  backends: { local: { type: env } }\n  load: [\"lokal:*\"]\n");
    assert!(
        wrong.contains(
            "`secrets.load[0]`: there is no backend named `lokal` | did you mean `local`?"
        ),
        "{wrong}"
    );
    assert!(only_wrong("secrets:\n  load: [x]\n").contains("has no `:`"));
}

#[test]
fn env_is_a_reference_or_a_template() {
    let config = parse(
        "env:\n  Z: aws:postgres#password\n  A: \"secret://dev/example-service/token/app-config\"\n  M: \"postgres://${USER:-app}:${secret://env:P}@db\"\n",
    )
    .unwrap();
    let names: Vec<_> = config
        .env()
        .iter()
        .map(|entry| (entry.name(), entry.line()))
        .collect();
    assert_eq!(names, [("Z", Some(2)), ("A", Some(3)), ("M", Some(4))]);
    let reference = Reference::parse("aws:postgres#password").unwrap();
    assert_eq!(config.env()[0].value(), &EnvValue::Reference(reference));
    assert!(matches!(config.env()[2].value(), EnvValue::Template(_)));
    let wrong = wrong("env:\n  A: canary\n  B: \"${canary\"\n  \"C=D\": a:b\n");
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(
        wrong[0].starts_with("app/keyferry.yaml:2:3: `env.A`: reference at column 1 has no `:`"),
        "{wrong:?}"
    );
    assert!(!wrong.concat().contains("canary"));
}

#[test]
fn mounts_are_listed_or_any_and_fail_closed() {
    let mounts = |fields: &str| {
        let text = format!("secrets:\n  backends:\n    m: {{ type: mount, path: /x, {fields} }}\n");
        let host = system_host();
        let registry = parse(&text)?.registry(&host)?;
        Ok::<_, Error>(registry.entries()[0].backend().routes().mounts)
    };
    assert_eq!(mounts("allowed_mounts: any").unwrap(), Mounts::Any);
    assert_eq!(
        mounts("allowed_mounts: []").unwrap(),
        Mounts::Only(Vec::new())
    );
    assert_eq!(
        mounts("allowed_mounts: [dc]").unwrap(),
        Mounts::Only(vec!["dc".to_owned()])
    );
    assert_eq!(
        mounts("allowed_mounts: [any]").unwrap_err().kind(),
        ErrorKind::InvalidConfig
    );
    assert!(mounts("prefix: a").is_err());
}

#[test]
fn without_a_file_there_are_env_and_a_mount_that_allows_nothing() {
    let config = Config::implicit(environment()).unwrap();
    let backends: Vec<_> = config
        .backends()
        .map(|(name, kind)| (name.as_str(), kind))
        .collect();
    assert_eq!(backends, [("env", "env"), ("mounts", "mount")]);
    let allowed = |list: &str| {
        let variables =
            BTreeMap::from([("SECRETS_ALLOWED_MOUNTS".to_owned(), OsString::from(list))]);
        let config = Config::implicit(Arc::new(variables)).unwrap();
        config.registry(&system_host()).unwrap().entries()[1]
            .backend()
            .routes()
            .mounts
    };
    assert_eq!(allowed(""), Mounts::Only(Vec::new()));
    assert_eq!(
        allowed("dc, web"),
        Mounts::Only(vec!["dc".to_owned(), "web".to_owned()])
    );
    assert_eq!(allowed("any"), Mounts::Any);
}

#[tokio::test]
async fn without_a_file_a_listed_mount_is_read_where_the_variable_points() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("dc")).unwrap();
    std::fs::write(
        directory.path().join("dc/ldap.json"),
        "{\"bind_pw\": \"x\"}\n",
    )
    .unwrap();
    let variables = BTreeMap::from([
        (
            "FILE_MOUNT_PATH".to_owned(),
            OsString::from(directory.path()),
        ),
        ("SECRETS_ALLOWED_MOUNTS".to_owned(), OsString::from("dc")),
    ]);
    let config = Config::implicit(Arc::new(variables)).unwrap();
    let resolver = config.resolver().unwrap().unwrap();
    for reference in ["file://dc/ldap.json#bind_pw", "mounts:dc/ldap.json#bind_pw"] {
        let secret = resolver.get(reference).await.unwrap();
        assert_eq!(secret.value().expose_text().unwrap(), "x");
    }
    let error = resolver.get("file://web/x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[test]
fn two_backends_for_one_mount_are_refused_with_their_line() {
    let config = parse(
        "secrets:\n  backends:\n    a: { type: mount, path: /a, allowed_mounts: [dc] }\n    b: { type: mount, path: /b, allowed_mounts: any }\n",
    )
    .unwrap();
    let error = config.resolver().unwrap_err();
    assert!(
        error.to_string().starts_with("app/keyferry.yaml:4: "),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[test]
fn disabled_secrets_give_no_resolver() {
    assert!(
        parse("secrets: { enabled: false }")
            .unwrap()
            .resolver()
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_section_is_found_among_unrelated_keys() {
    let section = |text: &str| Config::from_section(text, Path::new("app.yaml"), environment());
    let config = section("services: &s { a: 1 }\nother: *s\nsecrets:\n  backends: { e: { type: env } }\nenv: { stage: prod }\n")
        .unwrap()
        .unwrap();
    assert_eq!(config.backends().count(), 1);
    assert!(config.enabled() && config.env().is_empty());
    for text in [
        "",
        "a: 1",
        "secrets:\n  db_password:\n    file: ./x\n",
        "secrets: text\n",
    ] {
        assert!(section(text).unwrap().is_none(), "{text}");
    }
    let failures = section("a: 1\nsecrets:\n  backnds: {}\n  enabled: true\n").unwrap_err();
    assert!(
        failures
            .to_string()
            .starts_with("app.yaml:3:3: unknown key `backnds`"),
        "{failures}"
    );
    assert!(section("a: &x 1\nsecrets:\n  enabled: *x\n").is_err());
}

#[test]
fn the_nearest_file_above_is_found_unless_one_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let below = directory.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let file = directory.path().join("keyferry.yaml");
    std::fs::write(&file, "").unwrap();
    let none: BTreeMap<String, OsString> = BTreeMap::new();
    assert_eq!(Config::locate(None, &below, &none).unwrap(), Some(file));
    let named = BTreeMap::from([("KEYFERRY_CONFIG".to_owned(), OsString::from("x.yaml"))]);
    let x = Some(PathBuf::from("x.yaml"));
    assert_eq!(Config::locate(None, &below, &named).unwrap(), x);
    let explicit = Path::new("y.yaml");
    assert_eq!(
        Config::locate(Some(explicit), &below, &named)
            .unwrap()
            .as_deref(),
        Some(explicit)
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyferry.yaml");
    let load = || Error::from(Config::load_in(&path, environment()).unwrap_err());
    assert!(
        load()
            .to_string()
            .contains("there is no configuration file")
    );
    std::fs::write(&path, [0xff]).unwrap();
    assert!(load().to_string().contains("not UTF-8"));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(load().to_string().contains("is a directory"));
}

#[tokio::test]
async fn paths_are_relative_to_the_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("s.yaml"), "a: 1\nb: '${PREFIX}'\n").unwrap();
    std::fs::write(directory.path().join("home.env"), "K=v\n").unwrap();
    let variables = BTreeMap::from([
        ("HOME".to_owned(), OsString::from(directory.path())),
        ("PREFIX".to_owned(), OsString::from("p")),
    ]);
    let config = Config::parse(
        "secrets:\n  backends:\n    local: { type: file, path: ./s.yaml }\n    home: { type: dotenv, path: ~/home.env }\n",
        &directory.path().join("keyferry.yaml"),
        Arc::new(variables),
    )
    .unwrap();
    let resolver = config.resolver().unwrap().unwrap();
    for (reference, text) in [("local:a", "1"), ("local:b", "p"), ("home:K", "v")] {
        let secret = resolver.get(reference).await.unwrap();
        assert_eq!(secret.value().expose_text().unwrap(), text);
    }
}

#[test]
fn a_home_that_is_not_set_is_said() {
    let none: BTreeMap<String, OsString> = BTreeMap::new();
    let text = "secrets:\n  backends:\n    home: { type: dotenv, path: ~/x }\n";
    let config = Config::parse(text, Path::new(FILE), Arc::new(none)).unwrap();
    let error = config.resolver().unwrap_err();
    assert!(
        error.to_string().contains("`HOME`, which is not set"),
        "{error}"
    );
}

#[test]
fn schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../keyferry.schema.json");
    let mut schema = serde_json::to_string_pretty(&Config::json_schema()).unwrap();
    schema.push('\n');
    if std::env::var_os("KEYFERRY_BLESS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == schema,
        "keyferry.schema.json is stale: run this test with KEYFERRY_BLESS=1"
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z:{}\\[\\]\\- \n\"$&*!<'|>#0-9]{0,200}") {
        let _ = parse(&text);
        let _ = Config::from_section(&text, Path::new(FILE), environment());
    }

    #[test]
    fn what_the_schema_check_passes_can_be_typed(
        key in "enabled|cache_enabled|cache|backends|load|ttl|type|path|prefix",
        value in "null|true|5|-1|1\\.5|x|5s|\\[\\]|\\{\\}|\\[x:y\\]|\\{ttl: 5s\\}|\\{a: \\{type: env\\}\\}|\\{a: \\{type: file, path: 1\\}\\}",
    ) {
        let texts = [
            format!("secrets: {{ {key}: {value} }}"),
            format!("secrets: {{ cache: {{ {key}: {value} }} }}"),
            format!("secrets: {{ backends: {{ a: {{ type: env, {key}: {value} }} }} }}"),
            format!("secrets: {{ backends: {{ a: {{ type: mount, allowed_mounts: {value} }} }} }}"),
            format!("secrets: {{ backends: {{ a: {value} }} }}"),
            format!("env: {{ A: {value} }}"),
        ];
        for text in texts {
            if let Err(failures) = parse(&text) {
                prop_assert!(!failures.to_string().contains("not of its type"), "{}", text);
            }
        }
    }
}

#[test]
fn a_configuration_without_an_end_is_refused() {
    let failures = Config::load(Path::new("/dev/zero")).unwrap_err();
    assert_eq!(failures.exit_code(), 2);
    assert!(
        failures.to_string().contains("is larger than 262144 bytes"),
        "{failures}"
    );
}
