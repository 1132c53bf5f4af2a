//! What lies in a folder, to look for secrets in.

use std::io::ErrorKind;
use std::path::Path;

/// Every byte below a folder.
pub(crate) fn below(dir: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() {
            below(&path)
        } else {
            match std::fs::read(path) {
                // What was being written when it was listed may have its own name by now.
                Err(error) if error.kind() == ErrorKind::NotFound => vec![],
                read => read.unwrap(),
            }
        });
    }
    bytes
}
