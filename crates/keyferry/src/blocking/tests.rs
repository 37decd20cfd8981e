use std::sync::Arc;

use keyferry_core::{BackendName, BackendOptions, Registry};

use super::*;
use crate::host::system_host;
use crate::local::Memory;

fn resolver() -> Resolver {
    let memory = Memory::new();
    memory.set("a", "alpha");
    memory.set("b", r#"{"x": 1}"#);
    let mut registry = Registry::new(system_host());
    let name = BackendName::new("m").unwrap();
    registry
        .add(name, Arc::new(memory), BackendOptions::default())
        .unwrap();
    crate::Resolver::builder(registry, system_host())
        .build()
        .into()
}

#[test]
fn every_method_answers_without_a_runtime() {
    let resolver = resolver();
    assert_eq!(
        resolver.get("m:a").unwrap().value().expose_text().unwrap(),
        "alpha"
    );
    assert!(resolver.get_or_none("m:none").unwrap().is_none());
    assert!(resolver.raw("m:b").unwrap().value().expose_map().is_none());
    assert_eq!(
        resolver
            .get_many(["m:a", "m:none"])
            .unwrap()
            .failures()
            .count(),
        1
    );
    assert_eq!(resolver.list("m:*").unwrap(), ["a", "b"]);
    assert_eq!(resolver.preload(&["m:*"]).unwrap().loaded.len(), 2);
    assert!(resolver.metadata("m:a").unwrap().version.is_some());
    assert!(resolver.explain("m:a").unwrap().route.is_ok());
    resolver.invalidate("m:a").unwrap();
    resolver.invalidate_all();
    assert!(resolver.get("m:a").is_ok());
}

#[test]
fn inside_an_async_runtime_a_call_is_refused_and_a_hit_is_not() {
    let resolver = resolver();
    resolver.get("m:a").unwrap();
    for builder in [
        &mut Builder::new_current_thread(),
        &mut Builder::new_multi_thread(),
    ] {
        builder.build().unwrap().block_on(async {
            assert_eq!(
                resolver.get("m:b").unwrap_err().kind(),
                ErrorKind::Unsupported
            );
            assert!(resolver.get("m:a").is_ok());
        });
    }
    let error = Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async { from_config("none.yaml") })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn many_threads_wait_at_once() {
    let resolver = resolver();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert!(resolver.raw("m:a").is_ok());
                    assert!(resolver.get("m:b#x").is_ok());
                }
            });
        }
    });
}
