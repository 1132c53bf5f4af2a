//! What a write holds until it is known whether it left: its idempotency key, and the approval that
//! was spent on it.

use std::time::Duration;

use doorward_policy::Timestamp;
use http::Response;

use crate::approvals::Spent;
use crate::idempotency::Guard;
use crate::wire::source::Source;

/// What a call holds. A read holds nothing, and has no room for it.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) guard: Option<Box<Guard>>,
    pub(crate) spent: Option<Box<Spent>>,
}

impl Held {
    /// Told right before the call leaves.
    pub(crate) fn going(&mut self) {
        if let Some(guard) = &mut self.guard {
            guard.going();
        }
        if let Some(spent) = &mut self.spent {
            spent.going();
        }
    }

    /// Nothing was sent: the key is free, and the approval good again.
    pub(crate) async fn returned(self) {
        if let Some(guard) = self.guard {
            guard.returned().await;
        }
        if let Some(spent) = self.spent {
            spent.returned().await;
        }
    }

    /// The answer was lost by now.
    pub(crate) async fn lost(self, now: Timestamp) {
        if let Some(guard) = self.guard {
            guard.lost(now).await;
        }
    }

    /// Keeps the answer, whose head has come by now, of a write that has a key, and gives it as it
    /// came.
    pub(crate) async fn keep(
        self,
        response: Response<Source>,
        patience: Duration,
        now: Timestamp,
    ) -> Response<Source> {
        match self.guard {
            Some(guard) => guard.keep(response, patience, now).await,
            None => response,
        }
    }
}
