//! What is served beside the API at the gateway's address.

use std::sync::Arc;

use doorward_audit::Audit;
use doorward_gateway::{Beside, FiguresOf, LedgerPages, Pacing};
use doorward_secrets::SecretRef;

use super::metrics::{Metrics, MetricsPage};
use super::ready::{Readiness, ReadyPage};
use crate::context::Context;
use crate::exit::Failure;
use crate::health::HealthOf;
use crate::record::recorded_secrets;

/// What the pages show.
#[derive(Clone)]
pub(super) struct Pages {
    pub(super) record: Arc<Audit>,
    pub(super) health: HealthOf,
    pub(super) metrics: Arc<Metrics>,
    pub(super) figures: FiguresOf,
    pub(super) readiness: Arc<Readiness>,
    pub(super) pacing: Pacing,
}

impl Pages {
    /// The pages as they are configured, their tokens read.
    ///
    /// # Errors
    /// When a token can't be read.
    pub(super) fn of(&self, context: &Context) -> Result<Vec<Arc<dyn Beside>>, Failure> {
        let secrets = recorded_secrets(&context.secrets, &self.record)?;
        let token = |what: &str, reference: Option<SecretRef>| {
            let read = reference.map(|reference| secrets.read(&reference));
            read.transpose()
                .map_err(|error| Failure::usage(format_args!("{what}: {error}")))
        };
        let config = &context.config;
        let ledger = token("ledger.pages_token", context.pages_token()?)?;
        let metrics = token("metrics.token", context.metrics_token()?)?;
        Ok(vec![
            Arc::new(ReadyPage::new(Arc::clone(&self.readiness))),
            Arc::new(LedgerPages::new(
                Arc::clone(&self.record),
                &context.data_dir.ledger(),
                config.ledger.pages,
                ledger.as_ref(),
            )),
            Arc::new(MetricsPage::new(
                config.metrics.access,
                metrics.as_ref(),
                self.clone(),
            )),
        ])
    }
}
