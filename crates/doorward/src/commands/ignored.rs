//! What git is told to leave out, so that no secret is ever committed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// What holds secrets.
const LINES: [&str; 4] = [".env", ".env.*", "*.key", ".doorward/"];
/// Largest file that is looked at, in bytes.
const MAX: u64 = 1024 * 1024;

/// Adds what is missing to the `.gitignore` of a folder; whether anything was.
///
/// # Errors
/// As the system says.
pub(super) fn ignore_secrets(folder: &Path) -> io::Result<bool> {
    let path = folder.join(".gitignore");
    let text = match fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() || metadata.len() > MAX => {
            return Err(io::Error::other("it is no text file"));
        }
        Ok(_) => fs::read_to_string(&path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let has = |wanted: &str| {
        let plain = wanted.trim_end_matches('/');
        text.lines().map(str::trim_end).any(|line| {
            line == wanted || line.trim_start_matches('/').trim_end_matches('/') == plain
        })
    };
    let missing: Vec<&str> = LINES.into_iter().filter(|line| !has(line)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let mut added = String::new();
    if !text.is_empty() && !text.ends_with('\n') {
        added.push('\n');
    }
    added.push_str("# Secrets, and Doorward's own state.\n");
    for line in missing {
        added.push_str(line);
        added.push('\n');
    }
    let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
    file.write_all(added.as_bytes())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_added_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".gitignore");
        let text = || fs::read_to_string(&path).unwrap();
        assert!(ignore_secrets(dir.path()).unwrap());
        assert!(
            text().ends_with("\n.env\n.env.*\n*.key\n.doorward/\n"),
            "{}",
            text()
        );
        assert!(!ignore_secrets(dir.path()).unwrap());

        fs::write(&path, "target\n/.doorward\n.env.*\n*.key").unwrap();
        assert!(ignore_secrets(dir.path()).unwrap());
        let wanted =
            "target\n/.doorward\n.env.*\n*.key\n# Secrets, and Doorward's own state.\n.env\n";
        assert_eq!(text(), wanted);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(ignore_secrets(dir.path()).is_err());
    }
}
