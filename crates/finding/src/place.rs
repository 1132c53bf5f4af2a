//! Where it was found.

use serde::{Deserialize, Serialize};

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In a file, of a tree or of a repository's history.
    File(Box<FilePlace>),
    /// At a thing of the workspace or of Doorward.
    Thing(Thing),
}

/// A stretch of a line in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePlace {
    /// The path, with `/`, relative to what was scanned; a member of an archive follows it after
    /// `!/`.
    pub path: String,
    /// The line, from 1; `None` in a file that has no lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The first column, in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// The column behind the last one, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u64>,
    /// The line, with every secret in it masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// The commit that brought it in, if it is of a history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced: Option<Introduced>,
    /// The last commit that still has it, if it is of a history and no longer there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Introduced>,
}

/// A commit, and who made it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduced {
    /// The commit's object id, in hex.
    pub commit: String,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// When it was authored, as RFC 3339.
    pub date: String,
    /// The first line of the message.
    pub summary: String,
}

/// A thing of the workspace or of Doorward: a key, a subscription, a member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// What it is, in the words of the field: `api_key`, `subscription`, `member`, `client`.
    pub kind: String,
    /// Its id, where it is kept.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The workspace it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

impl Place {
    /// One line for people: `path:line:column`, or `kind name (id) in workspace`.
    pub fn shown(&self) -> String {
        match self {
            Self::File(file) => file.shown(),
            Self::Thing(thing) => thing.shown(),
        }
    }
}

impl FilePlace {
    fn shown(&self) -> String {
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", self.path),
            (Some(line), None) => format!("{}:{line}", self.path),
            (None, _) => self.path.clone(),
        }
    }
}

impl Thing {
    fn shown(&self) -> String {
        let mut text = self.kind.replace('_', " ");
        match &self.name {
            Some(name) if *name != self.id => {
                text.push_str(&format!(" {name}"));
                if !self.id.is_empty() {
                    text.push_str(&format!(" ({})", self.id));
                }
            }
            _ if !self.id.is_empty() => text.push_str(&format!(" {}", self.id)),
            _ => {}
        }
        if let Some(workspace) = &self.workspace {
            text.push_str(&format!(" in {workspace}"));
        }
        text
    }
}
