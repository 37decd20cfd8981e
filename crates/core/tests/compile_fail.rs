//! What must not compile: every way to get at plaintext but `expose_…`.

#[test]
fn plaintext_leaves_a_secret_only_through_expose() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
