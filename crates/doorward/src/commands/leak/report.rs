//! The report's files: for their owner alone, and never over another.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use doorward_policy::Timestamp;

use crate::exit::Failure;
use crate::leak::Incident;

/// Most reports of the same second.
const SAME_MAX: u32 = 100;

/// Where reports go.
pub(super) struct Folder(PathBuf);

/// The name of an incident that began then: `incident-20270115T080000Z`.
pub(super) fn name(began_at: Timestamp) -> String {
    let text = began_at.to_string();
    let to_the_second = text.split('.').next().unwrap_or(&text);
    let plain: String = to_the_second
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == 'T')
        .collect();
    format!("incident-{plain}Z")
}

impl Folder {
    /// The folder, made if it is not there: found out before anything is done.
    ///
    /// # Errors
    /// When nothing could be written there.
    pub(super) fn ready(folder: Option<&Path>) -> Result<Self, Failure> {
        let folder = folder.unwrap_or(Path::new("."));
        let fault = |error: std::io::Error| {
            Failure::usage(format_args!(
                "no report could be written to {}: {error}; choose another folder with --report",
                folder.display()
            ))
        };
        fs::create_dir_all(folder).map_err(fault)?;
        tempfile::tempfile_in(folder).map_err(fault)?;
        Ok(Self(folder.to_owned()))
    }

    /// Writes the report; where its Markdown and its JSON are.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn write(&self, incident: &Incident) -> Result<(PathBuf, PathBuf), Failure> {
        let json = serde_json::to_string_pretty(incident).map_err(Failure::failed)?;
        for n in 1..=SAME_MAX {
            let number = if n == 1 {
                String::new()
            } else {
                format!("-{n}")
            };
            let path = |end| self.0.join(format!("{}{number}.{end}", incident.id));
            let (markdown, as_json) = (path("md"), path("json"));
            let Some(file) = create(&markdown)? else {
                continue;
            };
            write(file, &incident.markdown(), &markdown)?;
            if let Some(file) = create(&as_json)? {
                write(file, &json, &as_json)?;
                return Ok((markdown, as_json));
            }
        }
        Err(Failure::failed(format_args!(
            "{} holds too many reports of this moment",
            self.0.display()
        )))
    }
}

/// A new file, mode 0600; `None` when there is one.
fn create(path: &Path) -> Result<Option<File>, Failure> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(Failure::failed(format_args!(
            "the report can't be written to {}: {error}",
            path.display()
        ))),
    }
}

fn write(mut file: File, text: &str, path: &Path) -> Result<(), Failure> {
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all());
    written.map_err(|error| {
        Failure::failed(format_args!(
            "the report can't be written to {}: {error}",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_named_by_when_it_began() {
        let at = Timestamp::from_millis(1_800_000_000_123);
        assert_eq!(name(at), "incident-20270115T080000Z");
    }
}
