//! What the gateway learns while it works.

use std::net::IpAddr;

use doorward_catalog::Op;
use doorward_keys::KeyId;
use doorward_policy::Timestamp;

/// Told by the gateway what is worth keeping. Calls come from the path of requests: they must
/// return at once and not block.
pub trait Observer: Send + Sync {
    /// A client key was presented and taken.
    fn client_key_used(&self, key: KeyId, at: Timestamp) {
        let _ = (key, at);
    }

    /// An upstream key was presented in the place of a client key, and refused: somebody has a real
    /// key who should not.
    fn upstream_key_presented(&self, seen: &UpstreamKeyPresented<'_>) {
        let _ = seen;
    }

    /// The API of a workspace does not answer; calls to it stop until it does: everybody's, or those
    /// of the one client whose calls fail. `workspace` is Doorward's id.
    fn workspace_shut(&self, workspace: &str, everybodys: bool) {
        let _ = (workspace, everybodys);
    }

    /// The API refused a call because the upstream key lacks a scope, and named it.
    fn scope_required(&self, seen: &ScopeRequired<'_>) {
        let _ = seen;
    }

    /// The API took an upstream key for dead.
    fn upstream_key_refused(&self, seen: &KeyRefusedUpstream<'_>) {
        let _ = seen;
    }
}

/// That the API took an upstream key for dead, in its own words and not for a missing scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRefusedUpstream<'a> {
    /// Doorward's id of the workspace.
    pub workspace: &'a str,
    /// Doorward's id of the upstream key.
    pub upstream_key: &'a str,
    /// Doorward's id of the key that took its place; `None` when there is none.
    pub successor: Option<&'a str>,
    /// Whether it was not taken for dead a moment ago.
    pub news: bool,
    /// When.
    pub at: Timestamp,
}

/// What the API said when it refused a call for its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeRequired<'a> {
    /// Doorward's id of the workspace.
    pub workspace: &'a str,
    /// The operation.
    pub op: Op,
    /// Doorward's id of the upstream key.
    pub upstream_key: &'a str,
    /// The scopes asked for, as the API spelt them.
    pub required: &'a [&'a str],
    /// When.
    pub at: Timestamp,
}

/// An upstream key where a client key belongs. No `Debug`: it holds the key.
pub struct UpstreamKeyPresented<'a> {
    /// The key. To be fingerprinted under a key, never written down.
    pub key: &'a str,
    /// Doorward's id of it, when it is one of those that Doorward holds: then it is real for sure.
    pub held: Option<&'a str>,
    /// Where from.
    pub source: IpAddr,
    /// When.
    pub at: Timestamp,
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
