//! Secrets that must not show, and the search for them in everything that does.
//!
//! A [`Canary`] is a secret made for a test. Put some behind a backend, collect whatever a person,
//! a log or another program gets to see, and let a [`Scanner`] look for them: as they are, in every
//! [`Encoding`], and in pieces.
//!
//! ```
//! use keyferry_canary::{Canary, Encoding, Scanner};
//!
//! let canaries = Canary::all(7);
//! let scanner = Scanner::new(&canaries);
//! assert!(scanner.scan(b"error: no such secret").is_empty());
//!
//! let leak = format!("error: {:02x?}", canaries[0].bytes());
//! assert!(scanner.scan(leak.replace([',', ' '], "").as_bytes())[0].encoding == Encoding::HexLower);
//! ```

mod canary;
mod capture;
mod encoding;
mod scanner;
mod witness;

pub use canary::{Canary, Form};
pub use capture::Capture;
pub use encoding::Encoding;
pub use scanner::{Hit, Scanner};
pub use witness::{Sighting, Witness};
