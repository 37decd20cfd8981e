fn main() {
    let value = keyferry_core::SecretValue::text("x");
    let _ = value.0;
}
