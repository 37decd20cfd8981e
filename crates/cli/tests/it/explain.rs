use serde_json::json;

use crate::project::Project;

#[test]
fn the_route_is_shown_without_asking_anybody() {
    let project = Project::new();
    // Reading it would fail.
    project.write("secrets.yaml", "[");
    let object = project
        .keyferry(["explain", "secret://local:pg#port", "--output", "json"])
        .good()
        .json();
    assert_eq!(object["reference"], "secret://local:pg#port");
    assert_eq!(object["canonical"], "local:pg#port");
    assert_eq!(object["kind"], "named");
    assert_eq!(object["backend"], "local");
    assert_eq!(object["key"], "pg");
    assert_eq!(object["field"], "port");
    assert_eq!(object["version"], json!(null));
    assert_eq!(
        object["cache"],
        json!({"state": "absent", "age_seconds": null})
    );
    let text = project.keyferry(["explain", "local:pg#port"]).good();
    assert!(text.text().contains("local (file)"));
}

#[test]
fn a_reference_that_nothing_serves_is_explained_too() {
    let project = Project::new();
    for (reference, kind) in [
        ("nope:x", "named"),
        ("openbao+kv2://secret/a/b#token?version=2", "uri"),
        ("secret://dev/service/token/name", "runtime"),
        ("file://other/x", "uri"),
    ] {
        let object = project
            .keyferry(["explain", reference, "--output", "json"])
            .good()
            .json();
        assert_eq!(
            (&object["backend"], &object["kind"]),
            (&json!(null), &json!(kind))
        );
        assert!(object["error"]["message"].is_string());
        assert!(
            project
                .keyferry(["explain", reference])
                .good()
                .text()
                .contains("none")
        );
    }
}

#[test]
fn what_is_no_reference_is_refused() {
    let project = Project::new();
    project.keyferry(["explain", "canary"]).failed(2);
}
