//! What is known of one request, as it is judged.

use std::net::IpAddr;

use doorward_catalog::{Environment, Op};
use doorward_policy::{Timestamp, WorkspaceKind};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker<'a> {
    /// The client's name.
    pub name: &'a str,
    /// Where it runs.
    pub environment: Environment,
    /// Who answers for it.
    pub owner: &'a str,
    /// What it is for.
    pub purpose: &'a str,
    /// Name of its workspace.
    pub workspace: &'a str,
    /// What stands behind the workspace.
    pub workspace_kind: WorkspaceKind,
}

/// How much the client used of the day (UTC), this request not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Day {
    /// Calls that went on.
    pub calls: u64,
    /// Leads that they wrote.
    pub leads: u64,
}

/// What is asked: the request as it would be sent.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The operation.
    pub op: Op,
    /// The path's parameter, decoded.
    pub parameter: Option<&'a str>,
    /// The query in canonical form, without the `?`.
    pub query: &'a str,
    /// The body; empty if there is none.
    pub body: &'a [u8],
    /// The other end of the connection.
    pub source: IpAddr,
    /// The sub-workspace in `x-as-workspace`.
    pub as_workspace: Option<&'a str>,
    /// The time of the decision.
    pub now: Timestamp,
    /// What the client used of the day.
    pub today: Day,
}

/// The pairs of a canonical query, decoded.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
        } else if let (Some(high), Some(low)) = (hex(bytes.next()), hex(bytes.next())) {
            out.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
