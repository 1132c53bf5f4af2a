//! Fetching back what was missed, when somebody asks for it.

use tokio::runtime::Handle as Runtime;

use super::types::{WebhookReconcile, WebhookReconciled};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::relay::Source;

impl Handle<WebhookReconcile> for Admin {
    fn handle(&self, call: WebhookReconcile) -> Result<Vec<WebhookReconciled>, AdminError> {
        let relay = self.relay()?;
        let sources = match &call.source {
            Some(named) => vec![Source::find(self.store(), named)?],
            None => {
                let mut all = Source::all(self.store())?;
                all.retain(|one| one.settings.subscription.is_some());
                all
            }
        };
        let done = sources.into_iter().map(|source| {
            let name = source.end.name.clone();
            let found = relay.watched(source).and_then(|watched| {
                let work = relay.reconcile(&watched, call.since, call.since, |_| {});
                Runtime::current().block_on(work)
            });
            let (found, failed) = match found {
                Ok(found) => (Some(found), None),
                Err(error) => (None, Some(error.message)),
            };
            WebhookReconciled {
                source: name,
                found,
                failed,
            }
        });
        Ok(done.collect())
    }
}
