//! Getting secrets by reference.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use keyferry_examples::data;

#[tokio::main]
async fn main() -> keyferry::Result<()> {
    let Some(secrets) = keyferry::from_config(data("keyferry.yaml")).await? else {
        return Ok(());
    };

    // A JSON object comes back as a map.
    let binance = secrets.get("exchanges:binance").await?;
    let fields = binance.value().expose_map().map_or(0, |map| map.len());
    println!("exchanges:binance has {fields} fields");

    // One field of it.
    let key = secrets.get("exchanges:binance#key").await?;
    println!("its key has {} bytes", key.value().len());

    // Any other value is text.
    let path = secrets.get("env:PATH").await?;
    println!("env:PATH has {} bytes", path.value().expose_text()?.len());

    // None instead of an error, but only for what does not exist.
    let missing = secrets.get_or_none("exchanges:missing").await?;
    println!("exchanges:missing is there: {}", missing.is_some());

    // The text as it stands, although it is a JSON object.
    let raw = secrets.raw("local:api_credentials").await?;
    println!("raw is a map: {}", raw.value().expose_map().is_some());

    // Several at once, each resolved or failed.
    let batch = secrets
        .get_many(["dotenv:DB_USER", "local:db_host", "local:missing"])
        .await;
    println!(
        "{} resolved, {} failed",
        batch.resolved().count(),
        batch.failures().count()
    );
    Ok(())
}
