use crate::project::Project;

#[test]
fn the_variables_of_configuration_files_and_flags_are_printed() {
    let project = Project::new();
    project.write(
        ".tokens",
        "DB_PASSWORD=from ${secret://local:pin}\nPLAIN=redis:6379\n",
    );
    let run = project.keyferry([
        "export",
        "--format",
        "json",
        "--env-file",
        ".tokens",
        "--env",
        "USER=local:pg#user",
    ]);
    assert_eq!(
        run.good().text(),
        "{\"DB_PASSWORD\":\"from 123\",\"PLAIN\":\"redis:6379\",\"USER\":\"app\"}\n"
    );
}

#[test]
fn a_value_that_cannot_be_carried_prints_nothing() {
    let project = Project::new();
    let stderr = project
        .keyferry(["export", "--format", "docker", "--env", "TEXT=local:text"])
        .failed(2);
    assert!(stderr.contains("`TEXT`") && !stderr.contains("line one"));
}

#[test]
fn a_reference_that_fails_prints_nothing() {
    let project = Project::new();
    let run = project.keyferry(["export", "--format", "shell", "--env", "A=local:absent"]);
    assert!(run.failed(5).contains("local:absent"));
}

#[test]
fn every_format_is_there() {
    let project = Project::new();
    for format in ["dotenv", "json", "yaml", "shell", "docker", "k8s", "github"] {
        let run = project.keyferry(["export", "--format", format]).good();
        assert!(run.text().contains("DB_PASSWORD"), "{format}");
    }
    let masks = project
        .keyferry(["export", "--format", "github", "--masks"])
        .good();
    assert!(masks.text().starts_with("::add-mask::canary-hunter2\n"));
}
