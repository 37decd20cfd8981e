//! Loading what an application needs at its start.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use keyferry::Config;
use keyferry_examples::data;

#[tokio::main]
async fn main() -> keyferry::Result<()> {
    // `keyferry::from_config` does the same and loads what the file lists.
    let config = Config::load(&data("keyferry.yaml"))?;
    let Some(secrets) = config.resolver()? else {
        return Ok(());
    };
    let listed = secrets.preload(config.load_declarations()).await?;
    println!("{} secrets are listed in the file", listed.loaded.len());

    let preloaded = secrets
        .preload(&[
            "exchanges:binance", // one key
            "exchanges:*",       // all of them
            "local:db_*",        // those that start with db_
            "dotenv:API_KEY",    // one line
            "dotenv:NOTHING_*",  // a pattern may match nothing
        ])
        .await?;
    for reference in &preloaded.loaded {
        println!("loaded {reference}");
    }
    Ok(())
}
