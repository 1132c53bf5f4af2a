//! Testing, resuming, changing and deleting.

use doorward_catalog::Op;
use doorward_store::EndState;
use doorward_upstream::Error;
use tokio::runtime::Handle as Runtime;

use super::create::check_allow;
use super::there::told;
use super::types::{
    SourceView, Tested, WebhookDelete, WebhookDone, WebhookResume, WebhookSet, WebhookTest,
};
use super::view::subscription_of;
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};
use crate::relay::Source;

impl Handle<WebhookTest> for Admin {
    fn handle(&self, call: WebhookTest) -> Result<Tested, AdminError> {
        let source = Source::find(self.store(), &call.source)?;
        let workspace = self.store().workspace(source.workspace_id())?;
        let id = registered(&source)?;
        let client = self.hooks(&workspace, &[Op::TestWebhook])?;
        self.try_out(&client, id)
    }
}

impl Handle<WebhookResume> for Admin {
    fn handle(&self, call: WebhookResume) -> Result<WebhookDone, AdminError> {
        let source = Source::find(self.store(), &call.source)?;
        let workspace = self.store().workspace(source.workspace_id())?;
        let id = registered(&source)?.to_owned();
        let client = self.hooks(
            &workspace,
            &[Op::GetWebhook, Op::ResumeWebhook, Op::TestWebhook],
        )?;
        // A door that was shut by a person is opened before anything is sent to it.
        let source = match source.is_active() {
            true => source,
            false => {
                let opened =
                    source.save(self.store(), Some((EndState::Active, String::new())), now())?;
                self.relay_changed()?;
                opened
            }
        };
        let there = subscription_of(&client, &source)?;
        if there.is_some_and(|there| there.is_disabled()) {
            let resumed = Runtime::current().block_on(client.webhooks().resume(&id));
            resumed.map_err(|error| {
                AdminError::failed(format_args!(
                    "Instantly did not resume the subscription: {error}"
                ))
            })?;
        }
        let tested = self.try_out(&client, &id)?;
        let mut view = SourceView::of(&source, &workspace);
        if let Some(there) = subscription_of(&client, &source)? {
            let fits = self.fits(&source, &there);
            view.there = Some(told(&there, Some((&source, fits))));
        }
        Ok(WebhookDone {
            source: view,
            tested: Some(tested),
        })
    }
}

impl Handle<WebhookSet> for Admin {
    fn handle(&self, call: WebhookSet) -> Result<SourceView, AdminError> {
        let mut source = Source::find(self.store(), &call.source)?;
        let workspace = self.store().workspace(source.workspace_id())?;
        if let Some(allow) = call.allow {
            check_allow(&allow)?;
            source.settings.allow = allow;
        }
        let mut saved = source.save(self.store(), None, now())?;
        self.relay_changed()?;
        if let Some(proofs) = call.proofs {
            saved = self.exchange_proofs(saved, &proofs)?;
        }
        Ok(SourceView::of(&saved, &workspace))
    }
}

impl Handle<WebhookDelete> for Admin {
    fn handle(&self, call: WebhookDelete) -> Result<SourceView, AdminError> {
        let source = Source::find(self.store(), &call.source)?;
        let workspace = self.store().workspace(source.workspace_id())?;
        // The subscription goes first: nothing is sent to a door that is gone.
        if let (Some(there), false) = (&source.settings.subscription, call.keep_subscription) {
            let client = self.hooks(&workspace, &[Op::DeleteWebhook])?;
            match Runtime::current().block_on(client.webhooks().delete(&there.id)) {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => {
                    return Err(AdminError::failed(format_args!(
                        "Instantly did not end the subscription: {error}; nothing was removed here. \
                         --keep-subscription removes the source alone"
                    )));
                }
            }
        }
        self.store().delete_relay_end(&source.end.id)?;
        self.relay_changed()?;
        let proofs = source.settings.proofs().into_iter();
        let secrets: Vec<_> = proofs.flat_map(|kept| kept.secrets).collect();
        self.erase_ended(&secrets)?;
        Ok(SourceView::of(&source, &workspace))
    }
}

fn registered(source: &Source) -> Result<&str, AdminError> {
    let there = source.settings.subscription.as_ref();
    there.map(|there| there.id.as_str()).ok_or_else(|| {
        AdminError::usage(format_args!(
            "source '{}' has no subscription at Instantly: something else sends to it",
            source.end.name
        ))
    })
}
