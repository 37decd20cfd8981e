//! Panics: a backend that panics takes no value into the panics that follow.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use keyferry::{Backend, CacheOptions, Capabilities, Item, KeyStyle, Result, Secret, SecretValue};
use keyferry_canary::Form;

use super::{canary, resolver, saw, still, witness};

/// Panics with a value in its hands.
#[derive(Debug)]
struct Panicking;

#[async_trait]
impl Backend for Panicking {
    fn kind(&self) -> &'static str {
        "panicking"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Path).with_batch(10)
    }

    async fn read(&self, _: &Item) -> Result<Secret> {
        let secret: Secret = SecretValue::bytes(canary(Form::Word).bytes()).into();
        assert!(secret.value().is_empty(), "a defect near {secret:?}");
        Ok(secret)
    }

    async fn read_batch(&self, items: &[Item]) -> Result<Vec<Result<Secret>>> {
        Ok(vec![self.read(&items[0]).await])
    }
}

#[test]
fn panics_of_a_backend_spread_no_value() {
    let mut witness = witness();
    let texts = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&texts);
    std::panic::set_hook(Box::new(move |info| {
        heard.lock().unwrap().push(info.to_string())
    }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let backends: Vec<(&str, Arc<dyn Backend>)> = vec![("p", Arc::new(Panicking))];
    let resolver = resolver(&still(), CacheOptions::default(), backends);
    runtime.block_on(async {
        for _ in 0..3 {
            let one = AssertUnwindSafe(resolver.get("p:x")).catch_unwind().await;
            let many = AssertUnwindSafe(resolver.get_many(["p:y", "p:z"]))
                .catch_unwind()
                .await;
            assert!(one.is_err() && many.is_err());
            // A later one may find the flight that broke.
            let after = AssertUnwindSafe(resolver.get("p:x")).catch_unwind().await;
            if let Ok(Err(error)) = after {
                saw(&mut witness, "after", &error);
            }
            witness.saw_debug("resolver", &(&resolver, resolver.explain("p:x")));
        }
    });
    drop(std::panic::take_hook());
    let texts = texts.lock().unwrap();
    assert!(texts[0].contains("SecretValue([redacted])"), "{texts:?}");
    for text in texts.iter() {
        witness.saw("panic", text);
    }
    witness.assert_silent(9);
}
