//! Leaks made on purpose, one at a time: only a search that finds them makes silence count.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use keyferry::{
    Backend, CacheOptions, Capabilities, Error, ErrorKind, Finding, Item, KeyStyle, Metadata,
    Result, Secret, SecretValue,
};
use keyferry_canary::{Canary, Capture, Encoding, Form};

use super::{Place, canaries, canary, resolver, saw, still, witness};

/// A backend that does what none may do.
struct Leaky(Leak);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leak {
    Message,
    Help,
    Source,
    Debug,
    Version,
    Finding,
    Log,
}

impl Leaky {
    fn secret() -> String {
        canary(Form::Word).text().to_owned()
    }
}

impl fmt::Debug for Leaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Leak::Debug => write!(f, "Leaky({})", Self::secret()),
            _ => f.write_str("Leaky"),
        }
    }
}

#[async_trait]
impl Backend for Leaky {
    fn kind(&self) -> &'static str {
        "leaky"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only(KeyStyle::Path)
    }

    async fn read(&self, _: &Item) -> Result<Secret> {
        let secret = Self::secret();
        let error = |message: &str| Error::new(ErrorKind::Malformed, message);
        match self.0 {
            Leak::Message => Err(error(&format!("cannot read `{secret}`"))),
            Leak::Help => Err(error("no").with_help(format!("look at {secret}"))),
            Leak::Source => Err(error("no").with_source(std::io::Error::other(secret))),
            Leak::Version => {
                let metadata = Metadata::with_version(secret.as_str());
                Ok(Secret::new(SecretValue::text(secret), metadata))
            }
            Leak::Log => {
                tracing::trace!(answer = %BASE64_STANDARD.encode(&secret), "answered");
                Ok(SecretValue::text(secret).into())
            }
            Leak::Debug | Leak::Finding => Ok(SecretValue::text(secret).into()),
        }
    }

    async fn diagnose(&self) -> Vec<Finding> {
        match self.0 {
            Leak::Finding => vec![Finding::good(Self::secret())],
            _ => Vec::new(),
        }
    }
}

/// Whether the leak of a backend shows in what its resolver gives.
async fn shows(leak: Leak) -> bool {
    let mut witness = witness();
    let capture = Capture::start();
    let backends: Vec<(&str, Arc<dyn Backend>)> = vec![("leaky", Arc::new(Leaky(leak)))];
    let resolver = resolver(&still(), CacheOptions::default(), backends);
    match resolver.get("leaky:x").await {
        Ok(secret) => witness.saw_debug("secret", &secret),
        Err(error) => saw(&mut witness, "error", &error),
    }
    witness.saw_debug("registry", resolver.registry());
    for entry in resolver.registry().entries() {
        witness.saw_debug("findings", &entry.backend().diagnose().await);
    }
    witness.saw("log", capture.text());
    !witness.found().is_empty()
}

/// Whether a text is seen to leak the canary in this encoding.
fn seen_as(encoding: Encoding, text: impl AsRef<[u8]>) -> bool {
    let mut witness = witness();
    witness.saw("control", text);
    let mut found = witness.found().iter();
    found.any(|sighting| sighting.hit.encoding == encoding)
}

fn encoded(canary: &Canary, encoding: Encoding) -> Vec<u8> {
    let bytes = canary.bytes();
    let json = || serde_json::json!({ "text": canary.text() }).to_string();
    let hex = || bytes.iter().map(|byte| format!("{byte:02x}"));
    let percent = || bytes.iter().map(|byte| format!("%{byte:02X}"));
    match encoding {
        Encoding::Raw => [b"value: ", bytes, b"\n"].concat(),
        Encoding::Base64At0 => BASE64_STANDARD.encode(bytes).into(),
        Encoding::Base64At1 => BASE64_STANDARD.encode([b"user", bytes].concat()).into(),
        Encoding::Base64At2 => BASE64_STANDARD.encode([b"us:ab", bytes].concat()).into(),
        Encoding::Base64Url => BASE64_URL_SAFE.encode(bytes).into(),
        Encoding::HexLower => hex().collect::<String>().into(),
        Encoding::HexUpper => hex().collect::<String>().to_uppercase().into(),
        // Percent-encoding as it is usually done leaves letters alone.
        Encoding::Percent if canary.form() == Form::Text => encoding.spellings(bytes).remove(0),
        Encoding::Percent => percent().collect::<String>().into(),
        Encoding::JsonEscaped => json().into(),
        Encoding::Utf16Le => canary
            .text()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect(),
    }
}

#[tokio::test]
async fn canary_controls_are_all_caught() {
    let mut caught = Vec::new();
    for (name, leak) in [
        ("error message", Leak::Message),
        ("help", Leak::Help),
        ("cause of an error", Leak::Source),
        ("debug of a backend", Leak::Debug),
        ("version", Leak::Version),
        ("finding", Leak::Finding),
        ("log line in base64", Leak::Log),
    ] {
        assert!(shows(leak).await, "{name}");
        caught.push(name);
    }
    for (name, form, encoding) in [
        ("raw", Form::Binary, Encoding::Raw),
        ("base64", Form::Text, Encoding::Base64At0),
        ("base64 behind one byte", Form::Quoted, Encoding::Base64At1),
        ("base64 behind two bytes", Form::Lines, Encoding::Base64At2),
        ("base64 for urls", Form::Binary, Encoding::Base64Url),
        ("hex", Form::Object, Encoding::HexLower),
        ("upper-case hex", Form::Binary, Encoding::HexUpper),
        ("percent", Form::Text, Encoding::Percent),
        ("json", Form::Quoted, Encoding::JsonEscaped),
        ("utf-16", Form::Quoted, Encoding::Utf16Le),
    ] {
        assert!(
            seen_as(encoding, encoded(&canary(form), encoding)),
            "{name}"
        );
        caught.push(name);
    }
    for (name, output) in [
        ("panic", panicked()),
        ("argument of a program", arguments_of_a_program()),
        ("file left behind", left_behind()),
        ("piece", canary(Form::Word).text()[9..21].to_owned()),
    ] {
        assert!(seen_as(Encoding::Raw, output), "{name}");
        caught.push(name);
    }
    assert_eq!(caught.len(), 21);
}

#[test]
fn every_canary_is_caught_in_every_encoding() {
    for canary in canaries() {
        for encoding in Encoding::ALL {
            let no_text = canary.form() == Form::Binary
                && [Encoding::JsonEscaped, Encoding::Utf16Le].contains(&encoding);
            // Percent-encoding whole words changes nothing that a usual encoder would.
            let unusual = encoding == Encoding::Percent && canary.form() != Form::Text;
            if no_text || unusual {
                continue;
            }
            let mut witness = witness();
            witness.saw("control", encoded(&canary, encoding));
            assert!(!witness.found().is_empty(), "{canary:?} {encoding:?}");
            assert!(
                witness
                    .found()
                    .iter()
                    .all(|it| it.hit.canary == canary.form()),
                "{canary:?} {encoding:?}"
            );
        }
    }
}

/// What is not there is not found either: the same outputs without a leak.
#[tokio::test]
async fn what_does_not_leak_is_silent() {
    let mut witness = witness();
    let place = Place::new();
    witness.saw_debug("path", place.directory.path());
    witness.saw("another canary", Canary::new(Form::Word, 1).bytes());
    witness.assert_silent(3);
}

fn panicked() -> String {
    let text = Leaky::secret();
    let payload = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(text)));
    *payload.unwrap_err().downcast::<String>().unwrap()
}

fn arguments_of_a_program() -> String {
    let mut child = Command::new("sh")
        .args(["-c", "echo ready; read line", "sh", &Leaky::secret()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut ready).unwrap();
    let arguments = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    drop(child.stdin.take());
    child.wait().unwrap();
    String::from_utf8(arguments).unwrap()
}

fn left_behind() -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(Leaky::secret().as_bytes()).unwrap();
    std::fs::read_to_string(file.path()).unwrap()
}
