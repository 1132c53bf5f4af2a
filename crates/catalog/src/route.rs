//! From a method and a path to an operation: exact, in canonical form only, without allocation.
//!
//! What is matched is what is decided on and what is sent, so a path that two programs could read
//! differently is refused: no `..`, `//`, `;`, backslash, encoded slash or dot, double encoding,
//! control or non-ASCII bytes, encoding of what needs none, other letter case (also of an id that
//! is a word of the API but for its case), or trailing slash (but where the API has one).

use std::sync::LazyLock;

use crate::operation::{Method, Op};

/// Most bytes in a path.
pub const PATH_MAX: usize = 2_048;
/// Most bytes in a path parameter, still encoded.
pub const PARAM_MAX: usize = 960;

/// Why no operation matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The path is not in canonical form; why.
    #[error("the path is not in canonical form: {0}")]
    NotCanonical(&'static str),
    /// The API has no such path.
    #[error("the Instantly API v2 has no such path")]
    UnknownPath,
    /// The path exists, with other methods.
    #[error("the path has no such method; it has {}", .0.names())]
    WrongMethod(Allowed),
}

/// The methods a path has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed([bool; 4]);

impl Allowed {
    /// Their names, for an `Allow` header.
    pub fn names(self) -> String {
        METHODS
            .iter()
            .zip(self.0)
            .filter(|(_, has)| *has)
            .map(|(method, _)| method.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Patch, Method::Delete];

/// A path's parameter, as sent: percent-encoded, in canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params<'a> {
    raw: Option<(&'static str, &'a str)>,
}

impl<'a> Params<'a> {
    /// The parameter's name and its text as sent. No path of the API has more than one.
    pub fn raw(self) -> Option<(&'static str, &'a str)> {
        self.raw
    }

    /// The parameter's decoded value.
    pub fn value(self) -> Option<String> {
        self.raw.map(|(_, text)| decode(text))
    }
}

/// A path and method that are an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched<'a> {
    /// The operation.
    pub op: Op,
    /// Its path parameter.
    pub params: Params<'a>,
}

/// The operation of a method and an absolute path (no query).
///
/// # Errors
/// When the path is not in canonical form, unknown, or lacks the method.
pub fn route<'a>(method: &str, path: &'a str) -> Result<Matched<'a>, RouteError> {
    let Some(rest) = path.strip_prefix("/api/v2/") else {
        return Err(canonical_whole(path)
            .err()
            .unwrap_or(RouteError::UnknownPath));
    };
    if path.len() > PATH_MAX {
        return Err(RouteError::NotCanonical("it is too long"));
    }
    let trie: &Trie = &TRIE;
    let mut node = 0;
    let mut param = None;
    for segment in rest.split('/') {
        let here = trie.node(node)?;
        if let Some(next) = here.literal(segment) {
            node = next;
            continue;
        }
        canonical_segment(segment)?;
        let Some((name, next)) = here.param else {
            return Err(RouteError::UnknownPath);
        };
        if here.is_literal_in_other_case(segment) {
            return Err(RouteError::NotCanonical(
                "it has a word of the API in other letter case",
            ));
        }
        param = Some((name, segment));
        node = next;
    }
    let ops = trie.node(node)?.ops;
    let wanted = Method::parse(method).and_then(|method| METHODS.iter().position(|m| *m == method));
    match wanted.and_then(|n| ops.get(n).copied().flatten()) {
        Some(op) => Ok(Matched {
            op,
            params: Params { raw: param },
        }),
        None if ops.iter().all(Option::is_none) => Err(RouteError::UnknownPath),
        None => Err(RouteError::WrongMethod(Allowed(ops.map(|op| op.is_some())))),
    }
}

/// A percent-encoded segment's canonical spelling: upper-case hex, nothing encoded that needs none.
pub fn encode(value: &str) -> String {
    if is_all_plain(value) {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            const HEX: [char; 16] = [
                '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
            ];
            out.push('%');
            out.extend(HEX.get(usize::from(byte >> 4)));
            out.extend(HEX.get(usize::from(byte & 15)));
        }
    }
    out
}

impl Op {
    /// The path of this operation with its parameter, if it has one, in canonical encoding.
    /// `None` when a parameter is missing, superfluous or not to be put in a path: what comes out
    /// is always this operation's path, whatever the parameter.
    pub fn path_with(self, param: Option<&str>) -> Option<String> {
        let template = self.facts().path;
        let path = match (template.split_once('{'), param) {
            (None, None) => Some(template.to_owned()),
            (Some((before, rest)), Some(value)) => {
                let (_, after) = rest.split_once('}')?;
                let mut path = String::with_capacity(template.len() + value.len());
                path.push_str(before);
                path.push_str(&encode(value));
                path.push_str(after);
                Some(path)
            }
            _ => None,
        };
        // A campaign of the id `analytics` would be another operation, and some texts have no place in
        // a path however they are encoded.
        let leads_here = |path: &String| {
            route(self.facts().method.as_str(), path).is_ok_and(|found| found.op == self)
        };
        path.filter(leads_here)
    }
}

fn decode(text: &str) -> String {
    if !text.as_bytes().contains(&b'%') {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (bytes.next().and_then(hex), bytes.next().and_then(hex));
            if let (Some(high), Some(low)) = (high, low) {
                out.push(high << 4 | low);
            }
        } else {
            out.push(byte);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Bytes that stand for themselves in a parameter: RFC 3986's unreserved ones.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Which bytes are plain, looked up rather than worked out for each.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut rest: &mut [bool] = &mut plain;
    let mut byte = 0_u8;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = is_plain(byte);
        rest = others;
        byte = byte.wrapping_add(1);
    }
    plain
};

fn is_all_plain(text: &str) -> bool {
    let plain = |byte: u8| PLAIN.get(usize::from(byte)).is_some_and(|plain| *plain);
    text.bytes().all(plain)
}

/// Bytes that may also be sent plain: RFC 3986's `pchar` less `;`.
const fn is_plain(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'@' | b':' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'='
        )
}

fn canonical_whole(path: &str) -> Result<(), RouteError> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(RouteError::NotCanonical("it does not begin with a slash"));
    };
    rest.split('/').try_for_each(canonical_segment)
}

fn canonical_segment(segment: &str) -> Result<(), RouteError> {
    let no = |why| Err(RouteError::NotCanonical(why));
    match segment {
        "" => return no("it has an empty segment or a trailing slash"),
        "." | ".." => return no("it has a dot segment"),
        _ if segment.len() > PARAM_MAX => return no("a segment is too long"),
        // As nearly all are.
        _ if is_all_plain(segment) => return Ok(()),
        _ => {}
    }
    let mut bytes = segment.bytes();
    let mut encoded_high = false;
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (Some(high), Some(low)) = (bytes.next().and_then(hex), bytes.next().and_then(hex))
            else {
                return no("a percent sign is not followed by two hex digits");
            };
            match high << 4 | low {
                b'/' | b'\\' => return no("it has an encoded slash or backslash"),
                b'%' => return no("it is encoded twice"),
                b';' => return no("it has an encoded semicolon"),
                b'?' | b'#' => return no("it has an encoded question mark or hash"),
                0..=0x20 | 0x7f => return no("it has an encoded space or control character"),
                decoded if is_unreserved(decoded) => {
                    return no("it encodes a character that needs no encoding");
                }
                decoded => encoded_high |= decoded >= 0x80,
            }
        } else if !is_plain(byte) {
            return no(match byte {
                b';' => "it has a semicolon",
                b'\\' => "it has a backslash",
                b'?' | b'#' => "it has a query or fragment",
                _ => "it has a byte that must be percent-encoded",
            });
        }
    }
    if encoded_high && decode(segment).contains(char::REPLACEMENT_CHARACTER) {
        return no("its encoded bytes are not UTF-8");
    }
    Ok(())
}

#[derive(Default)]
struct Node {
    /// Each with its first bytes, by which nearly all others are told apart.
    literals: Vec<(u64, &'static str, usize)>,
    param: Option<(&'static str, usize)>,
    ops: [Option<Op>; 4],
}

impl Node {
    fn literal(&self, segment: &str) -> Option<usize> {
        let first = first_bytes(segment);
        self.literals
            .iter()
            .find(|(begins, name, _)| *begins == first && *name == segment)
            .map(|(_, _, next)| *next)
    }

    /// Whether a server that does not tell case apart would take the segment for a literal.
    fn is_literal_in_other_case(&self, segment: &str) -> bool {
        self.literals
            .iter()
            .any(|(_, name, _)| name.eq_ignore_ascii_case(segment))
    }
}

/// The first eight bytes of a text, filled up with zeros.
fn first_bytes(text: &str) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    u64::from_le_bytes(first)
}

struct Trie(Vec<Node>);

impl Trie {
    fn node(&self, n: usize) -> Result<&Node, RouteError> {
        self.0.get(n).ok_or(RouteError::UnknownPath)
    }

    fn build() -> Trie {
        let mut nodes = vec![Node::default()];
        for op in Op::ALL {
            let facts = op.facts();
            let mut at = 0;
            for segment in facts.path.trim_start_matches("/api/v2/").split('/') {
                let fresh = nodes.len();
                let name = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
                let Some(node) = nodes.get_mut(at) else { break };
                let known = match name {
                    Some(_) => node.param.map(|(_, next)| next),
                    None => node.literal(segment),
                };
                at = known.unwrap_or(fresh);
                if known.is_none() {
                    match name {
                        Some(name) => node.param = Some((name, fresh)),
                        None => node.literals.push((first_bytes(segment), segment, fresh)),
                    }
                    nodes.push(Node::default());
                }
            }
            let slot = METHODS.iter().position(|method| *method == facts.method);
            if let Some(slot) = nodes
                .get_mut(at)
                .zip(slot)
                .and_then(|(n, m)| n.ops.get_mut(m))
            {
                *slot = Some(op);
            }
        }
        Trie(nodes)
    }
}

static TRIE: LazyLock<Trie> = LazyLock::new(Trie::build);
