//! The names of all files below a directory, without leaving it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use keyferry_core::{Error, ErrorKind, Mounts, Result};
use keyferry_os::open_beneath;
use nix::dir::Dir;

use crate::source::Stamp;

/// As many segments as a canonical URI may have.
const MAX_DEPTH: usize = 32;
const MAX_ENTRIES: usize = 100_000;

/// The paths below `root` of all regular files in the mounts that are allowed, in order.
///
/// Whatever starts with `..` is left out: Kubernetes keeps its own versions there. So is what
/// cannot be opened, since it cannot be read either.
pub(super) fn names(root: File, allowed: &Mounts) -> Result<Vec<String>> {
    let mut walk = Walk {
        allowed,
        root: &root,
        above: Vec::new(),
        left: MAX_ENTRIES,
        found: Vec::new(),
    };
    let directory = root.try_clone().map_err(|error| failed(&error))?;
    walk.enter(directory, "")?;
    walk.found.sort_unstable();
    Ok(walk.found)
}

struct Walk<'a> {
    root: &'a File,
    allowed: &'a Mounts,
    /// The directories above, to notice a symbolic link back to one of them.
    above: Vec<Stamp>,
    left: usize,
    found: Vec<String>,
}

impl Walk<'_> {
    fn enter(&mut self, directory: File, path: &str) -> Result<()> {
        let stamp = Stamp::of(&directory.metadata().map_err(|error| failed(&error))?);
        if self.above.len() >= MAX_DEPTH || self.above.iter().any(|above| above.is_file_of(&stamp))
        {
            return Ok(());
        }
        self.above.push(stamp);
        for name in self.children(directory)? {
            let child = if path.is_empty() {
                if !self.allowed.allow(&name) {
                    continue;
                }
                name
            } else {
                format!("{path}/{name}")
            };
            self.visit(child)?;
        }
        self.above.pop();
        Ok(())
    }

    fn visit(&mut self, path: String) -> Result<()> {
        let Ok(file) = open_beneath(self.root, Path::new(&path)) else {
            return Ok(());
        };
        match file.metadata() {
            Ok(metadata) if metadata.is_dir() => self.enter(file, &path)?,
            Ok(metadata) if metadata.is_file() => self.found.push(path),
            _ => {}
        }
        Ok(())
    }

    /// The names in a directory that can be part of a key.
    fn children(&mut self, directory: File) -> Result<Vec<String>> {
        let failed = |errno: nix::Error| failed(&io::Error::from(errno));
        let mut names = Vec::new();
        let mut directory = Dir::from_fd(OwnedFd::from(directory)).map_err(failed)?;
        for entry in directory.iter() {
            let entry = entry.map_err(failed)?;
            self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
            if let Ok(name) = entry.file_name().to_str()
                && name != "."
                && !name.starts_with("..")
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }
}

fn too_many() -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("the directory holds more than {MAX_ENTRIES} entries"),
    )
}

fn failed(error: &io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("the directory cannot be listed: {error}"),
    )
}
