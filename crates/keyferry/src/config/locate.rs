//! Which configuration file holds, and its text.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use keyferry_core::{Error, ErrorKind, Result};
use keyferry_local::Environment;
use keyferry_yaml::Limits;

const NAME: &str = "keyferry.yaml";

pub(super) fn locate(
    explicit: Option<&Path>,
    start: &Path,
    environment: &dyn Environment,
) -> Result<Option<PathBuf>> {
    if let Some(path) = explicit {
        return Ok(Some(path.to_owned()));
    }
    let named = environment
        .variable("KEYFERRY_CONFIG")
        .filter(|path| !path.is_empty());
    if let Some(path) = named {
        return Ok(Some(PathBuf::from(path)));
    }
    for directory in start.ancestors() {
        let path = directory.join(NAME);
        match path.try_exists() {
            Ok(true) => return Ok(Some(path)),
            Ok(false) => {}
            // Passing over a file that may be there could pick another one.
            Err(error) => return Err(unreadable(&path, &error)),
        }
    }
    Ok(None)
}

pub(super) fn read(path: &Path) -> Result<String> {
    let invalid = |what: &str| {
        Error::new(
            ErrorKind::InvalidConfig,
            format!("`{}` {what}", path.display()),
        )
    };
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(invalid("is a directory"));
    }
    // A pipe or device has no length, so the bound is on what is read.
    let bound = Limits::CONFIG.max_bytes;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(bound as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() > bound {
        return Err(invalid(&format!("is larger than {bound} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| invalid("is not UTF-8 text"))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    if error.kind() == io::ErrorKind::NotFound {
        return Error::new(
            ErrorKind::InvalidConfig,
            format!("there is no configuration file `{path}`"),
        );
    }
    Error::new(
        ErrorKind::InvalidConfig,
        format!("`{path}` cannot be read: {}", error.kind()),
    )
}
