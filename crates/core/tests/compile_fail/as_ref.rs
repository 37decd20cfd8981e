fn main() {
    let value = keyferry_core::SecretValue::text("x");
    let _: &[u8] = value.as_ref();
}
