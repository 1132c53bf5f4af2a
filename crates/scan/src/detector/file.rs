//! The form of a detector's TOML file.

use serde::Deserialize;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) severity: String,
    pub(crate) why: String,
    pub(crate) remedy: String,
    #[serde(default)]
    pub(crate) references: Vec<String>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    /// Texts of which one must be there, in whatever case, for the pattern to be tried.
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    /// The regular expression, with the group `secret`.
    #[serde(default)]
    pub(crate) pattern: Option<String>,
    /// `keyword`, `word`, or how many bytes a match may begin before its keyword.
    #[serde(default)]
    pub(crate) at: At,
    /// In place of a pattern: the name of a shape.
    #[serde(default)]
    pub(crate) shape: Option<String>,
    #[serde(default)]
    pub(crate) checks: Vec<String>,
    /// Least bits of entropy a byte.
    #[serde(default)]
    pub(crate) entropy: f32,
    /// Whether values that look like placeholders count.
    #[serde(default)]
    pub(crate) placeholders: bool,
    #[serde(default)]
    pub(crate) near: Vec<String>,
    #[serde(default = "within")]
    pub(crate) within: usize,
    /// Words that no value of it holds.
    #[serde(default)]
    pub(crate) stop: Vec<String>,
    /// `token` or `pem`: how far a value goes beyond what the pattern sees of it.
    #[serde(default)]
    pub(crate) extend: Option<String>,
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    #[serde(default)]
    pub(crate) not_paths: Vec<String>,
    #[serde(default = "priority")]
    pub(crate) priority: u8,
    pub(crate) examples: Vec<String>,
    pub(crate) negatives: Vec<String>,
}

/// Where a match begins.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub(crate) enum At {
    #[default]
    Unsaid,
    Named(String),
    Before(usize),
}

fn within() -> usize {
    200
}

fn priority() -> u8 {
    50
}
