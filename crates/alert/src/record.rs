//! What the ledger has of alerts.

use doorward_ledger::{Act, Actor, ActorKind, Event, Leaf, Verdict};
use doorward_policy::Timestamp;
use serde_json::Value;

use crate::alert::Told;
use doorward_audit::Draft;

/// The action of an alert that was raised.
pub const RAISED: &str = "alert.raised";
const TOLD: &str = "alert";
const CHANNELS: &str = "channels";

/// The act of telling an alert to these channels.
pub fn draft(told: &Told, channels: &[&str]) -> Draft {
    let mut act = Act::new(RAISED, Verdict::Success);
    act.actor = Some(Actor::of(ActorKind::Doorward));
    let alert = serde_json::to_value(told).unwrap_or_default();
    act.metadata.insert(TOLD.to_owned(), alert);
    act.metadata
        .insert(CHANNELS.to_owned(), Value::from(channels.to_vec()));
    Draft::new(told.alert.at, act, Event::Admin)
}

/// The action of alerts that found no room.
const LOST: &str = "alert.lost";

/// That so many alerts found no room, and nobody was told of them.
pub(crate) fn draft_lost(count: u64, at: Timestamp) -> Draft {
    let mut act = Act::new(LOST, Verdict::Failure);
    act.actor = Some(Actor::of(ActorKind::Doorward));
    act.metadata.insert("count".to_owned(), count.into());
    Draft::new(at, act, Event::Admin)
}

/// The alert that a leaf tells of, and the channels it was for.
pub fn told_by(leaf: &Leaf) -> Option<(Told, Vec<String>)> {
    if leaf.act.action != RAISED {
        return None;
    }
    let metadata = &leaf.act.metadata;
    let told = serde_json::from_value(metadata.get(TOLD)?.clone()).ok()?;
    let channels = metadata.get(CHANNELS).cloned().unwrap_or_default();
    Some((told, serde_json::from_value(channels).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Alert;
    use crate::kind::AlertKind;
    use doorward_ledger::LeafId;

    #[test]
    fn what_is_recorded_is_read_again() {
        let at = Timestamp::from_seconds(1_800_000_000);
        let alert = Alert::new(AlertKind::BreakerOpen, "the breaker is open", at)
            .fact("workspace", "acme")
            .key("ws_1");
        let told = Told::again(alert, 3, Some(at));
        let draft = draft(&told, &["ops", "mail"]);
        let leaf = Leaf::new(LeafId::from_random([1; 16]), at, draft.act, draft.event);
        let bytes = leaf.to_bytes().unwrap();
        let doorward_ledger::ReadLeaf::Known(leaf) =
            doorward_ledger::ReadLeaf::from_bytes(bytes.as_bytes()).unwrap()
        else {
            panic!("a newer leaf");
        };
        let (read, channels) = told_by(&leaf).unwrap();
        assert_eq!(read, told);
        assert_eq!(channels, ["ops", "mail"]);
    }
}
