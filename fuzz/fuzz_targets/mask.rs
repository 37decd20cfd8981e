//! What is masked does not depend on how the output is cut, and no secret is left in it.
#![no_main]

use keyferry_mask::Masker;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<Vec<u8>>, Vec<Vec<u8>>)| {
    let (secrets, chunks) = input;
    let secrets: Vec<_> = secrets
        .into_iter()
        .map(|s| s.into_iter().take(64).collect::<Vec<u8>>())
        .collect();
    let Ok((masker, _)) = Masker::new(secrets.iter().map(Vec::as_slice)) else {
        return;
    };
    let masked = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let (mut stream, mut out) = (masker.stream(), Vec::new());
        for chunk in chunks {
            stream.feed(chunk, &mut out);
        }
        stream.finish(&mut out);
        out
    };
    let whole = chunks.concat();
    let cut = masked(&mut chunks.iter().map(Vec::as_slice));
    assert_eq!(cut, masked(&mut std::iter::once(whole.as_slice())));
    for secret in &secrets {
        // Line ends do not count for the length from which on a secret is masked, and a secret of
        // asterisks is what masks are made of.
        let long = secret.trim_ascii_end().len() >= 4;
        if long && secret.iter().any(|byte| *byte != b'*') {
            let mut windows = cut.windows(secret.len());
            assert!(!windows.any(|window| window == secret.as_slice()));
        }
    }
});
