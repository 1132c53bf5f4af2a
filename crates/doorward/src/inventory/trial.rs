//! Whether a key is alive: a read that it covers, and nothing but reads.

use std::time::Duration;

use doorward_catalog::{Method, Op, Risk, ScopeSet};
use doorward_keys::rotation::{Dying, Proof};
use doorward_policy::Timestamp;
use doorward_upstream::{Call, Client, Error, Liveness, page_max};
use tokio::time::sleep;

use crate::output::clean;
use crate::scrubbed::scrub;

/// Most reads that are tried.
const READS_MAX: usize = 3;
/// A deleted key that works on for longer is not waited for.
const DIES_WITHIN_MS: i64 = 150_000;
/// Between two tries of a key that is not dead yet.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What was heard of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It works; the read that said so, if one that it covers did.
    Accepted(Option<Op>),
    /// It is refused as no key, not for its scopes.
    Dead,
    /// It can't be told, and why.
    Unclear(String),
}

/// Tries a key by a read that its scopes cover, else by whatever read tells.
pub(crate) async fn try_key(client: &Client, scopes: ScopeSet) -> Heard {
    for op in covered_reads(scopes).into_iter().take(READS_MAX) {
        let call = match page_max(op) {
            Some(_) => Call::new(op).query("limit", 1),
            None => Call::new(op),
        };
        match client.send(&call).await {
            Ok(_) => return Heard::Accepted(Some(op)),
            Err(Error::DeadKey { .. }) => return Heard::Dead,
            Err(Error::WrongScope { .. } | Error::NoPlan { .. }) => return Heard::Accepted(None),
            // The key passed; what is behind did not like the call.
            Err(Error::NotFound { .. } | Error::Invalid { .. } | Error::Forbidden { .. }) => {}
            Err(error) => return Heard::Unclear(told(&error.to_string())),
        }
    }
    match client.probe().await.alive {
        Liveness::Alive => Heard::Accepted(None),
        Liveness::Dead => Heard::Dead,
        Liveness::Unknown { why } => Heard::Unclear(told(&why)),
    }
}

/// Proves a key dead that was deleted: three refusals in a row over ten seconds.
///
/// # Errors
/// What was heard instead, when it is not dead in two and a half minutes.
pub(crate) async fn prove_dead(
    client: &Client,
    scopes: ScopeSet,
    revoked_at: Timestamp,
    now: impl Fn() -> Timestamp + Send,
) -> Result<Proof, String> {
    let mut dying = Dying::new(revoked_at);
    loop {
        let (pause, why) = match try_key(client, scopes).await {
            Heard::Dead => match dying.refused(now()) {
                Some(proof) => return Ok(proof),
                None => {
                    let pause = Duration::from_millis(dying.pause().unsigned_abs());
                    (pause, "the row of refusals is too short".to_owned())
                }
            },
            Heard::Accepted(_) => {
                dying.not_refused();
                (LOOK_AGAIN, "Instantly still accepts it".to_owned())
            }
            Heard::Unclear(why) => {
                dying.not_refused();
                (LOOK_AGAIN, why)
            }
        };
        if now().millis_since(revoked_at) > DIES_WITHIN_MS {
            return Err(why);
        }
        sleep(pause).await;
    }
}

/// Reads that the scopes cover and that need nothing said, the most harmless first.
fn covered_reads(scopes: ScopeSet) -> Vec<Op> {
    let plain = |op: &Op| {
        let facts = op.facts();
        let alone = !facts.path.contains('{') && !facts.path.contains(':');
        let lists = page_max(*op).is_some() || *op == Op::GetWorkspace;
        facts.method == Method::Get && !facts.writes() && alone && lists
    };
    let mut reads: Vec<Op> = scopes.allows().iter().filter(plain).collect();
    reads.sort_by_key(|op| (op.risk().risk > Risk::Low, op.risk().risk, op.id()));
    reads
}

fn told(why: &str) -> String {
    scrub(clean(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_tried_by_a_read_that_it_covers_and_never_by_a_write() {
        for op in covered_reads("all:all".parse().unwrap()) {
            assert!(
                !op.facts().writes() && op.facts().method == Method::Get,
                "{op}"
            );
        }
        let reads = covered_reads("leads:create,campaigns:read".parse().unwrap());
        assert!(reads.contains(&Op::ListCampaign), "{reads:?}");
        assert!(covered_reads("leads:create".parse().unwrap()).is_empty());
    }
}
