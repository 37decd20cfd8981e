//! Memory that held a value holds it no longer once the last handle is gone.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use keyferry::{CacheOptions, SecretValue};
use keyferry_canary::{Canary, Form};

use super::{Place, assert_is, canaries, canary, key, still, witness};

/// Where bytes lie, to be looked at when they are given back.
struct Lair {
    at: u64,
    /// Made before the bytes are given back, so that it does not take their place.
    content: Vec<u8>,
}

impl Lair {
    fn of(bytes: &[u8]) -> Self {
        Self {
            at: bytes.as_ptr().addr() as u64,
            content: vec![0; bytes.len()],
        }
    }

    fn of_value(value: &SecretValue) -> Self {
        Self::of(value.expose_bytes())
    }
}

/// What is there now; nothing where the memory went back to the system.
fn look(mut lairs: Vec<Lair>) -> Vec<Vec<u8>> {
    let memory = File::open("/proc/self/mem").unwrap();
    for lair in &mut lairs {
        if memory.read_exact_at(&mut lair.content, lair.at).is_err() {
            lair.content.clear();
        }
    }
    lairs.into_iter().map(|lair| lair.content).collect()
}

/// Text so long that what the allocator notes in free memory hides little of it.
fn long(canary: &Canary) -> String {
    canary.text().repeat(20)
}

#[test]
fn memory_that_is_not_wiped_is_a_control() {
    let mut witness = witness();
    let text = long(&canary(Form::Word));
    let lairs = vec![Lair::of(text.as_bytes())];
    drop(text);
    witness.saw("control", look(lairs).concat());
    assert!(!witness.found().is_empty());
}

#[test]
fn dropped_values_are_wiped() {
    let mut witness = witness();
    for canary in canaries() {
        let mut spare = String::with_capacity(long(&canary).len() * 2);
        spare.push_str(&long(&canary));
        let lairs = vec![Lair::of(spare.as_bytes())];
        let copied = SecretValue::text(spare);
        let mut left = look(lairs);

        let value = SecretValue::bytes(canary.bytes());
        let values = [copied, SecretValue::text(long(&canary)), value.raw(), value];
        let mut lairs: Vec<_> = values.iter().map(Lair::of_value).collect();
        let fields = values[3].expose_map().into_iter().flatten();
        lairs.extend(fields.map(|(_, field)| Lair::of_value(field)));
        let handle = values[3].clone();
        drop(values);
        assert!(handle.expose_bytes() == canary.bytes());
        drop(handle);
        left.extend(look(lairs));
        for content in left {
            witness.saw(format!("{canary:?}"), content);
        }
    }
    witness.assert_silent(30);
}

#[tokio::test]
async fn values_of_a_dropped_resolver_are_wiped() {
    let mut witness = witness();
    let place = Place::new();
    let resolver = place.resolver(&still(), CacheOptions::default());
    let mut secrets = Vec::new();
    for backend in ["env", "dotenv", "local", "mounts", "memory"] {
        for form in [
            Form::Word,
            Form::Text,
            Form::Lines,
            Form::Object,
            Form::Quoted,
        ] {
            let secret = resolver.get(&key(backend, form)).await.unwrap();
            assert_is(form, secret.value());
            secrets.push(secret);
        }
    }
    let lairs = secrets.iter().map(|it| Lair::of_value(it.value()));
    let lairs: Vec<_> = lairs.collect();
    drop((secrets, resolver));
    for content in look(lairs) {
        witness.saw("resolver", content);
    }
    witness.assert_silent(25);
}
