use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::json;

use crate::project::{PASSWORD, Project};

#[test]
fn one_value_goes_to_a_pipe_byte_for_byte() {
    let project = Project::new();
    let get = |reference: &str| project.keyferry(["get", reference]).good().stdout;
    assert_eq!(get("local:db_password"), PASSWORD.as_bytes());
    assert_eq!(get("local:pg#port"), b"5432");
    assert_eq!(get("dotenv:API_KEY"), b"canary-api-key");
    assert_eq!(get("file://dc/ldap.json#bind_pw"), b"canary-ldap");
    assert_eq!(get("mounts:dc/binary"), [0xff, 0x00, 0xfe]);
    assert_eq!(get("local:text"), b"line one\nline two");
}

#[test]
fn several_values_are_an_object_keyed_as_asked() {
    let project = Project::new();
    let run = project.keyferry([
        "get",
        "local:pg",
        "secret://local:pin",
        "mounts:dc/binary",
        "local:pg",
    ]);
    assert_eq!(
        run.good().json(),
        json!({
            "local:pg": {"user": "app", "password": "canary-pg-pass", "port": 5432},
            "secret://local:pin": "123",
            "mounts:dc/binary": {"base64": "/wD+"},
        })
    );
    for flags in [["--json", "--quiet"], ["--output", "json"]] {
        let run = project.keyferry(["get", "local:pin"].into_iter().chain(flags));
        assert_eq!(run.good().json(), json!({"local:pin": "123"}));
    }
}

#[test]
fn a_field_and_raw_can_be_asked_for_apart() {
    let project = Project::new();
    let run = project.keyferry(["get", "local:pg", "--field", "user"]);
    assert_eq!(run.good().text(), "app");
    let run = project.keyferry(["get", "mounts:dc/ldap.json", "--raw", "--json"]);
    assert_eq!(
        run.good().json(),
        json!({"mounts:dc/ldap.json": "{\"bind_pw\": \"canary-ldap\"}"})
    );
    let run = project.keyferry(["get", "local:pg", "--field", "port", "--raw", "--json"]);
    assert_eq!(run.good().json(), json!({"local:pg": "5432"}));
    let stderr = project
        .keyferry(["get", "local:pin", "--field", "x"])
        .failed(5);
    assert!(stderr.contains("local:pin"));
}

#[test]
fn each_failure_has_its_exit_code() {
    let project = Project::new();
    for (reference, code, said) in [
        ("local:absent", 5, "has no key `absent`"),
        ("env:ABSENT_VARIABLE", 5, "ABSENT_VARIABLE"),
        ("local:pg#absent", 5, "no field `absent`"),
        ("local:pin#x", 5, "no map"),
        ("nope:x", 2, "the configured backends are"),
        ("file://other/x", 4, "`other` is not allowed"),
        ("file://dc/absent", 5, "absent"),
        ("openbao+kv2://secret/app#token", 2, "no configured backend"),
        ("secret://dev/service/token/name", 2, "dev"),
        ("local:pin?version=3", 2, "version"),
        ("no-colon", 2, "argument 1"),
        ("file://dc/../x", 2, "argument 1"),
        ("FILE://dc/%2e%2e/x", 2, "argument 1"),
        ("local:", 2, "argument 1"),
    ] {
        let stderr = project.keyferry(["get", reference]).failed(code);
        assert!(stderr.contains(said), "{reference}: {stderr}");
    }
}

#[test]
fn when_some_fail_nothing_is_printed_and_all_failures_are() {
    let project = Project::new();
    let run = project.keyferry([
        "get",
        "local:absent",
        "local:pin",
        "nope:x",
        "file://other/x",
    ]);
    let stderr = run.failed(4);
    assert_eq!(stderr.matches("error:").count(), 3);
}

#[test]
fn errors_can_be_read_by_programs() {
    let project = Project::new();
    let stderr = project
        .keyferry(["get", "local:absent", "nope:x", "--output", "json"])
        .failed(2);
    let errors: Vec<serde_json::Value> = stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0]["error"]["kind"], "not_found");
    assert_eq!(errors[0]["error"]["reference"], "local:absent");
    assert_eq!(errors[0]["error"]["backend"], "local");
    assert_eq!(errors[0]["error"]["retryable"], false);
    assert_eq!(errors[1]["error"]["kind"], "invalid_reference");
    assert!(errors[1]["error"]["help"].is_string());
}

#[test]
fn what_is_no_reference_is_not_echoed() {
    let project = Project::new();
    for text in ["canary-password", "canary password:x", "CANARY:x\u{7}"] {
        let stderr = project.keyferry(["get", text]).failed(2);
        assert!(!stderr.to_lowercase().contains("canary"), "{stderr}");
    }
}

#[test]
fn a_file_is_written_whole_and_private_or_not_at_all() {
    let project = Project::new();
    project.write("out", "old");
    project
        .keyferry(["get", "mounts:dc/binary", "--out", "out"])
        .good();
    assert_eq!(
        std::fs::read(project.path("out")).unwrap(),
        [0xff, 0x00, 0xfe]
    );
    let mode = project.path("out").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);

    let before = project.names();
    project
        .keyferry(["get", "local:absent", "--out", "new"])
        .failed(5);
    project
        .keyferry(["get", "local:pin", "--out", "absent/out"])
        .failed(1);
    project
        .keyferry(["get", "local:pin", "--out", "mounts"])
        .failed(2);
    project
        .keyferry(["get", "local:pin", "--out", "/dev/null"])
        .failed(2);
    assert_eq!(project.names(), before);
}

#[test]
fn a_reader_that_left_is_no_failure() {
    let project = Project::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = project
        .command(["get", "local:db_password"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), b"".as_slice())
    );
}

#[test]
fn a_full_disk_is_a_failure() {
    let project = Project::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = project
        .command(["get", "local:pin"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("writing to stdout failed")
    );
}

#[test]
fn variables_that_are_no_text_are_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let project = Project::new();
    let run = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        command.env("BINARY", OsStr::from_bytes(b"a\xff"));
        crate::project::Run::of(command.output().unwrap())
    };
    let run_ = run(&["get", "env:BINARY", "--json"]);
    assert_eq!(
        run_.good().json(),
        json!({"env:BINARY": {"base64": "Yf8="}})
    );
    assert_eq!(run(&["get", "env:BINARY"]).good().stdout, b"a\xff");
}

#[test]
fn without_a_configuration_the_environment_is_there() {
    let project = Project::empty();
    let output = project
        .command(["get", "env:KEY"])
        .env("KEY", "value")
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"value");
}

#[test]
fn an_output_in_no_directory_is_named_with_its_cause_alone() {
    let project = Project::new();
    let stderr = project
        .keyferry(["get", "local:pin", "--out", "none/pin"])
        .failed(1);
    assert!(stderr.contains("`none/pin` cannot be written"), "{stderr}");
    assert!(stderr.contains("No such file"), "{stderr}");
    assert!(!stderr.contains(".keyferry-"), "{stderr}");
}
