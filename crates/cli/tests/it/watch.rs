use std::process::{Child, ChildStdin, Stdio};

use crate::project::{Lines, Project};

/// A program that runs until its input ends.
struct Running {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines,
    stderr: Lines,
}

fn start(project: &Project, arguments: &[&str]) -> Running {
    let mut child = project
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Running {
        stdin: child.stdin.take().unwrap(),
        stdout: Lines::of(child.stdout.take().unwrap()),
        stderr: Lines::of(child.stderr.take().unwrap()),
        child,
    }
}

#[test]
fn a_changed_value_restarts_the_program() {
    let project = Project::new();
    project.write("secrets.yaml", "db_password: number-one\nother: x\n");
    let script = "echo $DB_PASSWORD; exec cat > /dev/null";
    let mut running = start(
        &project,
        &["run", "--no-mask", "--watch", "--", "sh", "-c", script],
    );
    assert_eq!(running.stdout.next(), "number-one");
    project.write("secrets.yaml", "db_password: number-two\nother: x\n");
    assert_eq!(running.stdout.next(), "number-two");
    // What the program does not use is no reason to restart it.
    project.write("secrets.yaml", "db_password: number-two\nother: y\n");
    project.write("secrets.yaml", "db_password: number-three\nother: y\n");
    assert_eq!(running.stdout.next(), "number-three");
    drop(running.stdin);
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_new_value_is_masked_after_a_restart() {
    let project = Project::new();
    project.write("secrets.yaml", "db_password: number-one\n");
    let script = "echo \"x $DB_PASSWORD\"; exec cat > /dev/null";
    let mut running = start(&project, &["run", "--watch", "--", "sh", "-c", script]);
    assert_eq!(running.stdout.next(), "x ****");
    project.write("secrets.yaml", "db_password: number-two\n");
    assert_eq!(running.stdout.next(), "x ****");
    drop(running.stdin);
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_value_that_cannot_be_resolved_leaves_the_program_running() {
    let project = Project::new();
    project.write("secrets.yaml", "db_password: number-one\n");
    let script = "echo $DB_PASSWORD; exec cat > /dev/null";
    let mut running = start(
        &project,
        &["run", "--no-mask", "--watch", "--", "sh", "-c", script],
    );
    assert_eq!(running.stdout.next(), "number-one");
    project.write("secrets.yaml", "[\n");
    running.stderr.find("goes on with the old values");
    project.write("secrets.yaml", "db_password: number-two\n");
    assert_eq!(running.stdout.next(), "number-two");
    drop(running.stdin);
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_signal_announces_a_new_private_file() {
    let project = Project::new();
    project.write("secrets.yaml", "db_password: number-one\n");
    let script = "trap 'cat key; kill $!; exit 7' HUP; sleep 1000 & echo ready; wait";
    let mut running = start(
        &project,
        &[
            "run",
            "--no-mask",
            "--file",
            "key=local:db_password",
            "--watch=HUP",
            "--",
            "sh",
            "-c",
            script,
        ],
    );
    assert_eq!(running.stdout.next(), "ready");
    project.write("secrets.yaml", "db_password: number-two\n");
    assert_eq!(running.stdout.next(), "number-two");
    assert_eq!(running.child.wait().unwrap().code(), Some(7));
    assert!(!project.path("key").exists());
}

#[test]
fn a_new_private_file_is_masked_in_the_running_program() {
    let project = Project::new();
    project.write("secrets.yaml", "db_password: number-one\n");
    let script =
        "trap 'cat key; echo \" number-one\"; kill $!; exit 7' HUP; sleep 1000 & echo ready; wait";
    let mut running = start(
        &project,
        &[
            "run",
            "--file",
            "key=local:db_password",
            "--watch=HUP",
            "--",
            "sh",
            "-c",
            script,
        ],
    );
    assert_eq!(running.stdout.next(), "ready");
    project.write("secrets.yaml", "db_password: second-number\n");
    assert_eq!(running.stdout.next(), "**** ****");
    assert_eq!(running.child.wait().unwrap().code(), Some(7));
}

#[test]
fn what_cannot_be_watched_is_said() {
    let project = Project::new();
    let mut running = start(
        &project,
        &[
            "run",
            "--env",
            "A=env:PATH",
            "--watch",
            "--",
            "sh",
            "-c",
            "exec cat > /dev/null",
        ],
    );
    running.stderr.find("changes of `env:PATH` are not noticed");
    drop(running.stdin);
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_file_is_rendered_again_when_a_value_or_the_file_changes() {
    let project = Project::new();
    project.write("secrets.yaml", "db_password: number-one\nother: more\n");
    project.write("config.yaml", "a: ${secret://local:db_password}\n");
    std::fs::create_dir(project.path("out")).unwrap();
    let mut running = start(
        &project,
        &[
            "render",
            "config.yaml",
            "--out",
            "out/x.yaml",
            "--watch",
            "-v",
        ],
    );
    running.stderr.find("written");
    assert_eq!(project.read("out/x.yaml"), "a: number-one\n");
    project.write("secrets.yaml", "db_password: number-two\nother: more\n");
    running.stderr.find("written");
    assert_eq!(project.read("out/x.yaml"), "a: number-two\n");
    project.write(
        "config.yaml",
        "a: ${secret://local:db_password}\nb: ${secret://local:absent}\n",
    );
    running.stderr.find("the old files stay");
    assert_eq!(project.read("out/x.yaml"), "a: number-two\n");
    project.write("config.yaml", "b: ${secret://local:other}\n");
    running.stderr.find("written");
    assert_eq!(project.read("out/x.yaml"), "b: more\n");
    running.child.kill().unwrap();
    running.child.wait().unwrap();
}
