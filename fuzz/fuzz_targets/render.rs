//! Tokens of any file are found or refused, and resolving them changes nothing else.
#![no_main]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::{Arc, LazyLock};

use keyferry::local::Memory;
use keyferry::{BackendName, BackendOptions, Format, Registry, Resolver, Tokens};
use libfuzzer_sys::fuzz_target;

static RESOLVER: LazyLock<Resolver> = LazyLock::new(|| {
    let memory = Memory::new();
    memory.set("k", "va${secret://m:k}l: \"ue\n#");
    memory.set("j", r#"{"a": [1, "x"]}"#);
    let host = keyferry::system_host();
    let mut registry = Registry::new(host.clone());
    let name = BackendName::new("m").expect("a name");
    registry
        .add(name, Arc::new(memory), BackendOptions::default())
        .expect("an empty registry");
    Resolver::builder(registry, host).build()
});

fuzz_target!(|text: &str| {
    let environment: BTreeMap<String, OsString> = BTreeMap::from([("A".into(), "b".into())]);
    for format in [Format::Yaml, Format::Json, Format::Text] {
        let Ok(tokens) = Tokens::find("file", text, format) else {
            continue;
        };
        let literal = tokens.references().next().is_none() && !text.contains("${");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        if let Ok(rendered) = runtime.block_on(tokens.resolve(&RESOLVER, &environment)) {
            assert!(
                !literal || *rendered == *text,
                "a text without tokens stays as it is"
            );
        }
    }
});
