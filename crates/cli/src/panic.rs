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
