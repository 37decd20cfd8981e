//! A text with tokens parses or is refused, and an escaped text stands for itself.
#![no_main]

use keyferry_core::{Piece, Template};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(template) = Template::parse(text) {
        assert!(template.references().count() <= template.pieces().len());
    }
    let escaped = Template::parse(&text.replace("${", "$${")).expect("an escaped text parses");
    let mut literal = String::new();
    for piece in escaped.pieces() {
        match piece {
            Piece::Literal(text) => literal.push_str(text),
            _ => panic!("an escaped text has no token"),
        }
    }
    assert_eq!(literal, text);
});
