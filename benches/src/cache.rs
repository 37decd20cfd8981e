//! A cached read: against a raw moka, a plain map, and the caches of others.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyferry::local::Memory;
use keyferry::{BackendName, BackendOptions, Reference, Registry, Request, Resolver, Secret};
use tokio::runtime::Runtime;

use crate::peers;
use crate::table::{Samples, Table};

const KEYS: usize = 1024;
const ROUNDS: usize = 200;
const SAMPLES: usize = 31;

pub(crate) fn run() -> Table {
    let mut table = Table::new("A cached read");
    let runtime = Runtime::new().expect("a runtime");
    let ours = Ours::new(&runtime);
    // Taken in turns, so that both see the same moods of the machine.
    let (parsed, moka) = (ours.parsed(&runtime), moka(&runtime, &ours));
    let ratio = parsed.median() / moka.median();
    table.spread(
        "keyferry, parsed reference, `get().await`",
        &parsed,
        "ns",
        "≤ 0.5 × moka",
    );
    table.spread(
        "moka 0.12 future cache, same key type, `get().await`",
        &moka,
        "ns",
        "",
    );
    table.count("keyferry ÷ moka", format!("{ratio:.2}"), "≤ 0.5");
    table.count(
        "keyferry, allocations a read",
        ours.allocations(&runtime),
        "0",
    );
    table.spread(
        "keyferry, parsed reference, synchronous `cached()`",
        &ours.synchronous(),
        "ns",
        "",
    );
    table.spread(
        "keyferry, a field of a map, `get().await`",
        &ours.field(&runtime),
        "ns",
        "",
    );
    let text = ours.text(&runtime);
    table.spread("keyferry, from text, `get().await`", &text, "ns", "");
    let more = text.median() - parsed.median();
    table.count("text − parsed", format!("{more:.0} ns"), "≤ 300 ns");
    table.spread("HashMap with Arc clone, read only", &map(&ours), "ns", "");
    scaling(&mut table, &ours);
    peers::cached_reads(&mut table);
    table
}

struct Ours {
    resolver: Resolver,
    references: Vec<Reference>,
    texts: Vec<String>,
    fields: Vec<Reference>,
}

impl Ours {
    fn new(runtime: &Runtime) -> Self {
        let memory = Memory::new();
        let texts: Vec<String> = (0..KEYS)
            .map(|key| format!("mem:service/{key}/password"))
            .collect();
        for key in 0..KEYS {
            memory.set(
                format!("service/{key}/password"),
                format!("{{\"user\": \"u{key}\"}}"),
            );
        }
        let host = keyferry::system_host();
        let mut registry = Registry::new(host.clone());
        let name = BackendName::new("mem").expect("a name");
        registry
            .add(name, Arc::new(memory), BackendOptions::default())
            .expect("an empty registry");
        let resolver = Resolver::builder(registry, host).build();
        let parse = |text: &str| Reference::parse(text).expect("a reference");
        let references: Vec<_> = texts.iter().map(|text| parse(text)).collect();
        let fields: Vec<_> = texts
            .iter()
            .map(|text| parse(&format!("{text}#user")))
            .collect();
        let batch = runtime.block_on(resolver.get_many(&fields));
        assert_eq!(batch.exit_code(), 0);
        Self {
            resolver,
            references,
            texts,
            fields,
        }
    }

    fn parsed(&self, runtime: &Runtime) -> Samples {
        self.awaited(runtime, &self.references)
    }

    fn field(&self, runtime: &Runtime) -> Samples {
        self.awaited(runtime, &self.fields)
    }

    fn awaited(&self, runtime: &Runtime, references: &[Reference]) -> Samples {
        Samples::nanos(SAMPLES, KEYS * ROUNDS, || {
            runtime.block_on(async {
                for _ in 0..ROUNDS {
                    for reference in references {
                        let _ = black_box(self.resolver.get(black_box(reference)).await);
                    }
                }
            });
        })
    }

    fn text(&self, runtime: &Runtime) -> Samples {
        Samples::nanos(SAMPLES, KEYS * ROUNDS, || {
            runtime.block_on(async {
                for _ in 0..ROUNDS {
                    for text in &self.texts {
                        let _ = black_box(self.resolver.get(black_box(text)).await);
                    }
                }
            });
        })
    }

    fn synchronous(&self) -> Samples {
        Samples::nanos(SAMPLES, KEYS * ROUNDS, || {
            for _ in 0..ROUNDS {
                for reference in &self.references {
                    black_box(self.read(reference));
                }
            }
        })
    }

    fn read(&self, reference: &Reference) -> Option<keyferry::Result<Secret>> {
        let request = Request::new(black_box(reference)).ok()?;
        self.resolver.cached(&request)
    }

    fn allocations(&self, runtime: &Runtime) -> u64 {
        runtime.block_on(async {
            let Some(reference) = self.references.first() else {
                return u64::MAX;
            };
            let _ = self.resolver.get(reference).await;
            // Counted on this thread only: polling by hand keeps the read on it.
            let info = allocation_counter::measure(|| {
                let get = std::pin::pin!(self.resolver.get(reference));
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(std::future::Future::poll(get, &mut context).is_ready());
            });
            info.count_total
        })
    }
}

fn moka(runtime: &Runtime, ours: &Ours) -> Samples {
    let cache: moka::future::Cache<Reference, Secret> = moka::future::Cache::builder()
        .max_capacity(10_000)
        .time_to_live(Duration::from_secs(300))
        .build();
    runtime.block_on(async {
        for reference in &ours.references {
            let secret = ours.resolver.get(reference).await.expect("a cached secret");
            cache.insert(reference.clone(), secret).await;
        }
        cache.run_pending_tasks().await;
    });
    Samples::nanos(SAMPLES, KEYS * ROUNDS, || {
        runtime.block_on(async {
            for _ in 0..ROUNDS {
                for reference in &ours.references {
                    let _ = black_box(cache.get(black_box(reference)).await);
                }
            }
        });
    })
}

fn plain_map(ours: &Ours) -> HashMap<Reference, Arc<str>> {
    ours.references
        .iter()
        .map(|reference| (reference.clone(), Arc::from(reference.key())))
        .collect()
}

fn map(ours: &Ours) -> Samples {
    let map = plain_map(ours);
    Samples::nanos(SAMPLES, KEYS * ROUNDS, || {
        for _ in 0..ROUNDS {
            for reference in &ours.references {
                let _ = black_box(map.get(black_box(reference)).cloned());
            }
        }
    })
}

/// How much two threads do of what one does, over distinct keys in another order each.
fn scaling(table: &mut Table, ours: &Ours) {
    let map = plain_map(ours);
    let (mut of_map, mut of_ours) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        of_map.push(gain(ours, |reference| {
            black_box(map.get(reference).cloned());
        }));
        of_ours.push(gain(ours, |reference| {
            black_box(ours.read(reference));
        }));
    }
    let (of_map, of_ours) = (Samples::new(of_map), Samples::new(of_ours));
    table.spread(
        "HashMap with Arc clone, two threads ÷ one",
        &of_map,
        "×",
        "",
    );
    table.spread(
        "keyferry, two threads ÷ one",
        &of_ours,
        "×",
        "≥ 0.9 × HashMap",
    );
    let ratio = of_ours.median() / of_map.median();
    table.count(
        "keyferry's gain ÷ HashMap's",
        format!("{ratio:.2}"),
        "≥ 0.9",
    );
}

fn gain(ours: &Ours, read: impl Fn(&Reference) + Sync) -> f64 {
    throughput(ours, 2, &read) / throughput(ours, 1, &read)
}

fn throughput(ours: &Ours, threads: usize, read: &(impl Fn(&Reference) + Sync)) -> f64 {
    let stop = AtomicBool::new(false);
    let reads = AtomicUsize::new(0);
    let start = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            let (stop, reads) = (&stop, &reads);
            scope.spawn(move || {
                let mut own = 0;
                // Odd strides visit every key, each thread in an order of its own.
                let stride = 7 + 6 * thread;
                while !stop.load(Ordering::Relaxed) {
                    for step in 0..KEYS {
                        if let Some(reference) = ours.references.get(step * stride % KEYS) {
                            read(black_box(reference));
                        }
                    }
                    own += KEYS;
                }
                reads.fetch_add(own, Ordering::Relaxed);
            });
        }
        thread::sleep(Duration::from_millis(60));
        stop.store(true, Ordering::Relaxed);
    });
    reads.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}
