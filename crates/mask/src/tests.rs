use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;

fn masker(secrets: &[&str]) -> Masker {
    Masker::new(secrets.iter().map(|secret| secret.as_bytes()))
        .unwrap()
        .0
}

fn mask(masker: &Masker, text: &[u8]) -> Vec<u8> {
    mask_chunks(masker, [text])
}

fn mask_chunks<'a>(masker: &Masker, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut stream = masker.stream();
    let mut out = Vec::new();
    for chunk in chunks {
        stream.feed(chunk, &mut out);
    }
    stream.finish(&mut out);
    out
}

fn masked(secrets: &[&str], text: &str) -> String {
    String::from_utf8(mask(&masker(secrets), text.as_bytes())).unwrap()
}

#[test]
fn what_is_beyond_the_bound_of_all_forms_is_still_hidden_as_it_is() {
    use super::forms::Forms;
    let mut forms = Forms::default();
    for index in 0..6 {
        assert!(forms.add(format!("{index}").repeat(60_000).as_bytes()));
    }
    let forms = forms.into_vec();
    let raw = |byte: u8| {
        forms
            .iter()
            .any(|form| form.len() == 60_000 && form.iter().all(|b| *b == byte))
    };
    assert!((b'0'..=b'5').all(raw));
    let in_hex = |hex: &str| {
        forms
            .iter()
            .any(|form| **form == hex.repeat(60_000).into_bytes())
    };
    assert!(in_hex("30") && in_hex("33") && !in_hex("34") && !in_hex("35"));
}

#[test]
fn secret_is_replaced_wherever_it_occurs() {
    assert_eq!(
        masked(&["hunter2!"], "a hunter2! b hunter2!"),
        "a **** b ****"
    );
}

#[test]
fn secret_is_hidden_where_the_white_space_around_it_was_dropped() {
    assert_eq!(masked(&["  hunter2!\t"], "hunter2!"), "****");
    assert_eq!(
        masked(&["hunter2! \n"], "aHVudGVyMiE= hunter2!."),
        "**** ****."
    );
    assert_eq!(
        masked(&["   abc"], "abc"),
        "abc",
        "too short to be hidden alone"
    );
}

#[test]
fn longest_of_nested_secrets_is_replaced_whole() {
    assert_eq!(
        masked(&["pass", "password-1"], "password-1 password-2"),
        "**** ****word-2"
    );
}

#[test]
fn overlapping_secrets_are_both_hidden() {
    assert_eq!(
        masked(&["abcdWXYZ", "WXYZefgh"], "<abcdWXYZefgh>"),
        "<****>"
    );
}

#[test]
fn secret_inside_a_failed_longer_one_is_hidden() {
    assert_eq!(masked(&["xxabcdyyy", "abcd"], "xxabcdyyz"), "xx****yyz");
}

#[test]
fn secrets_without_a_gap_become_one_mask() {
    assert_eq!(masked(&["abcd"], "abcdabcd abcd"), "**** ****");
}

#[test]
fn short_values_stay_visible_and_are_counted() {
    let secrets: [&[u8]; 5] = [b"abc", b"", b"abc\n", b"abcd", b"\xff\xfe\xfd\xfc"];
    let (masker, report) = Masker::new(secrets).unwrap();
    assert_eq!(
        report,
        MaskReport {
            masked: 2,
            too_short: 2
        }
    );
    assert_eq!(
        mask(&masker, b"abc abcd \xff\xfe\xfd\xfc"),
        b"abc **** ****"
    );
}

#[test]
fn nothing_to_hide_passes_everything() {
    assert_eq!(masked(&[], "as it is"), "as it is");
}

#[test]
fn each_line_of_a_multi_line_value_is_hidden() {
    let key = "-----BEGIN KEY-----\nMIIabc\r\n  indented\n}\n-----END KEY-----\n";
    assert_eq!(
        masked(&[key], "1 MIIabc\n2 indented }\n"),
        "1 ****\n2 **** }\n"
    );
    assert_eq!(masked(&[key], key), "****");
    assert_eq!(
        masked(&["first\n}\nlast!"], "<first\r\n}\r\nlast!>"),
        "<****>"
    );
}

#[test]
fn final_newline_does_not_matter() {
    assert_eq!(masked(&["hunter2\n"], "hunter2 aHVudGVyMg=="), "**** ****");
}

#[test]
fn base64_is_hidden_at_every_offset() {
    let secret = "correct-horse-42";
    for before in ["", "u", "u:", "u:x", "user:"] {
        for after in ["", "t", "tail", "\n"] {
            let encoded = BASE64_STANDARD.encode(format!("{before}{secret}{after}"));
            let out = masked(&[secret], &encoded);
            let kept = out.split("****").map(str::len).sum::<usize>();
            assert!(out.contains("****"), "{encoded} became {out}");
            // What is left decodes to the neighbours and at most four bits of the secret on each side.
            assert!(
                kept <= before.len() * 4 / 3 + 2 + after.len() * 4 / 3 + 4,
                "{encoded} became {out}"
            );
        }
    }
}

#[test]
fn base64_at_the_end_is_hidden_to_its_last_character() {
    assert_eq!(
        masked(
            &["correct-horse-42"],
            &BASE64_STANDARD.encode("u:correct-horse-42")
        ),
        "dTp****"
    );
    assert_eq!(
        masked(
            &["~~~???>>>1"],
            "fn5-Pz8_Pj4-MQ== fn5-Pz8_Pj4-MQ fn5+Pz8/Pj4+MQ=="
        ),
        "**** **** ****"
    );
}

#[test]
fn wrapped_base64_is_hidden_line_by_line() {
    let secret = "0123456789abcdefghijklmnopqrstuvwxyz".repeat(5);
    let encoded = BASE64_STANDARD.encode(&secret);
    for width in [64, 76] {
        let lines: Vec<_> = encoded.as_bytes().chunks(width).collect();
        let out = mask(&masker(&[&secret]), &lines.join(&b'\n'));
        assert_eq!(out, vec![b"****".as_slice(); lines.len()].join(&b'\n'));
    }
}

#[test]
fn other_encodings_are_hidden() {
    let secret = "p/a s's\"w\\ö𝄞\n<1>";
    for form in [
        "702f612073277322775cc3b6f09d849e0a3c313e",
        "702F612073277322775CC3B6F09D849E0A3C313E",
        "p%2Fa%20s%27s%22w%5C%C3%B6%F0%9D%84%9E%0A%3C1%3E",
        "p%2fa%20s%27s%22w%5c%c3%b6%f0%9d%84%9e%0a%3c1%3e",
        "p%2Fa%20s's%22w%5C%C3%B6%F0%9D%84%9E%0A%3C1%3E",
        "p/a%20s%27s%22w%5C%C3%B6%F0%9D%84%9E%0A%3C1%3E",
        "p%2Fa+s%27s%22w%5C%C3%B6%F0%9D%84%9E%0A%3C1%3E",
        r#"p/a s's\"w\\ö𝄞\n<1>"#,
        r#"p/a s's\"w\\\u00f6\ud834\udd1e\n<1>"#,
        r#"p/a s's\"w\\\u00F6\uD834\uDD1E\n<1>"#,
        r#"p\/a s's\"w\\\u00f6\ud834\udd1e\n<1>"#,
        r#"p/a s's\"w\\ö𝄞\n\u003c1\u003e"#,
        r#"p/a s's"w\\ö𝄞\n<1>"#,
        r#"p/a s\'s"w\\ö𝄞\n<1>"#,
        "p/a s'\\''s\"w\\ö𝄞\n<1>",
        "p/a s'\"'\"'s\"w\\ö𝄞\n<1>",
        "p/a\\ s\\'s\\\"w\\\\ö𝄞\\\n\\<1\\>",
    ] {
        assert_eq!(masked(&[secret], form), "****", "{form}");
    }
}

#[test]
fn very_long_values_are_hidden_as_they_are() {
    let secret = "0123456789abcdef\n".repeat(5000);
    assert_eq!(masked(&[&secret], &format!("<{secret}>")), "<****>");
    assert_eq!(masked(&[&secret], "<0123456789abcdef>"), "<****>");
}

#[test]
fn debug_shows_no_secret() {
    let masker = masker(&["hunter2!"]);
    let mut stream = masker.stream();
    stream.feed(b"hunter", &mut Vec::new());
    assert!(!format!("{masker:?} {stream:?}").contains("hunt"));
}

#[test]
fn only_a_possible_beginning_is_held_back() {
    let masker = masker(&["secret-value"]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    stream.feed(b"password: ", &mut out);
    assert_eq!(out, b"password: ");
    stream.feed(b"xs", &mut out);
    assert_eq!(out, b"password: x");
    stream.feed(b"ecret-", &mut out);
    assert_eq!(out, b"password: x");
    stream.feed(b"secre", &mut out);
    assert_eq!(out, b"password: xsecret-");
    stream.feed(b"t-value", &mut out);
    assert_eq!(out, b"password: xsecret-****");
    stream.feed(b"sec", &mut out);
    stream.finish(&mut out);
    assert_eq!(out, b"password: xsecret-****sec");
}

#[test]
fn hidden_run_is_shown_as_soon_as_it_is_certain() {
    let masker = masker(&["abcd", "abcdefgh"]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    stream.feed(b"abcd", &mut out);
    assert_eq!(out, b"****");
    stream.feed(b"ef", &mut out);
    assert_eq!(out, b"****");
    stream.feed(b"gh!", &mut out);
    assert_eq!(out, b"****!");
}

/// Secrets over few letters, so that they overlap, nest and repeat.
fn secret() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'\n')], 4..12),
        proptest::collection::vec(
            any::<u8>().prop_filter("the mask's own", |b| *b != b'*'),
            4..24
        ),
        "[ -)+-~]{4,16}".prop_map(String::into_bytes),
    ]
}

/// Secrets and a text that holds some of their forms, whole or cut short.
fn case() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<u8>)> {
    proptest::collection::vec(secret(), 1..4).prop_flat_map(|secrets| {
        let forms = forms_of(&secrets);
        let piece = prop_oneof![
            (proptest::sample::select(forms), 0..64_usize).prop_map(|(form, cut)| form
                [..form.len() - cut.saturating_sub(40) % form.len()]
                .to_vec()),
            proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'\n')], 0..8),
            proptest::collection::vec(any::<u8>(), 0..8),
        ];
        let text = proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
        (Just(secrets), text)
    })
}

fn forms_of(secrets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut forms = Forms::default();
    for secret in secrets {
        forms.add(secret);
    }
    let forms: Vec<_> = forms.into_vec().iter().map(|form| form.to_vec()).collect();
    if forms.is_empty() {
        vec![b"none".to_vec()]
    } else {
        forms
    }
}

/// The definition, executed naively: hide every byte of every occurrence.
fn reference(forms: &[Vec<u8>], text: &[u8]) -> Vec<u8> {
    let mut hidden = vec![false; text.len()];
    for form in forms {
        for (at, window) in text.windows(form.len()).enumerate() {
            if window == form {
                hidden[at..at + form.len()].fill(true);
            }
        }
    }
    let mut out = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        if !hidden[at] {
            out.push(*byte);
        } else if at == 0 || !hidden[at - 1] {
            out.extend_from_slice(MASK);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn masking_hides_exactly_the_occurrences((secrets, text) in case()) {
        let masker = Masker::new(secrets.iter().map(Vec::as_slice)).unwrap().0;
        let known = if masker.current.lock().is_some() { forms_of(&secrets) } else { Vec::new() };
        prop_assert_eq!(mask(&masker, &text), reference(&known, &text));
    }

    #[test]
    fn chunk_borders_change_nothing((secrets, text) in case(), sizes in proptest::collection::vec(1..9_usize, 1..8)) {
        let masker = Masker::new(secrets.iter().map(Vec::as_slice)).unwrap().0;
        let whole = mask(&masker, &text);
        for at in 0..=text.len() {
            let (left, right) = text.split_at(at);
            prop_assert_eq!(&mask_chunks(&masker, [left, right]), &whole);
        }
        prop_assert_eq!(&mask_chunks(&masker, text.chunks(1)), &whole);
        let mut rest = text.as_slice();
        let chunks = sizes.iter().cycle().map_while(|size| {
            let (chunk, tail) = rest.split_at(rest.len().min(*size));
            rest = tail;
            (!chunk.is_empty()).then_some(chunk)
        });
        prop_assert_eq!(&mask_chunks(&masker, chunks), &whole);
    }

    #[test]
    fn no_form_survives((secrets, text) in case()) {
        let text: Vec<u8> = text.into_iter().filter(|byte| *byte != b'*').collect();
        let masker = Masker::new(secrets.iter().map(Vec::as_slice)).unwrap().0;
        let out = mask(&masker, &text);
        for form in forms_of(&secrets) {
            prop_assert!(masker.current.lock().is_none() || !out.windows(form.len()).any(|window| window == form));
        }
    }

    #[test]
    fn held_bytes_are_the_longest_possible_beginning((secrets, text) in case(), size in 1..9_usize) {
        let masker = Masker::new(secrets.iter().map(Vec::as_slice)).unwrap().0;
        let forms = if masker.current.lock().is_some() { forms_of(&secrets) } else { Vec::new() };
        let mut stream = masker.stream();
        let mut out = Vec::new();
        for (index, chunk) in text.chunks(size).enumerate() {
            stream.feed(chunk, &mut out);
            let seen = &text[..text.len().min((index + 1) * size)];
            let longest = (0..=seen.len())
                .find(|at| seen[*at..].is_empty() || forms.iter().any(|form| form.starts_with(&seen[*at..])))
                .map_or(0, |at| seen.len() - at);
            prop_assert!(stream.held.len() <= longest);
            prop_assert!(seen.ends_with(&stream.held));
            // Less is held only where the beginning of it is hidden already.
            prop_assert!(stream.held.len() == longest || stream.after_mask);
        }
    }
}

#[test]
fn a_secret_that_is_added_in_the_middle_of_a_stream_is_hidden_at_once() {
    let masker = |secrets: &[&str]| Masker::new(secrets.iter().map(|s| s.as_bytes())).unwrap().0;
    for split in 0..="x sesame-two y".len() {
        let current = masker(&["sesame-one"]);
        let mut stream = current.stream();
        let mut out = Vec::new();
        let (before, after) = "x sesame-two y".split_at(split);
        stream.feed(before.as_bytes(), &mut out);
        current.replace(&masker(&["sesame-one", "sesame-two"]));
        stream.feed(after.as_bytes(), &mut out);
        stream.feed(b" sesame-one", &mut out);
        stream.finish(&mut out);
        let shown = String::from_utf8(out).unwrap();
        // What both secrets begin with was held back and is read again; more of it is gone.
        if split <= "x sesame-".len() {
            assert_eq!(shown, "x **** y ****", "split at {split}");
        }
        assert!(shown.ends_with(" y ****"), "split at {split}");
    }
}

#[test]
fn a_masker_that_hid_nothing_can_come_to_hide_something() {
    let current = Masker::new([]).unwrap().0;
    let mut stream = current.stream();
    let mut out = Vec::new();
    stream.feed(b"a sesame ", &mut out);
    current.replace(&Masker::new([&b"sesame"[..]]).unwrap().0);
    stream.feed(b"b sesame", &mut out);
    stream.finish(&mut out);
    assert_eq!(out, b"a sesame b ****");
}
