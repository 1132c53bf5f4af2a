//! What is remembered of a repository from one scan to the next.
//!
//! A file a repository, detectors and limits, in the user's cache folder: which packs and loose
//! objects were looked at, which of them hold secrets, and where those stood. It holds ids, places and
//! paths, no secret and nothing made of one: what holds a secret is looked at again each time. A file
//! that is broken, or of another version, is as good as none.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use gix::{ObjectId, objs::Kind};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::{Repository, store::Pack};

/// The form of the file; another one is not read.
const FORM: u32 = 1;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 << 20;

/// What tells a pack from another: its checksum and its index's, as their ends say, and, as those are
/// not computed anew, its size. Its time tells nothing: git touches packs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct PackMark {
    checksum: String,
    size: u64,
    listed: String,
}

impl PackMark {
    pub(crate) fn of(pack: &Pack) -> Self {
        Self {
            checksum: pack.checksum.to_string(),
            size: pack.file.len(),
            listed: pack.listed.to_string(),
        }
    }
}

/// Which hit of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spot {
    pub(crate) id: String,
    /// In a commit's or a tag's message.
    pub(crate) message: bool,
    /// Its place among the hits of the object.
    pub(crate) at: usize,
    /// Where it stands, to be sure.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A secret at a place, to be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) blob: String,
    pub(crate) group: u32,
    pub(crate) path: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) introduced: Option<String>,
    pub(crate) last: Option<String>,
}

/// What is remembered.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) packs: Vec<PackMark>,
    /// Loose objects and what they are: `c`, `t`, `b`, `g`.
    pub(crate) loose: Vec<(String, char)>,
    /// One hit of each secret.
    pub(crate) groups: Vec<Spot>,
    /// What holds secrets, and which.
    pub(crate) blobs: Vec<(String, Vec<u32>)>,
    pub(crate) messages: Vec<(String, Vec<u32>)>,
    /// What was not looked at, and why.
    pub(crate) skipped: Vec<(String, String)>,
    /// The refs, objects and wishes of the scan that led to what follows.
    pub(crate) state: String,
    pub(crate) told: Vec<Told>,
    pub(crate) told_messages: Vec<(String, Vec<u32>)>,
    pub(crate) not_followed: Vec<(String, String)>,
}

impl Memory {
    /// The file for a repository.
    pub(crate) fn file(folder: &Path, repository: &Repository, version: &[u8; 32]) -> PathBuf {
        let path = repository.common_dir.canonicalize();
        let path = path.unwrap_or_else(|_| repository.common_dir.clone());
        let mut key = version.to_vec();
        key.extend(path.as_os_str().as_encoded_bytes());
        let name: String = hex(digest(&SHA256, &key).as_ref())
            .chars()
            .take(40)
            .collect();
        folder.join(format!("history-{name}"))
    }

    /// Reads a file; `None` if it is not there, broken or of another form.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        if std::fs::metadata(file).ok()?.len() > LARGEST {
            return None;
        }
        let bytes = std::fs::read(file).ok()?;
        let end = memchr::memchr(b'\n', &bytes)?;
        let (head, body) = bytes.split_at_checked(end + 1)?;
        (head == self::head(body).as_bytes())
            .then(|| serde_json::from_slice(body).ok())
            .flatten()
    }

    /// Writes a file as a whole, or not at all.
    pub(crate) fn write(&self, file: &Path) -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let body = serde_json::to_vec(self)?;
        let new = file.with_extension(format!("{}.new", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&new).and_then(|mut out| {
            out.write_all(head(&body).as_bytes())?;
            out.write_all(&body)
        });
        let written = written.and_then(|()| std::fs::rename(&new, file));
        if written.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        written
    }
}

fn head(body: &[u8]) -> String {
    format!(
        "doorward history {FORM} {}\n",
        hex(digest(&SHA256, body).as_ref())
    )
}

/// Bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A kind as one letter.
pub(crate) fn letter(kind: Kind) -> char {
    match kind {
        Kind::Commit => 'c',
        Kind::Tree => 't',
        Kind::Blob => 'b',
        Kind::Tag => 'g',
    }
}

/// A letter as a kind.
pub(crate) fn kind(letter: char) -> Option<Kind> {
    Some(match letter {
        'c' => Kind::Commit,
        't' => Kind::Tree,
        'b' => Kind::Blob,
        'g' => Kind::Tag,
        _ => return None,
    })
}

/// An id in hex.
pub(crate) fn id(hex: &str) -> Option<ObjectId> {
    ObjectId::from_hex(hex.as_bytes()).ok()
}
