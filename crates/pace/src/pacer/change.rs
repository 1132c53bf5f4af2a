//! Other limits while calls wait.

use std::time::Duration;

use super::Pacer;
use crate::config::{Config, Error};

impl Pacer {
    /// Keeps another configuration from `now` on. What was sent counts under it too, and calls that
    /// wait go on waiting by their own deadlines; look at [`next_due`](Self::next_due) after it.
    ///
    /// # Errors
    /// A configuration out of its bounds; the one in force stays.
    pub fn set_config(&mut self, now: Duration, config: Config) -> Result<(), Error> {
        config.check()?;
        let now = self.clock(now);
        self.config = config;
        for (key, id) in &self.keys {
            let windows = self.windows(*key);
            if let Some(log) = self.logs.get_mut(*id) {
                log.set_windows(windows);
            }
        }
        for id in 0..self.queues.len() {
            self.rouse(id, now);
        }
        Ok(())
    }
}
