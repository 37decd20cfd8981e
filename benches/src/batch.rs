//! Many callers of one key, and many keys of slow backends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use keyferry::{
    Backend, BackendName, BackendOptions, Capabilities, Error, ErrorKind, Item, KeyStyle, Registry,
    Resolver, Result, Secret, SecretValue,
};
use tokio::runtime::Runtime;

use crate::table::{Samples, Table, millis};

#[derive(Debug, Default)]
struct Slow {
    calls: AtomicUsize,
}

#[async_trait]
impl Backend for Slow {
    fn kind(&self) -> &'static str {
        "slow"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Flat)
    }

    async fn read(&self, item: &Item) -> Result<Secret> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
        match item.key() {
            "missing" => Err(Error::new(ErrorKind::NotFound, "missing")),
            key => Ok(SecretValue::text(key).into()),
        }
    }
}

struct Stand {
    resolver: Resolver,
    backends: Vec<Arc<Slow>>,
}

fn stand() -> Stand {
    let host = keyferry::system_host();
    let mut registry = Registry::new(host.clone());
    let backends: Vec<Arc<Slow>> = (0..5).map(|_| Arc::default()).collect();
    for (index, backend) in backends.iter().enumerate() {
        let name = BackendName::new(&format!("s{index}")).expect("a name");
        let backend = Arc::clone(backend) as _;
        registry
            .add(name, backend, BackendOptions::default())
            .expect("a new name");
    }
    Stand {
        resolver: Resolver::builder(registry, host).build(),
        backends,
    }
}

pub(crate) fn run() -> Table {
    let mut table = Table::new("Many at once, over backends that take 50 ms");
    let runtime = Runtime::new().expect("a runtime");
    for (what, key) in [("a cold key", "s0:a"), ("a missing key", "s0:missing")] {
        let stand = stand();
        runtime.block_on(async {
            let callers = (0..1000).map(|_| {
                let resolver = stand.resolver.clone();
                tokio::spawn(async move { resolver.get(key).await.is_ok() })
            });
            join_all(callers.collect::<Vec<_>>()).await;
        });
        let calls = stand
            .backends
            .iter()
            .map(|b| b.calls.load(Ordering::Relaxed))
            .sum::<usize>();
        table.count(
            &format!("1,000 concurrent callers of {what}, backend calls"),
            calls,
            "1",
        );
    }
    let names: Vec<String> = (0..100)
        .map(|index| format!("s{}:k{index}", index % 5))
        .collect();
    let sample = |wait_for_each: bool| {
        let stand = stand();
        let start = Instant::now();
        runtime.block_on(async {
            if wait_for_each {
                for name in names.iter().take(10) {
                    stand.resolver.get(name).await.expect("a secret");
                }
            } else {
                assert_eq!(stand.resolver.get_many(&names).await.exit_code(), 0);
            }
        });
        millis(start.elapsed())
    };
    let batch = Samples::new((0..15).map(|_| sample(false)).collect());
    table.spread(
        "100 references over 5 backends, `get_many`",
        &batch,
        "ms",
        "≤ 125 ms",
    );
    let one_by_one = Samples::new((0..3).map(|_| sample(true) * 10.0).collect());
    table.spread(
        "the same one by one (10 measured, × 10)",
        &one_by_one,
        "ms",
        "",
    );
    table
}
