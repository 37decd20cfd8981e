//! Secrets in services: as the state of an axum router, and as a field of a service of one's own.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use keyferry::{Config, Resolver};
use keyferry_examples::data;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A handle is cheap to clone; all clones share one cache. `None` when secrets are disabled.
#[derive(Clone)]
struct App {
    secrets: Option<Resolver>,
}

/// A service that takes its secrets when it starts.
struct Trading {
    secrets: Resolver,
}

impl Trading {
    async fn start(&self) -> keyferry::Result<usize> {
        let api_key = self.secrets.get("dotenv:API_KEY").await?;
        let credentials = self.secrets.get("exchanges:binance").await?;
        Ok(api_key.value().len() + credentials.value().len())
    }
}

async fn database(State(app): State<App>) -> Result<String, StatusCode> {
    let secrets = app.secrets.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let password = secrets.get("local:db_password").await;
    let password = password.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(format!("connected with {} bytes", password.value().len()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(&data("keyferry.yaml"))?;
    let secrets = config.resolver()?;
    if let Some(secrets) = secrets.clone() {
        let trading = Trading { secrets };
        println!("trading started with {} bytes", trading.start().await?);
    }

    let router = Router::new()
        .route("/database", get(database))
        .with_state(App { secrets });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let mut client = TcpStream::connect(address).await?;
    client
        .write_all(b"GET /database HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await?;
    println!("{}", answer.lines().last().unwrap_or_default());
    server.abort();
    Ok(())
}
