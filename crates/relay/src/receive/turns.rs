//! Turns to be read without any proof yet.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::address::group;

/// One address has this part of the turns at the most.
const PART: usize = 4;

/// Bodies that are read at once although nothing proves them yet; of one address a part of those, so
/// that nobody who sends slowly keeps all others waiting.
#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    each: usize,
    by_address: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

/// A turn, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _of_all: OwnedSemaphorePermit,
    _of_address: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new(turns: usize) -> Self {
        let turns = turns.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(turns)),
            each: turns.div_ceil(PART),
            by_address: Mutex::default(),
        }
    }

    /// A turn for that address, when there is one in time.
    pub(super) async fn take(&self, address: IpAddr, patience: Duration) -> Option<Turn> {
        let own = self.of(group(address));
        let taking = async {
            let of_address = own.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn {
                _of_all: of_all,
                _of_address: of_address,
            })
        };
        timeout(patience, taking).await.ok().flatten()
    }

    fn of(&self, address: IpAddr) -> Arc<Semaphore> {
        let mut by_address = self
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let most = self.all.available_permits() + 1_000;
        if by_address.len() > most {
            // Whom nobody waits for and nobody holds a turn of.
            by_address.retain(|_, own| Arc::strong_count(own) > 1);
        }
        let fresh = || Arc::new(Semaphore::new(self.each));
        Arc::clone(by_address.entry(address).or_insert_with(fresh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    fn address(host: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(host))
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_has_a_part_and_all_together_no_more_than_there_are() {
        let turns = Turns::new(8);
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(turns.take(address(1), SHORT).await.unwrap());
        }
        assert!(turns.take(address(1), SHORT).await.is_none());
        for host in 2..8 {
            held.push(turns.take(address(host), SHORT).await.unwrap());
        }
        assert!(turns.take(address(9), SHORT).await.is_none());
        held.remove(0);
        assert!(turns.take(address(1), SHORT).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_however_many_come() {
        let turns = Turns::new(8);
        let held = turns.take(address(0), SHORT).await.unwrap();
        for host in 1..5_000 {
            assert!(turns.take(address(host), SHORT).await.is_some());
        }
        assert!(turns.by_address.lock().unwrap().len() < 1_100);
        drop(held);
    }
}
