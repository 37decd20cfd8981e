//! Round trips through the real consumers: bash, python-dotenv, PyYAML, and the documented grammars
//! of docker and GitHub Actions.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyferry::SecretValue;
use keyferry::local::DotenvText;
use proptest::prelude::*;

use super::format::{Format, github_masks};

/// Values full of what is special to somebody.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "'",
        "\"",
        "\\",
        "\n",
        "\r",
        "\r\n",
        "$",
        "${",
        "}",
        "$(x)",
        "`",
        "#",
        " #",
        " ",
        "\t",
        "=",
        "%",
        "!",
        ";",
        "&",
        "\0",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "é",
        "😀",
        "secret://",
        "null",
        "0x1F",
        "EOF",
        "\\n",
        "\u{1b}",
        "\u{7f}",
        "-",
        ":",
        "*",
        "a",
        "Z9",
    ]);
    prop_oneof![
        prop::collection::vec(special, 0..8).prop_map(|parts| parts.concat()),
        any::<String>(),
        "[ -~]{0,12}",
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![text().prop_map(String::into_bytes), any::<Vec<u8>>()]
}

/// What a format carries of some values, and the file with all of that.
fn written(format: Format, values: &[Vec<u8>]) -> (BTreeMap<String, Vec<u8>>, Vec<u8>) {
    let named: Vec<(String, SecretValue)> = values
        .iter()
        .enumerate()
        .map(|(index, value)| (format!("V_{index}"), SecretValue::bytes(value.clone())))
        .filter(|(name, value)| format.write(&[(name, value)], "x").is_ok())
        .collect();
    let variables: Vec<_> = named
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    let file = format.write(&variables, "x").ok().unwrap();
    let carried = named
        .iter()
        .map(|(name, value)| (name.clone(), value.expose_bytes().to_vec()));
    (carried.collect(), file.as_bytes().to_vec())
}

fn refused(format: Format, value: &[u8]) -> bool {
    let value = SecretValue::bytes(value);
    format.write(&[("V", &value)], "x").is_err()
}

/// Feeds a program and returns what it writes.
fn fed(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// What Python reads, as JSON of names to lists of bytes.
fn python(script: &str, input: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let python = std::env::var_os("KEYFERRY_PYTHON").expect(
        "set KEYFERRY_PYTHON to a Python that has the packages python-dotenv and PyYAML: \
         `python3 -m venv v && v/bin/pip install python-dotenv pyyaml`, then v/bin/python",
    );
    let script = format!(
        "import io, json, sys\n\
         text = sys.stdin.buffer.read().decode('utf-8')\n\
         {script}\n\
         print(json.dumps({{k: list(v if isinstance(v, bytes) else v.encode('utf-8')) for k, v in read.items()}}))"
    );
    serde_json::from_slice(&fed(Command::new(python).args(["-c", &script]), input)).unwrap()
}

/// `docker run --env-file`, from its documented rules: lines; white space before the name is
/// dropped; `#` starts a comment; everything behind the first `=` is the value.
fn docker(file: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let text = std::str::from_utf8(file).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    lines
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            assert!(line.len() < 64 * 1024);
            let (name, value) = line.split_once('=').unwrap();
            assert!(!name.contains(char::is_whitespace));
            (name.to_owned(), value.as_bytes().to_vec())
        })
        .collect()
}

/// `$GITHUB_ENV`: `NAME<<DELIMITER`, lines, `DELIMITER`.
fn github(file: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let text = std::str::from_utf8(file).unwrap();
    let mut lines = text.split('\n');
    let mut read = BTreeMap::new();
    while let Some(line) = lines.next().filter(|line| !line.is_empty()) {
        let (name, delimiter) = line.split_once("<<").unwrap();
        let value: Vec<&str> = lines
            .by_ref()
            .take_while(|line| *line != delimiter)
            .collect();
        read.insert(name.to_owned(), value.join("\n").into_bytes());
    }
    assert_eq!(lines.next(), None);
    read
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn shell_lines_come_back_from_bash(values in prop::collection::vec(bytes(), 1..150)) {
        let (carried, file) = written(Format::Shell, &values);
        let printed = fed(
            Command::new("bash").env_clear().args(["-c", ". /dev/stdin; /usr/bin/env -0"]),
            &file,
        );
        let read: BTreeMap<String, Vec<u8>> = printed
            .split(|byte| *byte == 0)
            .filter(|line| line.starts_with(b"V_"))
            .map(|line| {
                let at = line.iter().position(|byte| *byte == b'=').unwrap();
                (String::from_utf8(line[..at].to_vec()).unwrap(), line[at + 1..].to_vec())
            })
            .collect();
        prop_assert_eq!(read, carried);
    }

    #[test]
    fn python_dotenv_reads_dotenv_lines(values in prop::collection::vec(bytes(), 1..300)) {
        let (carried, file) = written(Format::Dotenv, &values);
        let read = python("import dotenv; read = dotenv.dotenv_values(stream=io.StringIO(text, newline=None))", &file);
        prop_assert_eq!(read, carried);
    }

    #[test]
    fn python_yaml_reads_yaml(values in prop::collection::vec(bytes(), 1..300)) {
        let (carried, file) = written(Format::Yaml, &values);
        let read = python("import yaml; read = yaml.safe_load(text)", &file);
        prop_assert_eq!(read, carried);
    }

    #[test]
    fn python_yaml_reads_kubernetes_manifests(values in prop::collection::vec(bytes(), 1..300)) {
        let (carried, file) = written(Format::K8s, &values);
        prop_assert_eq!(carried.len(), values.len());
        let script = "import base64, yaml; m = yaml.safe_load(text); \
                      assert (m['kind'], m['metadata']['name']) == ('Secret', 'x'); \
                      read = {k: base64.b64decode(v, validate=True) for k, v in m['data'].items()}";
        prop_assert_eq!(python(script, &file), carried);
    }
}

proptest! {
    #[test]
    fn our_own_parser_reads_dotenv_lines(values in prop::collection::vec(bytes(), 1..30)) {
        let (carried, file) = written(Format::Dotenv, &values);
        let read = DotenvText::parse(std::str::from_utf8(&file).unwrap());
        prop_assert!(read.malformed.is_empty());
        let read: BTreeMap<_, _> =
            read.entries.into_iter().map(|(name, value)| (name, value.as_bytes().to_vec())).collect();
        prop_assert_eq!(read, carried);
    }

    #[test]
    fn docker_reads_env_files(values in prop::collection::vec(bytes(), 1..30)) {
        let (carried, file) = written(Format::Docker, &values);
        prop_assert_eq!(docker(&file), carried);
    }

    #[test]
    fn github_reads_its_environment_file(values in prop::collection::vec(bytes(), 1..30)) {
        let (carried, file) = written(Format::Github, &values);
        prop_assert_eq!(github(&file), carried);
    }

    #[test]
    fn json_carries_every_value(values in prop::collection::vec(bytes(), 1..30)) {
        let (carried, file) = written(Format::Json, &values);
        prop_assert_eq!(carried.len(), values.len());
        let read: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&file).unwrap();
        for (name, value) in read {
            let value = match value {
                serde_json::Value::String(text) => text.into_bytes(),
                object => BASE64_STANDARD.decode(object["base64"].as_str().unwrap()).unwrap(),
            };
            prop_assert_eq!(&value, &carried[&name]);
        }
    }

    #[test]
    fn only_what_cannot_be_carried_is_refused(value in bytes()) {
        let nul = value.contains(&0);
        let utf8 = std::str::from_utf8(&value).ok();
        prop_assert_eq!(refused(Format::Shell, &value), nul);
        prop_assert_eq!(refused(Format::Yaml, &value), utf8.is_none());
        let Some(text) = utf8.filter(|_| !nul) else {
            for format in [Format::Dotenv, Format::Docker, Format::Github] {
                prop_assert!(refused(format, &value));
            }
            return Ok(());
        };
        prop_assert_eq!(refused(Format::Docker, &value), text.contains(['\n', '\r']));
        prop_assert_eq!(refused(Format::Github, &value), text.contains('\r'));
        if refused(Format::Dotenv, &value) {
            let expanded = text.contains("${") || text.starts_with("secret://");
            prop_assert!(expanded || text.ends_with('\\'));
        }
    }

    #[test]
    fn every_line_of_a_value_is_masked_on_github(lines in prop::collection::vec("[ -~]{4,12}", 1..5)) {
        let value = SecretValue::text(lines.join("\n"));
        let masks = github_masks(&[("V", &value)]);
        let masks = std::str::from_utf8(masks.as_bytes()).unwrap();
        for line in lines.iter().filter(|line| !line.trim().is_empty()) {
            let command = format!("::add-mask::{}\n", line.replace('%', "%25"));
            prop_assert!(masks.contains(&command));
        }
    }
}

#[test]
fn a_refusal_names_the_variable_and_never_the_value() {
    let value = SecretValue::text("canary\nvalue");
    let errors = Format::Docker.write(&[("KEY", &value)], "x").err().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].kind(), keyferry::ErrorKind::Unsupported);
    let text = format!("{} {:?}", errors[0], errors[0]);
    assert!(text.contains("`KEY`") && !text.contains("canary"));
}

#[test]
fn every_refusal_is_reported_at_once() {
    let value = SecretValue::text("a\nb");
    let errors = Format::Docker
        .write(&[("A", &value), ("B", &value)], "x")
        .err()
        .unwrap();
    assert_eq!(errors.len(), 2);
}

#[test]
fn names_that_a_consumer_would_misread_are_refused_or_quoted() {
    let value = SecretValue::text("x");
    for name in ["a b", "a-b", "1a", "a;id", ""] {
        for format in [
            Format::Shell,
            Format::Dotenv,
            Format::Docker,
            Format::Github,
        ] {
            assert!(format.write(&[(name, &value)], "x").is_err(), "{name}");
        }
    }
    for name in ["NO", "null", "1"] {
        let yaml = Format::Yaml.write(&[(name, &value)], "x").ok().unwrap();
        assert_eq!(yaml.as_bytes(), format!("\"{name}\": \"x\"\n").as_bytes());
    }
    for name in ["GITHUB_TOKEN", "RUNNER_OS", "NODE_OPTIONS"] {
        assert!(Format::Github.write(&[(name, &value)], "x").is_err());
    }
}

#[test]
fn limits_of_the_consumers_hold() {
    let long = SecretValue::text("x".repeat(64 * 1024));
    assert!(Format::Docker.write(&[("V", &long)], "x").is_err());
    let huge = SecretValue::text("x".repeat(1024 * 1024 + 1));
    assert!(Format::K8s.write(&[("V", &huge)], "x").is_err());
}
