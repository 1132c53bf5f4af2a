//! The files of a manifest.

use std::io::Read;
use std::path::{Path, PathBuf};

use doorward_posture::manifest::{Faults, Manifest, Source, read as parse};

use crate::exit::Failure;

/// Most bytes of a file.
const FILE_MAX: u64 = 256 * 1024 * 1024;

/// Reads a manifest out of its files.
///
/// # Errors
/// When a file can't be read. The inner ones are the manifest's own faults.
pub(super) fn read(paths: &[PathBuf]) -> Result<Result<Manifest, Faults>, Failure> {
    let mut sources = Vec::new();
    for path in paths {
        let text = text(path).map_err(|why| {
            Failure::usage(format_args!(
                "{why}; name the manifest's files, or write one with `doorward export --out \
                 workspace.toml`"
            ))
        })?;
        sources.push(Source {
            name: path.display().to_string(),
            text,
        });
    }
    // What a manifest names is beside it.
    let beside = |manifest: &str, name: &str| {
        let folder = Path::new(manifest).parent().unwrap_or(Path::new(""));
        text(&folder.join(name))
    };
    Ok(parse(&sources, &beside))
}

fn text(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(FILE_MAX + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(format!("{shown} can't be read: {error}")),
        Ok(length) if length as u64 > FILE_MAX => Err(format!("{shown} is larger than 256 MiB")),
        Ok(_) => String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8 text")),
    }
}
