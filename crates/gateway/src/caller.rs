//! Whose a call is, as far as its limits and its pace go.

use std::sync::Arc;

use doorward_store::{Client, Controls, Known};

use crate::uses::DayLimits;

/// A call's client at the moment it was admitted.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Doorward's id of the client.
    pub(crate) id: Arc<str>,
    pub(crate) per_second: Option<u32>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) day: DayLimits,
}

impl Caller {
    pub(crate) fn of(known: &Known<'_>) -> Self {
        let Client { controls, .. } = &known.client.record;
        let Controls {
            per_second,
            per_day,
            leads_per_day,
            concurrency,
            ..
        } = controls;
        Self {
            id: Arc::clone(&known.client.id),
            per_second: *per_second,
            concurrency: *concurrency,
            day: DayLimits {
                calls: *per_day,
                leads: *leads_per_day,
            },
        }
    }
}
