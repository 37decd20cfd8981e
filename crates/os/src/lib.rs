//! The few calls to the operating system that need unsafe code, each behind a safe function.
//!
//! What the `nix` crate offers safely is called where it is needed; here is only what would be
//! `unsafe` there, or what must hang together with it: opening files beneath a directory,
//! hardening this process without hardening the program it starts, and signals.

mod confine;
mod pending;
mod process;
mod signal;
mod terminal;

pub use confine::open_beneath;
pub use pending::pending_bytes;
pub use process::{Session, exec_replace, harden_process, prepare};
pub use signal::{Delivery, Signals};
pub use terminal::{set_window_size, window_size};

pub use nix::pty::Winsize;
pub use nix::sys::signal::Signal;
