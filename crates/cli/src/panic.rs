//! What a defect says before the process ends: where, never what, for a message may hold a value.

use std::io::Write as _;
use std::panic;

/// Replaces the message of panics.
pub(crate) fn install() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(
            || "an unknown place".to_owned(),
            |place| format!("{}:{}", place.file(), place.line()),
        );
        // There is nobody left to tell when stderr is gone.
        let _ = writeln!(
            std::io::stderr(),
            "error: internal failure at {place}\n  help: this is a defect of keyferry, please report it"
        );
    }));
}

/// The exit code of a panic, as of any internal failure.
pub(crate) const EXIT_CODE: u8 = 1;

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// What the child process of the next test does.
    #[test]
    fn driver() {
        if std::env::var_os("DRIVER_PANICS").is_some() {
            super::install();
            let message = "canary".to_owned();
            panic!("{message}");
        }
    }

    #[test]
    fn a_panic_tells_its_place_and_not_its_message() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "panic::tests::driver", "--nocapture"])
            .env("DRIVER_PANICS", "1")
            .output()
            .unwrap();
        assert!(!output.status.success());
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains("internal failure at crates/cli/src/panic.rs"),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
    }
}
