#![doc = include_str!("../README.md")]

mod block;
mod buffer;
mod builder;
mod document;
mod error;
mod json;
mod node;
mod path;
mod scalar;
mod splice;

pub use document::{Document, Limits, Scalars, Stream};
pub use error::{ErrorKind, YamlError};
pub use node::{Content, Entry, Node, Scalar, Span};
pub use path::{Path, PathSegment};
pub use scalar::{ScalarType, Style};
pub use splice::{Replacement, Splice};
