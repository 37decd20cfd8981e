//! The same without `async`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use keyferry_examples::data;

fn main() -> keyferry::Result<()> {
    let Some(secrets) = keyferry::blocking::from_config(data("keyferry.yaml"))? else {
        return Ok(());
    };
    let key = secrets.get("dotenv:API_KEY")?;
    println!("the key has {} bytes", key.value().len());

    // A handle is cheap to clone, and any thread may use it.
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let secrets = secrets.clone();
            std::thread::spawn(move || {
                secrets
                    .get("exchanges:binance#key")
                    .map(|s| s.value().len())
            })
        })
        .collect();
    for thread in threads {
        if let Ok(length) = thread.join() {
            println!("a thread got {} bytes", length?);
        }
    }
    Ok(())
}
