fn main() {
    let value = keyferry_core::SecretValue::text("x");
    println!("{value}");
}
