fn main() {
    let value = keyferry_core::SecretValue::text("x");
    let _ = std::collections::HashSet::from([value]);
}
