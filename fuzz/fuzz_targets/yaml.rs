//! A document is read or refused; what is read converts to JSON, and its scalars can be replaced.
#![no_main]

use keyferry_yaml::{Document, Limits, Replacement, Splice, Stream};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(document) = Document::parse(text, Limits::CONFIG) {
        let _ = document.root().to_json();
        let json = document.root().to_json_text();
        if let Ok(json) = json {
            assert!(
                Document::parse(&json, Limits::RENDER).is_ok(),
                "its JSON is YAML again"
            );
        }
    }
    let Ok(stream) = Stream::parse(text, Limits::CONFIG) else {
        return;
    };
    let mut splice = Splice::new(&stream, text);
    for document in stream.documents() {
        for (_, node) in document.scalars() {
            let _ = splice.replace(node, Replacement::Text("a: b # ${c}\n".to_owned().into()));
        }
    }
    // It checks its own result before it gives it away.
    let _ = splice.finish();
});
