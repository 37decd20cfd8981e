//! References in an application's own configuration file.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use keyferry::local::ProcessEnvironment;
use keyferry::{Format, Tokens};
use keyferry_examples::data;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(secrets) = keyferry::from_config(data("keyferry.yaml")).await? else {
        return Ok(());
    };
    let text = std::fs::read_to_string(data("app.yaml"))?;
    let tokens = Tokens::find("app.yaml", &text, Format::Yaml)?;
    for reference in tokens.references() {
        println!("needs {reference}");
    }
    // The text with every secret in its place; it is wiped when it is dropped.
    let rendered = tokens.resolve(&secrets, &ProcessEnvironment).await?;
    println!(
        "{} lines became {}",
        text.lines().count(),
        rendered.lines().count()
    );

    // Everything that cannot be resolved is reported together, by its path.
    let wrong = "a: ${secret://local:nothing}\nb: [\"${secret://nowhere:x}\"]\n";
    let tokens = Tokens::find("wrong.yaml", wrong, Format::Yaml)?;
    if let Err(failures) = tokens.resolve(&secrets, &ProcessEnvironment).await {
        for failure in failures.iter() {
            println!("{}", failure.error());
        }
    }
    Ok(())
}
