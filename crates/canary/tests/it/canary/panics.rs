//! Panics: a backend that panics takes no value into the panics that follow.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keyferry::{
    Backend, CacheOptions, Capabilities, ErrorKind, Item, KeyStyle, Result, Secret, SecretValue,
};
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
    let mut errors = Vec::new();
    runtime.block_on(async {
        for _ in 0..3 {
            errors.push(resolver.get("p:x").await.unwrap_err());
            let batch = resolver.get_many(["p:y", "p:z"]).await;
            witness.saw_debug("batch", &batch);
            errors.extend(batch.failures().map(|(_, error)| error.clone()));
            witness.saw_debug("resolver", &(&resolver, resolver.explain("p:x")));
        }
    });
    drop(std::panic::take_hook());
    assert_eq!(errors.len(), 9);
    for error in &errors {
        assert_eq!(error.kind(), ErrorKind::Internal);
        saw(&mut witness, "error", error);
    }
    let texts = texts.lock().unwrap();
    assert!(texts[0].contains("SecretValue([redacted])"), "{texts:?}");
    for text in texts.iter() {
        witness.saw("panic", text);
    }
    witness.assert_silent(50);
}
