//! Which time counts as silence: that which somebody looked at.

use doorward_keys::rotation::{Event, Look, NewKey, Phase, Plan, Rotation};
use doorward_policy::Timestamp;

use crate::world::{Setting, draft};

const AT: Timestamp = Timestamp::from_seconds(1_000);

/// One whose consumer was told, and that waits for it to fall silent for nine seconds.
fn draining() -> Rotation {
    let setting = Setting {
        consumers: 1,
        ..Setting::default()
    };
    let mut rotation = Rotation::new(Plan::new(draft(&setting)).unwrap());
    let new = NewKey {
        api_key_id: "api-new".into(),
        print: [7; 8],
    };
    let told = Event::Told {
        consumer: "consumer-0".into(),
    };
    for event in [
        Event::Begin,
        Event::Created { new },
        Event::Stored,
        Event::Verified,
        Event::Promoted,
        told,
    ] {
        rotation.on(event, AT).unwrap();
    }
    assert_eq!(rotation.phase(), Phase::Draining);
    rotation
}

/// Where a look leads that is made an hour later, the log read up to so many ms after the promotion and
/// the old key seen so many ms after it.
fn led_to(to: Option<i64>, seen: Option<i64>) -> Phase {
    let mut rotation = draining();
    let after = |ms: i64| AT.plus_millis(ms);
    let look = Look {
        new_carried: true,
        old_seen: seen.map(after),
        outside_to: to.map(after),
        ..Look::default()
    };
    rotation.on(Event::Looked(look), after(3_600_000)).unwrap();
    rotation.phase()
}

#[test]
fn silence_is_counted_up_to_where_it_was_looked() {
    assert_eq!(led_to(Some(9_000), None), Phase::Confirming);
    assert_eq!(led_to(Some(8_999), None), Phase::Draining);
    assert_eq!(led_to(Some(10_000), Some(1_001)), Phase::Draining);
    assert_eq!(led_to(Some(10_001), Some(1_001)), Phase::Confirming);
    assert_eq!(led_to(None, None), Phase::Draining, "nobody looked");
}
