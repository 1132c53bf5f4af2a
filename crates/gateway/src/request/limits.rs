//! Bounds on everything that comes from outside.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

/// The limits in force, which can be changed while the gateway works.
pub(crate) type LimitsInForce = Arc<ArcSwap<Limits>>;

/// Headers of a message by default: as many as the HTTP library takes by itself.
pub(crate) const USUAL_HEADERS: usize = 100;

/// Sizes, counts and times that the gateway never goes beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once. When there are more, those that wait longest with no request under
    /// way make place; when there are none such, whoever comes waits.
    pub connections: usize,
    /// Calls under way at once, those that wait for their turn among them. Beyond, calls are turned
    /// away: batch calls from three fifths of it on, the default class from four fifths on.
    pub calls: usize,
    /// Requests under way at once on one HTTP/2 connection.
    pub streams: usize,
    /// Bytes of a request's line and headers.
    pub head_bytes: usize,
    /// Header lines of a request, and of an answer from upstream.
    pub headers: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes of all request bodies held at once. One client may hold a quarter, or one body.
    pub memory_bytes: usize,
    /// Levels of arrays and objects in a JSON body.
    pub json_depth: usize,
    /// Time for a request's head to arrive, and for a kept connection to lie idle.
    pub head_read: Duration,
    /// Time for a request's body to arrive.
    pub body_read: Duration,
    /// Time to connect to the workspace's API.
    pub connect: Duration,
    /// Time from sending a request to the head of the answer.
    pub response_head: Duration,
    /// Time between two pieces of the answer's body, and for the caller to take one.
    pub response_idle: Duration,
    /// Time that calls under way have when the gateway shuts down.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            connections: 1_024,
            calls: 2_048,
            streams: 100,
            head_bytes: 32 * 1024,
            headers: USUAL_HEADERS,
            body_bytes: 16 * MIB,
            memory_bytes: 256 * MIB,
            json_depth: 64,
            head_read: Duration::from_secs(30),
            body_read: Duration::from_secs(30),
            connect: Duration::from_secs(5),
            response_head: Duration::from_secs(30),
            response_idle: Duration::from_secs(60),
            drain: Duration::from_secs(30),
        }
    }
}
