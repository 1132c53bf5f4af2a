//! Takes people's fields, and secrets that Instantly itself answers with, out of JSON.

mod cover;
mod json;
mod names;
mod rules;
mod walk;

use std::fmt;

use doorward_catalog::Op;
use ring::hmac;

pub use rules::{Action, DataClass, Rule, Target};

use crate::VeilError;
use names::Names;
use rules::{Node, never_shown, tree};
use walk::Walk;

/// The longest document, in bytes.
pub const DOCUMENT_MAX: usize = 64 * 1024 * 1024;
/// The deepest nesting.
pub const DEPTH_MAX: usize = 128;
/// The most rules of a client.
pub const RULES_MAX: usize = 1000;

/// Redacts answers to one client. Made once for its rules, and shared.
///
/// A document is read as a whole before any of it passes: what turns out not to be JSON at its
/// last byte must not have passed at its first. No tree is built; what is not redacted is copied
/// as it stands, so order, spacing, unknown members and numbers' digits are kept.
pub struct Redactor {
    nodes: Vec<Node>,
    names: Names,
    key: hmac::Key,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} places)", self.nodes.len())
    }
}

impl Redactor {
    /// A client's rules, and its key for [`Action::Hash`], which is to be random and to stay the
    /// same for as long as hashes are to.
    ///
    /// # Errors
    /// A pointer that is none, or more than [`RULES_MAX`] rules.
    pub fn new(rules: &[Rule], hash_key: &[u8; 32]) -> Result<Redactor, VeilError> {
        if rules.len() > RULES_MAX {
            return Err(VeilError::TooManyRules);
        }
        let mut names = Names::default();
        for rule in rules {
            if let Target::Class(class) = rule.target {
                for name in class.members() {
                    names.add(name, rule.action);
                }
            }
        }
        Ok(Redactor {
            nodes: tree(rules)?,
            names,
            key: hmac::Key::new(hmac::HMAC_SHA256, hash_key),
        })
    }

    /// Whether answers of this operation must go through [`Redactor::redact`].
    pub fn bears_on(&self, op: Op) -> bool {
        !(self.names.is_empty()
            && self.nodes.iter().all(|node| node.action.is_none())
            && never_shown(Some(op)).is_empty())
    }

    /// The document as the client may see it. Whatever the rules, `key` of an API key and header
    /// values of a webhook are blanked; an unknown operation (`None`) is taken for every one.
    ///
    /// # Errors
    /// It is not JSON, too deep or too long: then nothing of it may pass.
    pub fn redact(&self, op: Option<Op>, document: &[u8]) -> Result<Vec<u8>, VeilError> {
        if document.len() > DOCUMENT_MAX {
            return Err(VeilError::TooLong(DOCUMENT_MAX));
        }
        let text = std::str::from_utf8(document)
            .map_err(|fault| VeilError::NotJson(fault.valid_up_to()))?;
        Walk::new(self, never_shown(op), text).run()
    }
}
