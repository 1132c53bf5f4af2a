//! Waiting until a key is proved dead.

use std::time::{Duration, Instant};

use doorward_policy::Timestamp;

use super::stop::exactly;
use super::{Asked, Timeline};
use crate::admin::{LeakProbe, RevocationShow, RotationShow, Session, Stopped};
use crate::leak::{Dying, Found, Moment, Proof};

/// Between two tries of a key that is still taken.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a rotation is followed once the key is proved dead.
const AFTERWARDS: Duration = Duration::from_secs(20);
/// The same when a person has to revoke it.
const LONG_PAUSE: Duration = Duration::from_secs(3);

/// How a key came to its end.
#[derive(Debug, Default)]
pub(super) struct Dead {
    pub(super) is_dead: bool,
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) millis_to_401: Option<i64>,
    pub(super) proof: Option<Proof>,
    pub(super) note: Option<String>,
}

/// Follows a key to its end, or until it was waited long enough.
pub(super) async fn follow(
    session: &Session,
    asked: &Asked,
    stopped: &Stopped,
    wait: Duration,
    timeline: &mut Timeline,
) -> Dead {
    if let Found::ClientKey(key) = &stopped.found {
        // Doorward itself refuses it: when the revocation was answered it was in force.
        let at = key.revoked_at.or(stopped.revoked_at);
        return Dead {
            is_dead: key.status != "active",
            revoked_at: at,
            millis_to_401: None,
            proof: None,
            note: Some(
                "Doorward refuses it from the next call on, on open connections too.".into(),
            ),
        };
    }
    if let Some(why) = &stopped.not_replaced {
        return Dead {
            note: Some(format!("it was not revoked: {why}")),
            ..Dead::default()
        };
    }
    match stopped
        .rotation
        .as_ref()
        .filter(|_| stopped.revocation.is_none())
    {
        Some(id) => replaced(session, id, wait, timeline).await,
        None => try_until_dead(session, asked, stopped, wait, timeline).await,
    }
}

/// Follows a rotation: the old key is revoked and proved dead in it.
async fn replaced(session: &Session, id: &str, wait: Duration, timeline: &mut Timeline) -> Dead {
    let (began, mut dead) = (Instant::now(), Dead::default());
    let (mut step, mut proved) = (String::new(), None);
    while began.elapsed() < wait {
        let shown = session.call(RotationShow { id: id.to_owned() }).await;
        let view = match shown {
            Ok(view) => view,
            Err(error) => {
                dead.note = Some(error.to_string());
                tokio::time::sleep(LONG_PAUSE).await;
                continue;
            }
        };
        if view.step != step {
            step.clone_from(&view.step);
            timeline.add(format!("rotation {id}: {step}"));
        }
        dead.note.clone_from(&view.trouble);
        dead.revoked_at = view.revoked_at;
        if let (Some(revoked), Some(millis), Some(at), Some(refusals)) = (
            view.revoked_at,
            view.millis_to_death,
            view.proved_at,
            view.refusals,
        ) {
            let first = revoked.plus_millis(millis);
            dead.is_dead = true;
            dead.millis_to_401 = Some(millis);
            dead.proof = Some(Proof {
                first,
                last: at,
                refusals,
            });
            if proved.is_none() {
                timeline.at(Moment::new(revoked, "it was revoked"));
                timeline.at(Moment::new(first, "it was refused (401)"));
                timeline.at(Moment::new(at, "it is proved dead"));
                proved = Some(Instant::now());
            }
        }
        if !view.open || view.is_stuck() {
            if let Some(back) = view.back {
                dead.note = Some(format!("the rotation went back: {back}"));
            }
            break;
        }
        // Consumers are served now; a server goes on with that by itself.
        if proved.is_some_and(|at| at.elapsed() > AFTERWARDS) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    if !dead.is_dead {
        let why = dead.note.as_deref().unwrap_or("there was not enough time");
        let what = format!("it is not proved dead: {why}. See `doorward upstream status`");
        timeline.add(what);
    }
    dead
}

async fn try_until_dead(
    session: &Session,
    asked: &Asked,
    stopped: &Stopped,
    wait: Duration,
    timeline: &mut Timeline,
) -> Dead {
    let mut dead = Dead {
        revoked_at: stopped.revoked_at,
        ..Dead::default()
    };
    let (began, mut dying) = (Instant::now(), Dying::default());
    let mut trouble = None;
    while began.elapsed() < wait {
        if let Some(ended) = revoked(session, stopped, &mut dead, timeline).await {
            return ended;
        }
        let key = match (&asked.value, exactly(&stopped.found)) {
            (None, Some(key)) if stopped.rotation.is_some() => key,
            _ => asked.leaked(),
        };
        match session.call(LeakProbe { key }).await {
            Ok(probed) => match probed.alive {
                Some(false) => {
                    if !dying.is_begun() {
                        timeline.at(Moment::new(probed.at, "it was refused (401)"));
                    }
                    if let Some(proof) = dying.refused(probed.at) {
                        timeline.at(Moment::new(probed.at, "it is proved dead"));
                        let to = dead
                            .revoked_at
                            .map(|at| proof.first.millis_since(at).max(0));
                        dead.millis_to_401 = to;
                        dead.proof = Some(proof);
                        dead.is_dead = true;
                        return dead;
                    }
                }
                alive => {
                    if dying.is_begun() {
                        timeline.at(Moment::new(probed.at, "it was not refused any more"));
                    }
                    dying.not_refused();
                    trouble = match alive {
                        Some(_) => Some("Instantly still takes it".to_owned()),
                        None => probed.why,
                    };
                }
            },
            Err(error) => {
                dying.not_refused();
                trouble = Some(error.to_string());
            }
        }
        let pause = match (dying.is_begun(), stopped.by_hand.is_empty()) {
            (true, _) => Duration::from_millis(Dying::BETWEEN.unsigned_abs()),
            (false, true) => PAUSE,
            (false, false) => LONG_PAUSE,
        };
        tokio::time::sleep(pause).await;
    }
    let trouble = trouble.unwrap_or_else(|| "there was not enough time".to_owned());
    timeline.add(format!("it is not proved dead: {trouble}"));
    dead.note = Some(trouble);
    dead
}

/// Takes over what the revocation came to meanwhile; the end, if it is over.
async fn revoked(
    session: &Session,
    stopped: &Stopped,
    dead: &mut Dead,
    timeline: &mut Timeline,
) -> Option<Dead> {
    let id = stopped.revocation.clone()?;
    // That it can't be asked is told when the key is tried.
    let view = session.call(RevocationShow { id }).await.ok()?;
    if let Some(at) = view.revoked_at.filter(|_| dead.revoked_at.is_none()) {
        dead.revoked_at = Some(at);
        timeline.at(Moment::new(at, "it was revoked"));
    }
    let (millis, last, refusals) = (view.millis_to_death?, view.proved_at?, view.refusals?);
    let first = view.revoked_at?.plus_millis(millis);
    timeline.at(Moment::new(first, "it was refused (401)"));
    timeline.at(Moment::new(last, "it is proved dead"));
    Some(Dead {
        is_dead: true,
        revoked_at: view.revoked_at,
        millis_to_401: Some(millis),
        proof: Some(Proof {
            first,
            last,
            refusals,
        }),
        note: None,
    })
}
