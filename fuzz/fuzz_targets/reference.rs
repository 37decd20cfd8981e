//! A reference parses or is refused, and its canonical form names the same secret.
#![no_main]

use keyferry_core::Reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(reference) = Reference::parse(text) {
        let again = Reference::parse(reference.canonical()).expect("a canonical form parses");
        assert_eq!(again.canonical(), reference.canonical());
        assert_eq!(again.field(), reference.field());
        assert_eq!(again.version(), reference.version());
        assert_eq!(again.key(), reference.key());
    }
});
