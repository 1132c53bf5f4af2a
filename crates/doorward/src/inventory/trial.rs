//! Proving a key dead that was deleted outside a rotation.

use std::time::Duration;

use doorward_catalog::ScopeSet;
use doorward_keys::rotation::{Dying, Proof};
use doorward_policy::Timestamp;
use doorward_upstream::Client;
use tokio::time::sleep;

use crate::output::clean;
use crate::rotation::{Pulse, pulse};
use crate::scrubbed::scrub;

/// A deleted key that works on for longer is not waited for.
const DIES_WITHIN_MS: i64 = 150_000;
/// Between two tries of a key that is not dead yet.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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
        let (pause, why) = match pulse(client, scopes).await {
            Pulse::Dead => match dying.refused(now()) {
                Some(proof) => return Ok(proof),
                None => {
                    let pause = Duration::from_millis(dying.pause().unsigned_abs());
                    (pause, "the row of refusals is too short".to_owned())
                }
            },
            Pulse::Works | Pulse::NotCovered => {
                dying.not_refused();
                (LOOK_AGAIN, "Instantly still accepts it".to_owned())
            }
            Pulse::Unclear(why) => {
                dying.not_refused();
                (LOOK_AGAIN, scrub(clean(&why)))
            }
        };
        if now().millis_since(revoked_at) > DIES_WITHIN_MS {
            return Err(why);
        }
        sleep(pause).await;
    }
}
