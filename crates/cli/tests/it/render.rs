use std::os::unix::fs::PermissionsExt as _;

use crate::project::Project;

const TEMPLATE: &str = "\
# kept
db:
  password: ${secret://local:db_password} # here
  url: \"postgres://app@${HOST:-localhost}/x\"
pg: ${secret://local:pg}
";

const RENDERED: &str = "\
# kept
db:
  password: canary-hunter2 # here
  url: \"postgres://app@localhost/x\"
pg:
  user: app
  password: canary-pg-pass
  port: 5432
";

#[test]
fn tokens_are_filled_in_and_the_rest_is_kept() {
    let project = Project::new();
    project.write("config.yaml", TEMPLATE);
    assert_eq!(
        project.keyferry(["render", "config.yaml"]).good().text(),
        RENDERED
    );
}

#[test]
fn files_are_written_private_and_in_one_step() {
    let project = Project::new();
    project.write("config.yaml", TEMPLATE);
    project.write("b.json", r#"{"a": "${secret://local:pin}"}"#);
    project
        .keyferry(["render", "config.yaml", "--out", "out.yaml"])
        .good();
    assert_eq!(project.read("out.yaml"), RENDERED);
    let mode = project
        .path("out.yaml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);

    std::fs::create_dir(project.path("out")).unwrap();
    project
        .keyferry(["render", "config.yaml", "b.json", "--out", "out"])
        .good();
    assert_eq!(project.read("out/config.yaml"), RENDERED);
    assert_eq!(project.read("out/b.json"), r#"{"a": "123"}"#);
}

#[test]
fn every_failure_is_named_by_its_path_and_nothing_is_written() {
    let project = Project::new();
    project.write(
        "config.yaml",
        "a:\n  b: ${secret://local:absent}\n  c: ${UNSET_VARIABLE}\nd: ${secret://nope:x}\ne: ${secret://canary\n",
    );
    project.write("b.json", r#"{"x": ["${secret://local:missing}"]}"#);
    std::fs::create_dir(project.path("out")).unwrap();
    let stderr = project
        .keyferry(["render", "config.yaml", "b.json", "--out", "out"])
        .failed(2);
    for place in [
        "`a.b`",
        "`a.c`",
        "`d`",
        "`e`",
        "`x[0]`",
        "local:absent",
        "config.yaml:2",
    ] {
        assert!(stderr.contains(place), "{place}: {stderr}");
    }
    assert_eq!(std::fs::read_dir(project.path("out")).unwrap().count(), 0);
}

#[test]
fn the_section_of_the_file_itself_serves_without_a_configuration() {
    let project = Project::empty();
    project.write("own.yaml", "secrets_file: x\n");
    project.write(
        "config.yaml",
        "secrets:\n  enabled: true\n  backends:\n    own: { type: file, path: own.yaml }\nkey: ${secret://own:secrets_file}\n",
    );
    let run = project.keyferry(["render", "config.yaml"]).good();
    assert!(run.text().ends_with("key: x\n"));
}

#[test]
fn text_is_filled_in_line_by_line() {
    let project = Project::new();
    project.write("app.conf", "password=${secret://local:pin}; $${kept}\n");
    let run = project.keyferry(["render", "--text", "app.conf"]).good();
    assert_eq!(run.text(), "password=123; ${kept}\n");
}

#[test]
fn what_is_no_yaml_no_json_and_no_file_is_refused() {
    let project = Project::new();
    project.write(
        "bomb.yaml",
        "a: &a [x]\nb: [*a, *a]\nc: ${secret://local:pin}\n",
    );
    project.write("bad.yaml", "a: [canary\n");
    project.write("twice.yaml", "a: 1\na: canary\n");
    project.write("bad.json", "{canary}");
    project.write("binary.yaml", [0xff]);
    for name in [
        "bad.yaml",
        "twice.yaml",
        "bad.json",
        "binary.yaml",
        "absent.yaml",
    ] {
        let stderr = project.keyferry(["render", name]).failed(2);
        assert!(stderr.contains(name), "{stderr}");
    }
    // Anchors stay what they are: nothing is expanded.
    let run = project.keyferry(["render", "bomb.yaml"]).good();
    assert_eq!(run.text(), "a: &a [x]\nb: [*a, *a]\nc: \"123\"\n");
}

#[test]
fn binary_values_are_refused_in_text() {
    let project = Project::new();
    project.write("config.yaml", "a: ${secret://mounts:dc/binary}\n");
    let stderr = project.keyferry(["render", "config.yaml"]).failed(7);
    assert!(stderr.contains("binary"));
}

#[test]
fn a_template_is_never_replaced_by_what_is_rendered_from_it() {
    let project = Project::new();
    project.write("config.yaml", TEMPLATE);
    project.write("b.json", "{}");
    for arguments in [
        &["render", "config.yaml", "--out", "./config.yaml"][..],
        &["render", "b.json", "config.yaml", "--out", "."],
    ] {
        assert_eq!(project.keyferry(arguments).code, 2, "{arguments:?}");
        assert_eq!(project.read("config.yaml"), TEMPLATE);
    }
}

#[test]
fn an_output_that_cannot_be_written_leaves_nothing() {
    let project = Project::new();
    project.write("config.yaml", TEMPLATE);
    let before = project.names();
    project
        .keyferry(["render", "config.yaml", "--out", "mounts"])
        .failed(2);
    project
        .keyferry(["render", "config.yaml", "--out", "absent/x"])
        .failed(1);
    assert_eq!(project.names(), before);
}
