fn takes_text(_: &str) {}

fn main() {
    let value = keyferry_core::SecretValue::text("x");
    takes_text(&value);
}
