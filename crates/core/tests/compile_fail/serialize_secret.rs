fn main() {
    let secret = keyferry_core::Secret::from(keyferry_core::SecretValue::text("x"));
    let _ = serde_json::to_string(&secret);
}
