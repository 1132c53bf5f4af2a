//! Addresses whose deliveries do not prove themselves.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use doorward_webhook::Rate;

use super::address::group;
use super::limits::DoorLimits;

/// Most addresses that are known one by one; those beyond share one count.
const MOST: usize = 10_000;
/// An address that did not fail for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// Counts failures by address. Time is counted from any fixed point.
#[derive(Debug)]
pub(super) struct Strangers(Mutex<Known>);

#[derive(Debug)]
struct Known {
    fresh: Rate,
    by_address: HashMap<IpAddr, Stranger>,
    others: Rate,
}

#[derive(Debug)]
struct Stranger {
    rate: Rate,
    last: Duration,
}

impl Strangers {
    pub(super) fn new(limits: &DoorLimits) -> Self {
        let fresh = Rate::new(limits.failures_per_second, limits.failures);
        Self(Mutex::new(Known {
            others: fresh.clone(),
            fresh,
            by_address: HashMap::new(),
        }))
    }

    /// Told of a failure. False when there were too many.
    pub(super) fn failed(&self, address: IpAddr, now: Duration) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.rate(group(address), now).take(now).is_ok()
    }

    /// Whether one more failure would be too many.
    pub(super) fn is_over(&self, address: IpAddr, now: Duration) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stranger = known.by_address.get(&group(address));
        stranger.is_some_and(|stranger| stranger.rate.clone().take(now).is_err())
    }
}

impl Known {
    fn rate(&mut self, address: IpAddr, now: Duration) -> &mut Rate {
        if self.by_address.len() >= MOST && !self.by_address.contains_key(&address) {
            self.by_address
                .retain(|_, stranger| now.saturating_sub(stranger.last) < FORGOTTEN);
            if self.by_address.len() >= MOST {
                return &mut self.others;
            }
        }
        let fresh = &self.fresh;
        let stranger = self.by_address.entry(address).or_insert_with(|| Stranger {
            rate: fresh.clone(),
            last: now,
        });
        stranger.last = now;
        &mut stranger.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strangers() -> Strangers {
        Strangers::new(&DoorLimits {
            failures: 3,
            failures_per_second: 1,
            ..DoorLimits::default()
        })
    }

    fn v6(network: u64, host: u64) -> IpAddr {
        let bits = (u128::from(network) << 64) | u128::from(host);
        IpAddr::V6(std::net::Ipv6Addr::from_bits(bits))
    }

    #[test]
    fn an_address_that_fails_too_often_waits_and_others_do_not() {
        let strangers = strangers();
        let now = Duration::from_secs(100);
        for host in 0..3 {
            assert!(!strangers.is_over(v6(1, host), now));
            assert!(
                strangers.failed(v6(1, host), now),
                "one network is one sender"
            );
        }
        assert!(strangers.is_over(v6(1, 9), now));
        assert!(!strangers.failed(v6(1, 9), now));
        assert!(strangers.failed(v6(2, 9), now));
        assert!(strangers.failed(v6(1, 9), now + Duration::from_secs(1)));
    }

    #[test]
    fn memory_is_bounded_however_many_there_are() {
        let strangers = strangers();
        let now = Duration::from_secs(100);
        for network in 0..MOST as u64 + 3 {
            assert!(strangers.failed(v6(network, 0), now), "{network}");
        }
        assert!(
            !strangers.failed(v6(u64::MAX, 0), now),
            "the rest share a count"
        );
        assert!(
            strangers.failed(v6(0, 0), now),
            "those known have their own"
        );
        let later = now + FORGOTTEN;
        assert!(strangers.failed(v6(u64::MAX, 0), later));
        assert_eq!(strangers.0.lock().unwrap().by_address.len(), 1);
    }
}
