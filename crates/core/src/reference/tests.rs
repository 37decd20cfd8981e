use super::*;
use proptest::prelude::*;

fn canonical(text: &str) -> String {
    Reference::parse(text).unwrap().canonical().to_owned()
}

fn code(text: &str) -> Option<&'static str> {
    let error = Reference::parse(text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    error.code()
}

#[test]
fn a_named_reference_splits_at_its_first_colon() {
    let reference = Reference::parse("aws:a:b/c#password?version=7").unwrap();
    assert_eq!(reference.kind(), ReferenceKind::Named);
    assert_eq!(reference.backend(), Some("aws"));
    assert_eq!(reference.key(), "a:b/c");
    assert_eq!(reference.field(), Some("password"));
    assert_eq!(reference.version(), Some("7"));
    assert_eq!(canonical("aws:a?version=7#f"), "aws:a#f?version=7");
}

#[test]
fn escapes_of_a_key_are_undone_and_written_again() {
    let reference = Reference::parse("local:a%23b%3fc%25d#f%23g").unwrap();
    assert_eq!(reference.key(), "a#b?c%d");
    assert_eq!(reference.field(), Some("f#g"));
    assert_eq!(reference.canonical(), "local:a%23b%3Fc%25d#f%23g");
    assert_eq!(
        Reference::named("local", "a#b?c%d").unwrap().key(),
        "a#b?c%d"
    );
    assert!(Reference::parse("local:50%").is_err() && Reference::parse("local:%41").is_err());
}

#[test]
fn names_that_cannot_be_a_backend_are_refused() {
    for text in [
        "Aws:x", "1a:x", ":x", "a b:x", "file:x", "secret:x", "vault", "", "env:", "é:x",
    ] {
        assert!(Reference::parse(text).is_err(), "{text}");
    }
    for text in [
        "env:X#",
        "env:X?version=",
        "env:X#a#b",
        "env:X?v=1",
        "env:a\nb",
    ] {
        assert!(Reference::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_token_form_names_a_backend_when_its_first_segment_has_a_colon() {
    assert_eq!(
        canonical("secret://aws:postgres#password"),
        "aws:postgres#password"
    );
    assert_eq!(canonical("secret://aws:a/b:c"), "aws:a/b:c");
    assert!(
        Reference::parse("secret://aws://a").is_err() && Reference::named("aws", "//a").is_err()
    );
}

#[test]
fn runtime_references_follow_their_grammar_to_the_letter() {
    let reference = Reference::parse("secret://dev/example-service/token/app-config").unwrap();
    assert_eq!(reference.kind(), ReferenceKind::Runtime);
    assert_eq!(reference.environment(), Some("dev"));
    assert_eq!(reference.key(), "dev/example-service/token/app-config");
    let longest = format!(
        "secret://shared/{}/connection_string/{}",
        "s".repeat(63),
        "n".repeat(128)
    );
    assert_eq!(canonical(&longest), longest);
    for text in [
        "secret://test/svc/token/name",
        "secret://dev/s/token/name",
        "secret://dev/svc/secret/name",
        "secret://dev/svc/token/n",
        "secret://dev/svc/token/na..me",
        "secret://dev/svc/token/name/",
        "secret://dev/svc/token",
        "secret://dev/svc/token/name?version=1",
        "secret://dev/svc/token/name#f",
        "secret://Dev/svc/token/name",
        "secret://dev/-svc/token/name",
        "secret://",
        "SECRET://dev/svc/token/name",
    ] {
        assert!(Reference::parse(text).is_err(), "{text}");
    }
}

#[test]
fn uris_are_canonicalised() {
    assert_eq!(
        canonical("OPENBAO+kv2://Secret/App/api/?version=3#Token"),
        "openbao+kv2://Secret/App/api#Token?version=3"
    );
    assert_eq!(canonical("file://dc/ldap.json#"), "file://dc/ldap.json");
    assert_eq!(canonical("file://dc/ldap.json?"), "file://dc/ldap.json");
    assert_eq!(
        canonical("openbao://secret/a?version="),
        "openbao://secret/a?version="
    );
    let reference = Reference::parse("file://dc/a/ldap.json#bind pw").unwrap();
    assert_eq!(
        (reference.mount(), reference.key()),
        (Some("dc"), "dc/a/ldap.json")
    );
    assert_eq!(reference.field(), Some("bind pw"));
}

#[test]
fn a_uri_behind_secret_says_how_it_is_written() {
    let error = Reference::parse("secret://file://dc/ldap.json").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    assert!(error.help().unwrap().contains("URI alone"));
    let error = Reference::parse("secret://file:ldap.json").unwrap_err();
    assert_eq!(error.help(), None);
}

#[test]
fn every_code_of_the_grammar_is_given() {
    assert_eq!(code("://a"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(code("no-delimiter"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(code("vault://a/b"), Some("UNSUPPORTED_ENGINE"));
    assert_eq!(code("openbao+kv1://a/b"), Some("UNSUPPORTED_ENGINE"));
    assert_eq!(code("openbao+://a/b"), Some("UNSUPPORTED_ENGINE"));
    assert_eq!(code("file+kv2://a/b"), Some("UNSUPPORTED_ENGINE"));
    assert_eq!(code("file://a/b#c#d"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(code("file://a/b#c?version=1#d"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(
        code("file://a/b?version=1&version=1"),
        Some("AMBIGUOUS_QUERY")
    );
    assert_eq!(code("file://a/b?colour=red"), Some("AMBIGUOUS_QUERY"));
    assert_eq!(code("file://a/b?mount=a"), Some("DOUBLE_MOUNT_SOURCE"));
    assert_eq!(code("file://a/b%2Fc"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(code("file://a/../c"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(code("file://a//c"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(code("file:///c"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(code("file://"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(code("file://a/c*"), Some("INVALID_WILDCARD"));
    assert_eq!(code("file://a/ü"), Some("ILLEGAL_SEGMENT"));
    assert_eq!(code("file://a/b\n"), Some("ILLEGAL_SEGMENT"));
}

#[test]
fn lengths_are_bounded() {
    assert!(Reference::parse(&format!("env:{}", "x".repeat(1021))).is_err());
    assert!(Reference::parse(&format!("env:{}", "x".repeat(1020))).is_ok());
    assert!(Reference::parse(&format!("file://{}", "x".repeat(129))).is_err());
    assert!(Reference::parse(&format!("file://{}a", "a/".repeat(32))).is_err());
    assert!(Reference::parse(&format!("file://{}a", "a/".repeat(31))).is_ok());
}

#[test]
fn an_error_names_part_and_column_and_never_echoes() {
    let error = Reference::parse("openbao+kv2://secret/canary-pa$$word").unwrap_err();
    assert_eq!(
        error.to_string(),
        "path segment at column 22 holds a character other than A-Z a-z 0-9 . _ -"
    );
    for text in [
        "canary",
        "canary-é:x",
        "canary://x",
        "env:x%canary",
        "env:x?canary=1",
        "secret://canary/x",
    ] {
        let error = Reference::parse(text).unwrap_err();
        assert!(
            !format!("{error:?} {error} {:?}", error.help()).contains("canary"),
            "{text}"
        );
    }
}

#[test]
fn the_field_does_not_change_the_item() {
    let whole = Reference::parse("aws:postgres?version=2").unwrap();
    let field = Reference::parse("aws:postgres#password?version=2").unwrap();
    assert!(whole.same_item(&field) && whole != field);
    assert_eq!(field.without_field(), whole);
    assert!(!whole.same_item(&Reference::parse("aws:postgres").unwrap()));
}

proptest! {
    #[test]
    fn canonical_form_is_stable(text in "[a-z]{1,3}[:+/#?=&%A-Za-z0-9._-]{0,40}|(file|OpenBao\\+kv2|secret)://[a-z/.#?=]{0,40}") {
        if let Ok(reference) = Reference::parse(&text) {
            let again = Reference::parse(reference.canonical()).unwrap();
            prop_assert_eq!(again.canonical(), reference.canonical());
            prop_assert_eq!(again.key(), reference.key());
            prop_assert_eq!(again.field(), reference.field());
            prop_assert_eq!(again.version(), reference.version());
            prop_assert!(again.same_item(&reference));
        }
    }

    #[test]
    fn any_listed_name_makes_a_reference_to_it(key in "[^\\p{Cc}]{1,60}") {
        prop_assume!(!key.starts_with("//"));
        let reference = Reference::named("local", &key).unwrap();
        prop_assert_eq!(reference.key(), key.as_str());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text: String) {
        let _ = Reference::parse(&text);
    }
}
