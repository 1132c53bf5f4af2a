//! Taking over a subscription that leads elsewhere.

use doorward_catalog::Op;
use doorward_upstream::Outcome;
use doorward_upstream::resources::{Change, WebhookChange};
use tokio::runtime::Handle as Runtime;

use super::proofs::read_proofs;
use super::types::{SourceView, WebhookAdopt, WebhookDone};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::relay::{Source, sends};
use doorward_store::check_name;

/// What a subscription is turned with.
const TURNING: [Op; 3] = [Op::GetWebhook, Op::PatchWebhook, Op::TestWebhook];

impl Handle<WebhookAdopt> for Admin {
    fn handle(&self, call: WebhookAdopt) -> Result<WebhookDone, AdminError> {
        check_name("the source", &call.name)?;
        self.relay()?;
        let workspace = self.workspace(call.workspace.as_deref())?;
        let taken = Source::all(self.store())?.into_iter().find(|known| {
            let registered = known.settings.subscription.as_ref();
            registered.is_some_and(|there| there.id == call.subscription)
        });
        if let Some(taken) = taken {
            return Err(AdminError::usage(format_args!(
                "the subscription leads to source '{}' already",
                taken.end.name
            )));
        }
        read_proofs(&call.door.proofs, true)?;
        let client = self.hooks(&workspace, &TURNING)?;
        let runtime = Runtime::current();
        let before = runtime.block_on(client.webhooks().get(&call.subscription));
        let before = before.map_err(|error| {
            AdminError::failed(format_args!(
                "Instantly does not show the subscription: {error}"
            ))
        })?;

        let (source, secrets) = self.open_door(&workspace, &call.name, &call.door)?;
        let headers = self.headers(&source.settings.proofs())?.unwrap_or_default();
        let change = WebhookChange {
            target_hook_url: Some(source.url()),
            headers: Change::Set(headers.clone()),
            ..WebhookChange::default()
        };
        let turned = runtime.block_on(client.webhooks().patch(&before.id, &change));
        let webhook = match turned {
            Ok(webhook) => webhook,
            Err(error) if error.outcome() == Outcome::NotDone => {
                self.close_door(&source, &secrets);
                return Err(AdminError::failed(format_args!(
                    "Instantly did not turn the subscription; it leads where it led: {error}"
                )));
            }
            Err(error) => {
                let now = runtime.block_on(client.webhooks().get(&before.id));
                match now {
                    Ok(now) if now.target_hook_url == source.url() && sends(&now, &headers) => now,
                    Ok(now) if now.target_hook_url == before.target_hook_url => {
                        self.close_door(&source, &secrets);
                        return Err(AdminError::failed(format_args!(
                            "the subscription leads where it led: {error}"
                        )));
                    }
                    _ => {
                        // It is noted, so that the source is not taken away under a subscription.
                        self.note_subscription(source, &before)?;
                        return Err(AdminError::lost(format_args!(
                            "whether the subscription leads here now is not known ({error}); the source \
                             stays and takes deliveries: see `doorward webhook show {}`",
                            call.name
                        )));
                    }
                }
            }
        };
        let source = self.note_subscription(source, &webhook)?;
        let tested = self.try_out(&client, &webhook.id)?;
        Ok(WebhookDone {
            source: SourceView::of(&source, &workspace),
            tested: Some(tested),
        })
    }
}
