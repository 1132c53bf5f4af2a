//! How the last deliveries of subscriptions fared.

use std::collections::BTreeMap;

/// How the last tries of deliveries fared, by where they went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Tries by target, as the subscription has it.
    pub by_url: BTreeMap<String, Tries>,
    /// The first day looked at, `YYYY-MM-DD`.
    pub from: String,
    /// Whether these are all since that day.
    pub whole: bool,
}

/// Tries, and of them those that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries {
    /// All.
    pub all: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Deliveries {
    /// Notes a try.
    pub fn add(&mut self, url: &str, success: bool) {
        let tries = self.by_url.entry(url.to_owned()).or_default();
        tries.all += 1;
        tries.failed += u64::from(!success);
    }
}
