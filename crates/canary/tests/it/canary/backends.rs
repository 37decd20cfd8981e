//! The local backends alone, on every path.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _};
use keyferry::local::{Dotenv, DotenvText, Env, File, Mount};
use keyferry::{Backend, Item, Mounts, Pattern};
use keyferry_canary::{Canary, Capture, Form, Witness};
use keyferry_conformance::Counting;

use super::{Place, assert_is, canaries, canary, environment, memory, saw, witness};

/// Watches keys that exist and keys that do not.
async fn watched(witness: &mut Witness, name: &str, backend: &dyn Backend, keys: &[String]) {
    for item in items(keys) {
        match backend.watch(&item) {
            Ok(mut versions) => match versions.next().now_or_never() {
                Some(Some(Err(error))) => saw(witness, name, &error),
                seen => witness.saw_debug(name, &seen),
            },
            Err(error) => saw(witness, name, &error),
        }
    }
}

/// Keys that exist and keys that do not, each with and without a version.
fn items(keys: &[String]) -> Vec<Item> {
    let odd = [
        "", "absent", "a=b", "..", "dc/../x", "other/x", "dc", "\0", "dc/\u{7}",
    ];
    let keys = keys.iter().cloned().chain(odd.map(str::to_owned));
    keys.flat_map(|key| [Item::new(key.clone()), Item::new(key).with_version("7")])
        .collect()
}

/// Calls everything else that a backend has.
async fn exercised(witness: &mut Witness, name: &str, backend: &dyn Backend, keys: &[String]) {
    witness.saw_debug(name, backend);
    let items = items(keys);
    witness.saw_debug(name, &items);
    for item in &items {
        match backend.read(item).await {
            Ok(secret) => witness.saw_debug(name, &(secret.value(), &secret, secret.metadata())),
            Err(error) => saw(witness, name, &error),
        }
        match backend.metadata(item).await {
            Ok(metadata) => witness.saw_debug(name, &metadata),
            Err(error) => saw(witness, name, &error),
        }
    }
    match backend.read_batch(&items).await {
        Ok(answers) => witness.saw_debug(name, &answers),
        Err(error) => saw(witness, name, &error),
    }
    for pattern in ["*", "", "[", "absent*"] {
        match backend.list(&Pattern::new(pattern)).await {
            Ok(names) => witness.saw_debug(name, &names),
            Err(error) => saw(witness, name, &error),
        }
    }
    for finding in backend.diagnose().await {
        witness.saw_debug(name, &finding);
        if let Err(error) = &finding.outcome {
            saw(witness, name, error);
        }
    }
    witness.saw_debug(
        name,
        &(backend.capabilities(), backend.routes(), backend.kind()),
    );
    // Again, now that values may have been kept.
    witness.saw_debug(name, backend);
}

fn keys(name: &str) -> Vec<String> {
    let key = |canary: Canary| match name {
        "mounts" => format!("dc/{}", canary.form().name()),
        _ => canary.form().name().to_owned(),
    };
    canaries().into_iter().map(key).collect()
}

#[tokio::test]
async fn backends_that_work_show_no_value() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    for (name, backend) in place.backends() {
        for (form, key) in Form::ALL.into_iter().zip(keys(name)) {
            if form != Form::Binary || !["dotenv", "local"].contains(&name) {
                let secret = backend.read(&Item::new(key)).await.unwrap();
                assert_is(form, secret.value());
            }
        }
        exercised(&mut witness, name, &*backend, &keys(name)).await;
        watched(&mut witness, name, &*backend, &keys(name)).await;
    }
    let counting = Counting::new(memory());
    exercised(&mut witness, "counting", &counting, &keys("memory")).await;
    witness.saw_debug("environment", &counting.calls());
    witness.saw("log", capture.text());
    witness.assert_silent(1000);
}

#[tokio::test]
async fn malformed_lines_of_a_dotenv_file_show_no_value() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    for canary in canaries() {
        let value = canary.bytes();
        for (index, (before, after)) in [
            ("", ""),
            ("=", ""),
            ("export ", ""),
            ("A=\"", ""),
            ("A='", "\n"),
            ("A=1\n  ", "\n"),
            ("A=", "\nA="),
        ]
        .into_iter()
        .enumerate()
        {
            // What stands before a `=` is a name.
            let names = canary.form() == Form::Text || canary.form() == Form::Object;
            if names && ["", "export ", "A=1\n  "].contains(&before) && value.contains(&b'=') {
                continue;
            }
            let text = [before.as_bytes(), value, after.as_bytes()].concat();
            place.write(".env", &text);
            let backend = Dotenv::new(place.path(".env"));
            exercised(&mut witness, &format!("dotenv {index}"), &backend, &[]).await;
            if let Ok(text) = std::str::from_utf8(&text) {
                witness.saw_debug("text", &DotenvText::parse(text));
            }
        }
    }
    let log = capture.text();
    assert!(log.contains("malformed line is skipped"), "{log}");
    witness.saw("log", log);
    witness.assert_silent(1000);
}

#[tokio::test]
async fn yaml_files_of_the_wrong_shape_show_no_value() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    for canary in canaries() {
        for (index, (before, after)) in shapes().into_iter().enumerate() {
            let text = [before.as_bytes(), canary.bytes(), after.as_bytes()].concat();
            place.write("secrets.yaml", text);
            let path = place.path("secrets.yaml");
            let backend = File::with_environment(path, Arc::new(environment()));
            let keys = ["a".to_owned(), "b".to_owned()];
            let name = format!("{canary:?} in yaml {index}");
            exercised(&mut witness, &name, &backend, &keys).await;
        }
    }
    witness.saw("log", capture.text());
    witness.assert_silent(1000);
}

/// What stands around a value in a YAML file that is wrong, or nearly so. Nothing makes it a key:
/// keys are names, and are shown.
pub(super) fn shapes() -> Vec<(&'static str, &'static str)> {
    vec![
        ("a: \"", ""),
        ("a: '", ""),
        ("a: \"\\q", "\""),
        ("a: 'b' ", ""),
        ("a: *", ""),
        ("a: &", " x"),
        ("a: !", " x"),
        ("a: @", ""),
        ("a: `", ""),
        ("a: |", "\n"),
        ("a: >\n  ", "\n x: ["),
        ("a: [", ""),
        ("a: [x, '", "'"),
        ("a: {b: '", "'"),
        ("- a\n- '", "'"),
        ("- ", ""),
        ("'", "'\n"),
        ("a: '", "'\na: 2\n"),
        ("a: 1\na: '", "'\n"),
        ("a: '", "'\n---\nb: 1\n"),
        ("a: '", "'\n\tb: 1\n"),
        ("a: '", "'\n b: 1\n"),
        ("a: '", "'\n? [x]\n: 1\n"),
        ("a: '", "'\n<<: *x\n"),
        ("%", "\n---\na: 1"),
        ("a: 1 #", "\nb: ["),
        ("a: '${UNSET}", "'\n"),
        ("a: '", "${UNSET}'\n"),
        ("a: '${UNSET:-", "'\n"),
        ("a: '${secret://env:x}", "'\n"),
        ("a: ['${", "'\n"),
        ("a: '${b.", "}'\n"),
        ("a: {b: ['", "${secret://env:x}']}\n"),
        ("a: ${binary}\nb: '", "${binary}'\n"),
        ("a: \"${quoted}${lines}${UNSET}\"\nb: '", "'\n"),
    ]
}

#[tokio::test]
async fn mounts_that_refuse_show_no_value() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    let secret = canary(Form::Word);
    place.write("outside", secret.bytes());
    place.write("mounts/other/x", secret.bytes());
    place.write("mounts/dc/large", secret.text().repeat(40_000));
    place.write("mounts/dc/sub/inner", secret.bytes());
    for (link, target) in [
        ("out", place.path("outside")),
        ("up", "../../outside".into()),
        ("proc", "/proc/self/root".into()),
        ("circle", "circle".into()),
        ("dangling", "none".into()),
    ] {
        symlink(target, place.path("mounts/dc").join(link)).unwrap();
    }
    let keys = [
        "large",
        "sub",
        "sub/inner",
        "out",
        "up",
        "proc/etc/passwd",
        "circle",
        "dangling",
        "..x",
    ];
    let mut keys: Vec<_> = keys.iter().map(|key| format!("dc/{key}")).collect();
    keys.push("other/x".to_owned());
    for mounts in [
        Mounts::Any,
        Mounts::Only(vec!["dc".to_owned()]),
        Mounts::default(),
    ] {
        let backend = Mount::new(place.path("mounts"), mounts);
        exercised(&mut witness, "mount", &backend, &keys).await;
        watched(&mut witness, "mount", &backend, &keys).await;
    }
    let backend = Mount::new(place.path("outside"), Mounts::Any);
    exercised(&mut witness, "mount of a file", &backend, &keys).await;
    witness.saw("log", capture.text());
    witness.assert_silent(500);
}

#[tokio::test]
async fn sources_that_cannot_be_read_show_no_value() {
    let (mut witness, capture) = (witness(), Capture::start());
    let place = Place::new();
    // What was read before is forgotten, not shown.
    let backends: Vec<(&str, Arc<dyn Backend>)> = vec![
        ("dotenv", Arc::new(Dotenv::new(place.path(".env")))),
        ("local", Arc::new(File::new(place.path("secrets.yaml")))),
    ];
    for (name, backend) in backends {
        exercised(&mut witness, name, &*backend, &keys(name)).await;
        for file in [".env", "secrets.yaml"] {
            place.write(file, [b"word: \xff", canary(Form::Binary).bytes()].concat());
        }
        exercised(&mut witness, name, &*backend, &keys(name)).await;
        watched(&mut witness, name, &*backend, &keys(name)).await;
        for file in [".env", "secrets.yaml"] {
            std::fs::remove_file(place.path(file)).unwrap();
            std::fs::create_dir(place.path(file)).unwrap();
        }
        exercised(&mut witness, name, &*backend, &keys(name)).await;
        for file in [".env", "secrets.yaml"] {
            std::fs::remove_dir(place.path(file)).unwrap();
        }
    }
    let env = Env::new(Arc::new(environment()));
    exercised(&mut witness, "env", &env, &[]).await;
    witness.saw("log", capture.text());
    witness.assert_silent(500);
}
