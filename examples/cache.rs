//! What is kept in memory, and for how long.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;
use std::time::Duration;

use keyferry::local::Memory;
use keyferry::{
    BackendName, BackendOptions, CacheOptions, Freshness, Registry, Request, Resolver, system_host,
};

#[tokio::main]
async fn main() -> keyferry::Result<()> {
    let memory = Memory::new();
    memory.set("password", "demo-one");
    let mut registry = Registry::new(system_host());
    registry.add(
        BackendName::new("app")?,
        Arc::new(memory.clone()),
        BackendOptions::default(),
    )?;
    let mut options = CacheOptions::default();
    options.ttl = Duration::from_secs(60);
    options.min_refresh_interval = Duration::ZERO;
    let secrets = Resolver::builder(registry, system_host())
        .cache(options)
        .build();

    let first = secrets.get("app:password").await?;
    memory.set("password", "demo-two");
    let cached = secrets.get("app:password").await?;
    println!("cached is the first: {}", cached.value() == first.value());

    // Past the cache, for this one call.
    let live = Request::new("app:password")?.freshness(Freshness::Live);
    let live = secrets.get(live).await?;
    println!("live is the first: {}", live.value() == first.value());

    // Forget one secret, or all.
    secrets.invalidate("app:password")?;
    secrets.invalidate_all();
    println!("cache: {}", secrets.explain("app:password")?.cache.name());
    let again = secrets.get("app:password").await?;
    println!("version {}", again.version().unwrap_or("unknown"));
    Ok(())
}
