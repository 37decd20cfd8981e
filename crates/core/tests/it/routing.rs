//! Which backend serves canonical URIs and runtime references.

use std::sync::Arc;

use async_trait::async_trait;
use keyferry_conformance::ManualClock;
use keyferry_core::{
    Backend, BackendName, BackendOptions, Capabilities, ErrorKind, Item, KeyStyle, Mounts,
    Reference, Registry, Result, Routes, RuntimeRoute, Scheme, Secret, SecretValue,
};

use crate::shelf::kind;

#[derive(Debug)]
struct Serving(Routes);

#[async_trait]
impl Backend for Serving {
    fn kind(&self) -> &'static str {
        "serving"
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Path)
    }
    async fn read(&self, item: &Item) -> Result<Secret> {
        Ok(SecretValue::text(item.key()).into())
    }
    fn routes(&self) -> Routes {
        self.0.clone()
    }
}

fn mounts(scheme: Scheme, mounts: &[&str]) -> Routes {
    let mounts = mounts.iter().map(ToString::to_string).collect();
    Routes {
        schemes: vec![scheme],
        mounts: Mounts::Only(mounts),
        runtime: RuntimeRoute::Nothing,
    }
}

fn runtime(route: RuntimeRoute) -> Routes {
    Routes {
        runtime: route,
        ..Routes::default()
    }
}

fn registry(backends: &[(&str, Routes)]) -> Result<Registry> {
    let mut registry = Registry::new(ManualClock::default().host());
    for (name, routes) in backends {
        let options = BackendOptions::default().with_prefix("never/for/uris");
        registry.add(
            BackendName::new(name)?,
            Arc::new(Serving(routes.clone())),
            options,
        )?;
    }
    Ok(registry)
}

fn route(registry: &Registry, reference: &str) -> Result<(String, String)> {
    let reference = Reference::parse(reference).unwrap();
    let route = registry.route(&reference)?;
    Ok((route.entry.name().to_string(), route.item.key().to_owned()))
}

#[test]
fn a_uri_goes_to_the_backend_that_allows_its_mount() {
    let registry = registry(&[
        ("one", mounts(Scheme::File, &["dc"])),
        ("two", mounts(Scheme::File, &["tls"])),
    ])
    .unwrap();
    assert_eq!(
        route(&registry, "file://tls/a/b").unwrap(),
        ("two".into(), "tls/a/b".into())
    );
    let error = route(&registry, "file://other/a").unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Denied, Some("TENANT_MOUNT_MISMATCH"))
    );
    assert_eq!(kind(route(&registry, "db://tls/a")), ErrorKind::Unsupported);
    assert_eq!(
        kind(route(&registry, "file://tls/a?version=1")),
        ErrorKind::Unsupported
    );
    assert!(route(&registry, "file://tls/a?version=").is_ok());
}

#[test]
fn an_empty_list_of_mounts_allows_nothing_and_any_allows_all() {
    let none = registry(&[("one", mounts(Scheme::File, &[]))]).unwrap();
    assert_eq!(kind(route(&none, "file://dc/a")), ErrorKind::Denied);
    let any = Routes {
        mounts: Mounts::Any,
        ..mounts(Scheme::File, &[])
    };
    assert!(route(&registry(&[("one", any)]).unwrap(), "file://dc/a").is_ok());
}

#[test]
fn two_backends_for_one_mount_or_environment_are_refused_at_the_start() {
    let any = Routes {
        mounts: Mounts::Any,
        ..mounts(Scheme::File, &[])
    };
    let dev = runtime(RuntimeRoute::Environment("dev".into()));
    for (one, two) in [
        (
            mounts(Scheme::File, &["dc", "x"]),
            mounts(Scheme::File, &["dc"]),
        ),
        (any.clone(), mounts(Scheme::File, &["dc"])),
        (any.clone(), any),
        (dev.clone(), dev.clone()),
        (dev, runtime(RuntimeRoute::Everything)),
    ] {
        assert_eq!(
            kind(registry(&[("one", one), ("two", two)])),
            ErrorKind::InvalidConfig
        );
    }
    assert_eq!(
        kind(registry(&[
            ("one", Routes::default()),
            ("one", Routes::default())
        ])),
        ErrorKind::InvalidConfig
    );
}

#[test]
fn a_runtime_reference_goes_to_the_backend_of_its_environment() {
    let environment = |name: &str| runtime(RuntimeRoute::Environment(name.into()));
    let both = registry(&[("d", environment("dev")), ("p", environment("prod"))]).unwrap();
    let of = |environment: &str| format!("secret://{environment}/svc/token/name");
    assert_eq!(route(&both, &of("prod")).unwrap().0, "p");
    assert_eq!(route(&both, &of("prod")).unwrap().1, "prod/svc/token/name");
    assert_eq!(kind(route(&both, &of("stage"))), ErrorKind::Unsupported);
    assert_eq!(kind(route(&both, &of("shared"))), ErrorKind::InvalidConfig);
    let one = registry(&[("d", environment("dev"))]).unwrap();
    assert_eq!(route(&one, &of("shared")).unwrap().0, "d");
    let store = registry(&[("own", runtime(RuntimeRoute::Everything))]).unwrap();
    assert_eq!(route(&store, &of("stage")).unwrap().0, "own");
}
