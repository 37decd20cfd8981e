//! Prints nanoseconds that a read of the memory store of `aws_secretsmanager_caching` takes, one
//! sample a line. The crate's client adds a lock and its own bookkeeping around this store.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_secretsmanager_caching::output::GetSecretValueOutputDef;
use aws_secretsmanager_caching::secret_store::{MemoryStore, SecretStore};

const KEYS: usize = 1024;
const ROUNDS: usize = 50;

fn main() {
    let size = NonZeroUsize::new(10_000).expect("not zero");
    let mut store = MemoryStore::new(size, Duration::from_secs(300));
    let names: Vec<String> = (0..KEYS)
        .map(|key| format!("service/{key}/password"))
        .collect();
    for name in &names {
        let output = GetSecretValueOutput::builder()
            .name(name)
            .arn(name)
            .version_id("00000000-0000-0000-0000-000000000000")
            .version_stages("AWSCURRENT")
            .secret_string("{\"user\": \"app\"}")
            .build();
        let stored = GetSecretValueOutputDef::new(output);
        store
            .write_secret_value(name.clone(), None, None, stored)
            .expect("stored");
    }
    for sample in 0..16 {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            for name in &names {
                black_box(store.get_secret_value(black_box(name), None, None)).expect("cached");
            }
        }
        if sample > 0 {
            println!(
                "{}",
                start.elapsed().as_nanos() as f64 / (KEYS * ROUNDS) as f64
            );
        }
    }
}
