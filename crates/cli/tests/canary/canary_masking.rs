//! What a program prints passes through the filter of `run` without a canary.

use keyferry_canary::{Canary, Encoding, Form};

use crate::project::{Project, canary, texts};

/// Files with every canary in every encoding, each whole and within other text.
fn forms(project: &mut Project, canary: &Canary) {
    for encoding in Encoding::ALL {
        for (index, spelling) in encoding.spellings(canary.bytes()).into_iter().enumerate() {
            let name = format!("forms/{}-{encoding:?}-{index}", canary.form().name());
            let text = [b"before ".as_slice(), &spelling, b" after\n"].concat();
            project.write(&name, text);
        }
    }
}

const PRINT: &str = "cat forms/*; cat forms/* >&2";

#[test]
fn canaries_in_the_output_of_a_program_are_masked() {
    let mut project = Project::new();
    let mut arguments = vec!["-vvv".to_owned(), "run".to_owned()];
    for canary in texts() {
        forms(&mut project, &canary);
    }
    forms(&mut project, &canary(Form::Binary));
    // A zero fits into no variable.
    arguments.push("--file=binary=mounts:dc/binary".to_owned());
    let own = "env | sort; cat binary; tr '\\0' '\\n' < /proc/self/environ";
    arguments.extend(["--", "sh", "-c"].map(str::to_owned));
    arguments.push(format!("{PRINT}; {own}"));
    let output = project.output(&arguments);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.matches("before ****").count() > 50, "{text}");
    project.witness.saw("stdout", &output.stdout);
    project.witness.saw("stderr", &output.stderr);
    project.assert_silent(2);
}

#[test]
fn without_masking_all_of_them_show() {
    let mut project = Project::new();
    for canary in texts() {
        forms(&mut project, &canary);
    }
    let output = project.output(["run", "--no-mask", "--", "sh", "-c", PRINT]);
    for stream in [output.stdout, output.stderr] {
        project.witness.saw("control", stream);
    }
    let found = project.witness.found();
    for canary in texts() {
        let shown = found.iter().any(|it| it.hit.canary == canary.form());
        assert!(shown, "{canary:?}");
    }
    for encoding in Encoding::ALL {
        assert!(
            found.iter().any(|it| it.hit.encoding == encoding),
            "{encoding:?}"
        );
    }
}

#[test]
fn one_byte_at_a_time_is_masked_too() {
    let mut project = Project::new();
    let script = "for n in word text quoted; do eval \"printf %s \\\"\\$$n\\\"\" | \
                  dd bs=1 2>/dev/null; echo; done";
    let output = project.output(["run", "--", "sh", "-c", script]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "****\n****\n****\n"
    );
    project.witness.saw("stdout", &output.stdout);
    project.assert_silent(1);
}
