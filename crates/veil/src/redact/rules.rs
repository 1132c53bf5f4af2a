//! What is to be redacted.

use doorward_catalog::{Op, Tag};
use serde::{Deserialize, Serialize};

use crate::VeilError;

/// What is done with a value. Of several that apply the last one here wins. On an object or a list
/// it is done to each value within; `null` stays `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A keyed hash of a string's or number's text stands in its place: equal texts have equal
    /// hashes for one client, and tell nothing to another.
    Hash,
    /// The first character of each word of an address, or of the whole text, is left:
    /// `a***@example.com`. Numbers and booleans become `null`.
    Mask,
    /// A fixed text stands in its place.
    Blank,
    /// The member is left out; an item of a list becomes `null`, so that the others keep their
    /// places.
    Drop,
}

/// People's data, by the names that the API's shapes give it, wherever in an answer they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataClass {
    /// Addresses of people and mailboxes.
    Email,
    /// Names of people.
    Name,
    /// Telephone numbers.
    Phone,
    /// What was written: subjects and bodies.
    Message,
    /// Where somebody works, and as what.
    Work,
    /// Addresses of machines.
    IpAddress,
    /// A lead's own variables, whole.
    Variables,
}

impl DataClass {
    /// All of them.
    pub const ALL: [DataClass; 7] = [
        DataClass::Email,
        DataClass::Name,
        DataClass::Phone,
        DataClass::Message,
        DataClass::Work,
        DataClass::IpAddress,
        DataClass::Variables,
    ];

    /// The members that hold it.
    pub const fn members(self) -> &'static [&'static str] {
        match self {
            DataClass::Email => &[
                "email",
                "lead",
                "lead_email",
                "user_email",
                "recipient_email",
                "sender_email",
                "email_account",
                "eaccount",
                "from_address_email",
                "to_address_email_list",
                "cc_address_email_list",
                "bcc_address_email_list",
                "from_address_json",
                "to_address_json",
                "cc_address_json",
                "reply_to",
                "email_list",
            ],
            DataClass::Name => &[
                "first_name",
                "last_name",
                "firstName",
                "lastName",
                "fullName",
                "user_name",
            ],
            DataClass::Phone => &["phone", "phone_number"],
            DataClass::Message => &[
                "body",
                "subject",
                "content_preview",
                "reply_text",
                "email_body",
                "email_subject",
                "personalization",
            ],
            DataClass::Work => &[
                "company_name",
                "companyName",
                "job_title",
                "jobTitle",
                "website",
                "linkedIn",
            ],
            DataClass::IpAddress => &["ip_address"],
            DataClass::Variables => &["payload", "custom_variables"],
        }
    }
}

/// What a rule bears on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// A JSON pointer (RFC 6901); a part that is `*` stands for each item or member.
    Pointer(String),
    /// A class of people's data.
    Class(DataClass),
}

/// One rule of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What it bears on.
    #[serde(flatten)]
    pub target: Target,
    /// What is done.
    pub action: Action,
}

/// The members that no client sees in this operation's answers. Of an operation that is not known:
/// all of them.
pub(super) fn never_shown(op: Option<Op>) -> &'static [&'static str] {
    let Some(op) = op else {
        return &[
            "key",
            "headers",
            "password",
            "imap_password",
            "smtp_password",
        ];
    };
    let facts = op.facts();
    if facts.tags.contains(&Tag::APIKey) {
        &["key"]
    } else if facts.tags.contains(&Tag::Webhook) {
        &["headers"]
    } else if facts.returns_secrets() || facts.tags.contains(&Tag::Account) {
        &["password", "imap_password", "smtp_password"]
    } else {
        &[]
    }
}

/// A place that a pointer leads through or to.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) named: Vec<(Box<str>, u32)>,
    pub(super) any: Option<u32>,
    pub(super) action: Option<Action>,
}

/// Adds a pointer to the tree whose root is the first node; `None` if it is not one.
pub(super) fn plant(nodes: &mut Vec<Node>, pointer: &str, action: Action) -> Option<()> {
    let mut at = 0;
    let parts = match pointer.strip_prefix('/') {
        Some(rest) => Some(rest.split('/')),
        None if pointer.is_empty() => None,
        None => return None,
    };
    for part in parts.into_iter().flatten() {
        let next = u32::try_from(nodes.len()).ok()?;
        let node = nodes.get_mut(at)?;
        let child = if part == "*" {
            *node.any.get_or_insert(next)
        } else {
            let name = unescape(part)?;
            match node.named.iter().find(|(known, _)| **known == *name) {
                Some((_, child)) => *child,
                None => {
                    node.named.push((name.into(), next));
                    next
                }
            }
        };
        if child == next {
            nodes.push(Node::default());
        }
        at = child as usize;
    }
    let node = nodes.get_mut(at)?;
    node.action = node.action.max(Some(action));
    Some(())
}

/// A part of a pointer as the name it means: `~1` is a slash, `~0` a tilde.
fn unescape(part: &str) -> Option<String> {
    let mut pieces = part.split('~');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        name.push(match piece.chars().next()? {
            '0' => '~',
            '1' => '/',
            _ => return None,
        });
        name.push_str(piece.get(1..)?);
    }
    Some(name)
}

/// The pointers of the rules as a tree.
pub(super) fn tree(rules: &[Rule]) -> Result<Vec<Node>, VeilError> {
    let mut nodes = vec![Node::default()];
    for (at, rule) in rules.iter().enumerate() {
        if let Target::Pointer(pointer) = &rule.target
            && (pointer.len() > 1024 || plant(&mut nodes, pointer, rule.action).is_none())
        {
            return Err(VeilError::Pointer(at));
        }
    }
    Ok(nodes)
}
