//! Any bytes are a dotenv file, with some lines malformed; a well-formed one reads as written.
#![no_main]

use keyferry::local::DotenvText;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parsed = DotenvText::parse(text);
    // As in Python, a lone carriage return ends a line too.
    let lines = text.split(['\n', '\r']).count();
    assert!(parsed.entries.len() + parsed.malformed.len() <= lines);
    assert!(
        parsed
            .malformed
            .iter()
            .all(|line| (1..=lines).contains(line))
    );
});
