//! What 10,000 cached secrets of 1 KiB take.

use std::collections::HashMap;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use keyferry::{
    Backend, BackendName, BackendOptions, Capabilities, Item, KeyStyle, Registry, Resolver, Result,
    Secret, SecretValue,
};

use crate::table::{Samples, Table};

const SECRETS: usize = 10_000;
const SIZE: usize = 1024;

/// Makes each value when it is asked for, so that only the cache holds them.
#[derive(Debug)]
struct Source;

#[async_trait]
impl Backend for Source {
    fn kind(&self) -> &'static str {
        "source"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Flat)
    }

    async fn read(&self, _: &Item) -> Result<Secret> {
        Ok(SecretValue::bytes(vec![b'x'; SIZE]).into())
    }
}

pub(crate) fn run() -> Table {
    let mut table = Table::new("10,000 secrets of 1 KiB in memory");
    for (what, name, aim) in [
        ("keyferry, resident for its cache", "keyferry", "≤ 25 MB"),
        ("moka future cache of the same values", "moka", ""),
        ("HashMap of the same values", "map", ""),
    ] {
        let samples = (0..5).map(|_| resident(name)).collect();
        table.spread(what, &Samples::new(samples), "MB", aim);
    }
    table
}

/// What a process of its own grows by while it holds the secrets, in MB.
fn resident(name: &str) -> f64 {
    let own = std::env::current_exe().expect("this program");
    let mut command = Command::new(own);
    let output = command
        .args(["--hold", name])
        .stderr(Stdio::inherit())
        .output();
    let output = output.expect("this program runs");
    let kilobytes = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse::<f64>();
    kilobytes.expect("a number of kilobytes") * 1024.0 / 1e6
}

/// Prints the growth in kilobytes.
pub(crate) fn hold(what: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let host = keyferry::system_host();
    let mut registry = Registry::new(host.clone());
    let name = BackendName::new("source").expect("a name");
    registry
        .add(name, Arc::new(Source), BackendOptions::default())
        .expect("an empty registry");
    let resolver = Resolver::builder(registry, host).build();
    let names = || (0..SECRETS).map(|key| format!("source:service/{key}/password"));
    let before = resident_kilobytes();
    match what {
        "keyferry" => {
            for name in names() {
                runtime.block_on(resolver.get(&name)).expect("a secret");
            }
            println!("{}", resident_kilobytes() - before);
        }
        "moka" => {
            let cache = moka::future::Cache::new(SECRETS as u64);
            for name in names() {
                runtime.block_on(cache.insert(name, SecretValue::bytes(vec![b'x'; SIZE])));
            }
            println!("{}", resident_kilobytes() - before);
            black_box(cache);
        }
        _ => {
            let map: HashMap<_, _> = names().map(|name| (name, vec![b'x'; SIZE])).collect();
            println!("{}", resident_kilobytes() - before);
            black_box(map);
        }
    }
}

fn resident_kilobytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux system");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number of kilobytes")
}
