use super::*;

fn tree() -> Tree {
    let files = [
        "README.md",
        "docs/guide.md",
        ".ci/run",
        "crates/core/src/layer/cache.rs",
    ];
    let files: BTreeSet<PathBuf> = files.iter().map(PathBuf::from).collect();
    let folders = files
        .iter()
        .flat_map(|file| file.ancestors().skip(1))
        .map(PathBuf::from)
        .collect();
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Tree {
        files,
        folders,
        crates: set(&["keyferry-core", "keyferry"]),
        identifiers: set(&["Reference", "parse", "SecretValue"]),
    }
}

#[test]
fn existing_names_are_found() {
    let tree = tree();
    for word in [
        "README.md",
        ".ci/run",
        "crates/core",
        "crates/core/",
        "crates/core/src/layer/cache.rs",
        "layer/cache.rs",
        "cache.rs",
        "keyferry-core",
        "SecretValue",
        "Reference::parse",
        "Reference::parse()",
        "keyferry_core::Reference",
    ] {
        assert!(!tree.lacks(word), "{word}");
    }
}

#[test]
fn missing_names_are_found_out() {
    let tree = tree();
    for word in [
        "HISTORY.md",
        "crates/vault",
        "crates/core/src/gone.rs",
        "layer/gone.rs",
        "gone.rs",
        ".ci/walk",
        "keyferry-gone",
        "GoneValue",
        "Reference::gone",
    ] {
        assert!(tree.lacks(word), "{word}");
    }
}

#[test]
fn names_that_are_not_ours_are_left_alone() {
    let tree = tree();
    for word in [
        "keyferry run -- app",
        "secret://file/x",
        "/etc/keyferry/config.yaml",
        "application/json",
        "keyferry.yaml",
        "DB_PASSWORD",
        "${DB_HOST}",
        "crates/backends/<name>",
        "--no-mask",
        "../elsewhere",
        "Backend",
        "JSON",
        ".rs",
        "./run",
    ] {
        assert!(!tree.lacks(word), "{word}");
    }
}

#[test]
fn links_are_followed_from_their_document() {
    let tree = tree();
    let guide = Path::new("docs/guide.md");
    for link in [
        "../README.md",
        "../README.md#use",
        "#here",
        "https://example.org/x",
        "guide.md",
    ] {
        assert!(tree.has_link(guide, link), "{link}");
    }
    for link in ["README.md", "../../README.md", "gone.md", "/README.md"] {
        assert!(!tree.has_link(guide, link), "{link}");
    }
}

#[test]
fn fences_and_marked_lines_are_left_out() {
    let text = "one\n```sh\ntwo\n```\nthree <!-- docs-map: illustration -->\nfour";
    assert_eq!(prose(text).collect::<Vec<_>>(), [(1, "one"), (6, "four")]);
}

#[test]
fn words_and_links_of_a_line_are_read() {
    let line = "See `a/b.rs`, [the guide](docs/guide.md \"Guide\") and `c`.";
    assert_eq!(code_words(line), ["a/b.rs", "c"]);
    assert_eq!(links(line), ["docs/guide.md"]);
}

#[test]
fn findings_name_file_and_line() {
    let text = "fine: `crates/core`\n\nnot fine: `crates/gone` and [gone](gone.md)\n";
    let mut findings = Vec::new();
    assert_eq!(
        check(&tree(), Path::new("README.md"), text, &mut findings),
        3
    );
    assert_eq!(
        findings,
        [
            "README.md:3: `crates/gone` names nothing in the tree",
            "README.md:3: `gone.md` is a link to nothing",
        ]
    );
}
