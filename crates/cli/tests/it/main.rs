//! The command line from outside: the built program, its output, its exit codes.

mod check;
mod explain;
mod export;
mod get;
mod list;
mod project;
mod quickstart;
mod render;
mod run;
mod terminal;
mod usage;
mod watch;
