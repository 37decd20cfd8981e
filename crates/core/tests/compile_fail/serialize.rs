fn main() {
    let value = keyferry_core::SecretValue::text("x");
    let _ = serde_json::to_string(&value);
}
