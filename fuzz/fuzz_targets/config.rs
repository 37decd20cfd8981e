//! A configuration is accepted or refused with a line; the schema and the types agree on it.
#![no_main]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use keyferry::Config;
use keyferry::local::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let variables: BTreeMap<String, OsString> = BTreeMap::from([("A".into(), "b".into())]);
    let environment: Arc<dyn Environment> = Arc::new(variables);
    match Config::parse(text, Path::new("/nowhere/keyferry.yaml"), environment) {
        Ok(config) => {
            let _ = config.resolver();
        }
        Err(failures) => assert!(failures.exit_code() == 2),
    }
});
