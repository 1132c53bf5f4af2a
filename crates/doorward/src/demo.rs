//! What `doorward up` remembers in the data folder: that it is a demo, and its clients' keys, which
//! the store has only as hashes. Nothing but a demo has such a file.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use doorward_catalog::wire::SecretText;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;
use crate::paths::{DataDir, write_private};

/// The demo's own notes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Demo {
    /// Doorward's id of the workspace.
    pub(crate) workspace_id: String,
    /// Where the gateway and the sandbox listened last, so that they do again if they can.
    #[serde(default)]
    pub(crate) gateway_port: Option<u16>,
    /// The same of the relay and of the demo's own destination.
    #[serde(default)]
    pub(crate) relay_port: Option<u16>,
    /// Of the destination.
    #[serde(default)]
    pub(crate) inbox_port: Option<u16>,
    /// The sandbox's port.
    #[serde(default)]
    pub(crate) sandbox_port: Option<u16>,
    /// The clients' keys, by the client's name.
    #[serde(default)]
    pub(crate) keys: BTreeMap<String, SecretText>,
}

impl Demo {
    /// The notes of the demo in a data folder; none when it holds no demo.
    ///
    /// # Errors
    /// When they can't be read.
    pub(crate) fn read(data: &DataDir) -> Result<Option<Self>, Failure> {
        let path = data.demo();
        let unreadable = |why: &dyn std::fmt::Display| {
            Failure::usage(format_args!(
                "the demo's notes {} can't be read: {why}; delete {} to begin anew",
                path.display(),
                data.path().display()
            ))
        };
        let text = match fs::read(&path) {
            Ok(text) => zeroize::Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| unreadable(&error))
    }

    /// Writes the notes, for the owner alone.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn write(&self, data: &DataDir) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self).map_err(Failure::failed)?;
        let text = zeroize::Zeroizing::new(text);
        write_private(&data.demo(), &text).map_err(|error| {
            Failure::failed(format_args!(
                "can't write {}: {error}",
                data.demo().display()
            ))
        })
    }
}
