//! The pipeline: values, requests, cache states, batches, preloads and failures on the way.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use keyferry::local::Memory;
use keyferry::{
    Audit, CacheOptions, Error, ErrorKind, ExecutionContext, Freshness, Item, Outcome, Pattern,
    Policy, Preloaded, Reference, Registry, Request, Resolver, Result, Secret, SecretValue,
    Template,
};
use keyferry_canary::{Capture, Form, Witness};
use keyferry_conformance::{Counting, ManualClock};
use zeroize::Zeroizing;

use super::{Place, assert_is, canaries, canary, key, memory, resolver, saw, still, witness};

fn saw_result(witness: &mut Witness, output: &str, result: &Result<Secret>) {
    witness.saw_debug(output, result);
    match result {
        Ok(secret) => {
            witness.saw_debug(
                output,
                &(secret.version(), secret.metadata(), secret.value()),
            );
        }
        Err(error) => saw(witness, output, error),
    }
}

#[test]
fn values_show_nothing_of_themselves() {
    let mut witness = witness();
    for canary in canaries() {
        let value = SecretValue::bytes(canary.bytes());
        let secret = Secret::from(value.clone());
        witness.saw_debug("value", &(&value, &secret, value.raw()));
        witness.saw_debug("map", &value.expose_map());
        for result in [
            value.expose_text().map(|_| ()),
            value.field("none").map(|_| ()),
            value.raw().field("login").map(|_| ()),
            SecretValue::json(canary.text()).map(|_| ()),
            SecretValue::json(format!("{{\"a\": \"{}", canary.text())).map(|_| ()),
        ] {
            if let Err(error) = result {
                saw(&mut witness, "value", &error);
            }
        }
        if let Ok(field) = value.field("password") {
            witness.saw_debug("field", &field);
        }
    }
    witness.assert_silent(100);
}

#[tokio::test]
async fn resolved_secrets_are_shown_by_no_type_that_holds_them() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    let resolver = place.resolver(&still(), CacheOptions::default());
    let mut references = Vec::new();
    for backend in ["env", "dotenv", "local", "mounts", "memory"] {
        for form in Form::ALL {
            let text = key(backend, form);
            let result = resolver.get(&text).await;
            if form != Form::Binary || !["dotenv", "local"].contains(&backend) {
                assert_is(form, result.as_ref().unwrap().value());
            }
            saw_result(&mut witness, &text, &result);
            for tail in [
                "#password",
                "#none",
                "?version=1",
                "?version=x",
                "#more?version=2",
            ] {
                let text = format!("{text}{tail}");
                saw_result(&mut witness, &text, &resolver.get(&text).await);
                saw_result(&mut witness, &text, &resolver.raw(&text).await);
            }
            witness.saw_debug(&text, &resolver.explain(&text));
            witness.saw_debug(&text, &resolver.metadata(&text).await);
            let watch = resolver.watch(&text).await;
            if let Ok(mut versions) = watch {
                witness.saw_debug(&text, &versions.next().await);
            }
            references.push(text);
        }
        witness.saw_debug("list", &resolver.list(&format!("{backend}:*")).await);
    }
    references.push("memory:none".to_owned());
    references.push("none:none".to_owned());
    let batch = resolver.get_many(&references).await;
    witness.saw_debug("batch", &batch);
    witness.saw_debug("items", batch.items());
    for (_, error) in batch.failures() {
        saw(&mut witness, "batch", error);
    }
    saw(&mut witness, "batch", &batch.require_all().unwrap_err());
    witness.saw_debug("resolver", &(&resolver, resolver.registry()));
    witness.saw_debug("blocking", &keyferry::blocking::Resolver::new(resolver));
    witness.saw("log", capture.text());
    witness.assert_silent(500);
}

#[tokio::test]
async fn a_canary_where_a_reference_belongs_is_not_echoed() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    let resolver = place.resolver(&still(), CacheOptions::default());
    for canary in canaries() {
        let canary = String::from_utf8_lossy(canary.bytes()).into_owned();
        let pasted = [
            canary.clone(),
            format!("{canary}:x"),
            format!(":{canary}"),
            format!("secret://{canary}"),
            format!("secret://{canary}/a/b/c/d/e"),
            format!("secret://{canary}:x"),
            format!("file://{canary}//"),
            format!("file:///{canary}"),
            format!("nope://{canary}"),
            format!("{canary}://dc/x"),
            format!("env:x#{canary}#"),
            format!("env:x%{canary}%zz"),
            format!("env:x?{canary}"),
            format!("env:x?version={canary}&version=1"),
            format!("env:x\u{7}{canary}"),
            format!("env:{}", canary.repeat(40)),
        ];
        for text in pasted {
            // A text that is a reference after all is one, and may be shown.
            let Err(error) = Reference::parse(&text) else {
                continue;
            };
            saw(&mut witness, "reference", &error);
            for result in [
                resolver.get(&text).await.map(|_| ()),
                resolver.raw(&text).await.map(|_| ()),
                resolver.metadata(&text).await.map(|_| ()),
                resolver.watch(&text).await.map(|_| ()),
                resolver.explain(&text).map(|_| ()),
                resolver.invalidate(&text),
                resolver.get_many([&text]).await.require_all().map(|_| ()),
                Request::new(&text).map(|_| ()),
                keyferry::EnvValue::parse(&text).map(|_| ()),
                Template::parse(&format!("x ${{{text}")).map(|_| ()),
                Template::parse(&format!("x ${{{text}}}")).map(|_| ()),
            ] {
                if let Err(error) = result {
                    saw(&mut witness, "resolver", &error);
                }
            }
        }
        for text in [canary.clone(), format!("{canary}:*"), format!(":{canary}")] {
            if let Err(error) = resolver.list(&text).await {
                saw(&mut witness, "list", &error);
            }
            if let Err(error) = resolver.preload(&[&text]).await {
                saw(&mut witness, "preload", &error);
            }
        }
    }
    witness.saw("log", capture.text());
    witness.assert_silent(1000);
}

#[tokio::test]
async fn no_state_of_the_cache_shows_a_value() {
    let (mut witness, capture) = (witness(), Capture::start());
    let clock = ManualClock::default();
    let backend = Arc::new(Counting::new(memory()));
    let mut options = CacheOptions::default();
    options.stale_grace = Duration::from_secs(1000);
    witness.saw_debug("options", &options);
    let backends = vec![("memory", Arc::clone(&backend) as Arc<dyn keyferry::Backend>)];
    let resolver = resolver(&clock.host(), options, backends);
    let ask = "memory:object";
    let mut look = |state: &str, result: &Result<Secret>| {
        let explained = resolver.explain(ask).unwrap();
        assert_eq!(explained.cache.name(), state);
        witness.saw_debug(state, &(&explained, &resolver));
        saw_result(&mut witness, state, result);
    };
    look(
        "absent",
        &Err(Error::new(ErrorKind::NotFound, "nothing yet")),
    );
    look("fresh", &resolver.get(ask).await);
    // A definite answer about one item would not be bridged.
    let failure = Error::request(ErrorKind::Unauthenticated, "no");
    clock.advance(Duration::from_secs(400));
    backend.fail_next(1, failure);
    look("stale", &resolver.get(ask).await);
    let failure =
        Error::request(ErrorKind::Throttled, "no").with_retry_after(Duration::from_secs(9));
    backend.fail_next(1, failure);
    let stale = resolver.get(ask).await;
    assert!(stale.as_ref().unwrap().is_stale());
    look("stale", &stale);
    backend.heal();
    look("fresh", &resolver.get(ask).await);
    resolver.invalidate(ask).unwrap();
    look("absent", &resolver.get("memory:word").await);
    look("fresh", &resolver.get(ask).await);
    resolver.invalidate(ask).unwrap();
    let throttled = resolver.get(ask).await;
    assert_eq!(throttled.as_ref().unwrap_err().kind(), ErrorKind::Throttled);
    look("absent", &throttled);
    clock.advance(Duration::from_secs(10));
    look("fresh", &resolver.get(ask).await);
    backend.inner().remove("object");
    let request = || Request::new(ask).unwrap().freshness(Freshness::Live);
    look("negative", &resolver.get(request()).await);
    backend.hold();
    let request = request().within(Duration::from_secs(1));
    witness.saw_debug("request", &request);
    let (late, ()) = tokio::join!(resolver.get(request), async {
        while clock.sleepers() < 2 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(2));
    });
    assert_eq!(late.as_ref().unwrap_err().kind(), ErrorKind::Timeout);
    saw_result(&mut witness, "late", &late);
    let log = capture.text();
    assert!(log.contains("serving a stale value"), "{log}");
    witness.saw("log", log);
    witness.assert_silent(50);
}

#[tokio::test]
async fn preloads_show_no_value_whatever_fails() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    let backend = Arc::new(Counting::new(memory()));
    let mut backends = place.backends();
    backends.push((
        "counting",
        Arc::clone(&backend) as Arc<dyn keyferry::Backend>,
    ));
    let resolver = resolver(&still(), CacheOptions::default(), backends);
    let all = [
        "env:*",
        "dotenv:*",
        "local:*",
        "mounts:*",
        "memory:*",
        "counting:*",
    ];
    let loaded: Preloaded = resolver.preload(&all).await.unwrap();
    assert_eq!(loaded.loaded.len(), 34);
    witness.saw_debug("preloaded", &loaded);
    resolver.invalidate_all();
    backend.fail_key("word", Error::new(ErrorKind::Denied, "no"));
    let loaded = resolver.preload(&["counting:*"]).await.unwrap();
    assert_eq!(loaded.skipped.len(), 1);
    witness.saw_debug("skipped", &loaded);
    saw(
        &mut witness,
        "failed",
        &resolver.preload(&["counting:word"]).await.unwrap_err(),
    );
    backend.fail_next(1, Error::new(ErrorKind::Unavailable, "no"));
    saw(
        &mut witness,
        "unlisted",
        &resolver.preload(&["counting:*"]).await.unwrap_err(),
    );
    saw(
        &mut witness,
        "unknown",
        &resolver.preload(&["none:*"]).await.unwrap_err(),
    );
    let log = capture.text();
    assert!(log.contains("skipping a secret"), "{log}");
    witness.saw("log", log);
    witness.assert_silent(25);
}

/// Policy and audit that refuse on demand, and are shown whatever passes them.
#[derive(Debug)]
struct Gate(bool);

#[async_trait]
impl Policy for Gate {
    async fn authorise(&self, requests: &[Request<'_>]) -> Vec<Result<()>> {
        let decide = |_| match self.0 {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Denied, "refused")),
        };
        requests.iter().map(decide).collect()
    }
}

/// Traces what it is given, as an author of an audit log may.
#[derive(Debug)]
struct Traced(bool);

#[async_trait]
impl Audit for Traced {
    async fn record(&self, outcomes: &[Outcome<'_>]) -> Result<()> {
        tracing::info!(?outcomes, "recorded");
        match self.0 {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Unavailable, "disk full")),
        }
    }
}

#[tokio::test]
async fn policy_and_audit_are_told_of_no_value() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    for (allowed, recorded) in [(true, true), (true, false), (false, true)] {
        let mut registry = Registry::new(still());
        for (name, backend) in place.backends() {
            let name = keyferry::BackendName::new(name).unwrap();
            registry.add(name, backend, Default::default()).unwrap();
        }
        let builder = Resolver::builder(registry, still())
            .policy(Arc::new(Gate(allowed)))
            .audit(Arc::new(Traced(recorded)));
        witness.saw_debug("builder", &builder);
        let resolver = builder.build();
        let context = ExecutionContext::default()
            .with_tenant("acme")
            .with_subject("app");
        for form in Form::ALL {
            let ask = key("mounts", form);
            let request = Request::new(ask.as_str()).unwrap().context(&context);
            let result = resolver.get(request).await;
            assert_eq!(result.is_ok(), allowed && recorded);
            saw_result(&mut witness, "audited", &result);
        }
    }
    let log = capture.text();
    assert!(log.contains("[redacted]"), "{log}");
    witness.saw("log", log);
    witness.assert_silent(50);
}

#[test]
fn templates_show_their_tokens_alone() {
    let mut witness = witness();
    for canary in canaries() {
        let text = canary.text();
        for text in [
            format!("{text}${{secret://env:x}}{text}"),
            format!("{text}${{A:-{text}}}"),
            format!("$${{{text}}} ${{A}}"),
            format!("{text}${{UNSET}}"),
            format!("{text}${{"),
            format!("${{{text}"),
            format!("${{A:-${{{text}}}}}"),
            format!("${{secret://{text}}}"),
            format!("{text} ${{a b}}"),
        ] {
            match Template::parse(&text) {
                Ok(template) => {
                    witness.saw_debug("template", &(&template, template.pieces()));
                    let variable = |name: &str| (name == "A").then(|| Zeroizing::new(text.clone()));
                    let filled = template.fill(variable, |reference| {
                        let missing = Error::new(ErrorKind::NotFound, "none");
                        Err(missing.with_reference(reference))
                    });
                    if let Err(error) = filled {
                        saw(&mut witness, "filling", &error);
                    }
                }
                Err(error) => saw(&mut witness, "template", &error),
            }
        }
    }
    witness.assert_silent(200);
}

#[test]
fn plain_types_are_shown_as_they_are() {
    let mut witness = witness();
    let memory = Memory::new();
    memory.set_value("x", SecretValue::bytes(canary(Form::Word).bytes()));
    witness.saw_debug("memory", &memory);
    witness.saw_debug("item", &(Item::new("x"), Pattern::new("x*"), still()));
    witness.assert_silent(4);
}
