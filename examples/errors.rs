//! Telling failures apart.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use keyferry::{ErrorKind, Resolver};
use keyferry_examples::data;

#[tokio::main]
async fn main() -> keyferry::Result<()> {
    let Some(secrets) = keyferry::from_config(data("keyferry.yaml")).await? else {
        return Ok(());
    };
    for reference in [
        "local:db_host",
        "local:missing",
        "local:db_host#field",
        "lokal:db_host",
        "file://other/secret",
        "no reference",
    ] {
        println!("{}", outcome(&secrets, reference).await);
    }
    Ok(())
}

async fn outcome(secrets: &Resolver, reference: &str) -> String {
    let error = match secrets.get(reference).await {
        Ok(_) => return format!("`{reference}` is there"),
        Err(error) => error,
    };
    let what_to_do = match error.kind() {
        // The key does not exist.
        ErrorKind::NotFound | ErrorKind::FieldNotFound => "do without",
        // A mistake of the program or its configuration.
        ErrorKind::InvalidReference | ErrorKind::InvalidConfig => "correct it",
        // The caller may not have it.
        ErrorKind::Denied => "ask for access",
        // The backend failed: network, credentials, a file that is broken.
        _ if error.is_retryable() => "try again later",
        _ => "give up",
    };
    // Message and help never hold a secret.
    let help = error.help().unwrap_or_default();
    format!("`{reference}`: {error}: {what_to_do} {help}")
}
