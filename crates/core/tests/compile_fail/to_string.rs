fn main() {
    let value = keyferry_core::SecretValue::text("x");
    let _: String = value.to_string();
}
