use serde_json::json;

use crate::project::Project;

#[test]
fn names_are_sorted_and_come_without_values() {
    let project = Project::new();
    assert_eq!(
        project.keyferry(["list", "local:*"]).good().text(),
        "db_password\npg\npin\ntext\n"
    );
    assert_eq!(
        project
            .keyferry(["list", "local:p[gi]*", "--json"])
            .good()
            .json(),
        json!(["pg", "pin"])
    );
    assert_eq!(
        project.keyferry(["list", "mounts:*"]).good().text(),
        "dc/binary\ndc/ldap.json\n"
    );
    assert_eq!(project.keyferry(["list", "local:z*"]).good().text(), "");
}

#[test]
fn what_cannot_be_listed_is_said() {
    let project = Project::new();
    assert!(
        project
            .keyferry(["list", "nope:*"])
            .failed(2)
            .contains("`nope`")
    );
    project.keyferry(["list", "local"]).failed(2);
}

#[test]
fn a_name_cannot_fake_another_line() {
    let project = Project::new();
    project.write("mounts/dc/a\nb\u{1b}[31m", "x");
    let run = project.keyferry(["list", "mounts:dc/a*"]).good();
    assert_eq!(run.text(), "dc/a\\nb\\u{1b}[31m\n");
}
