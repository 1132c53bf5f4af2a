//! Sources as they are shown.

use doorward_catalog::wire::Webhook;
use doorward_store::Workspace;
use doorward_upstream::Client;
use tokio::runtime::Handle as Runtime;

use super::there::{LOOKING, all, told};
use super::types::{ProofView, SecretView, SourceView, WebhookList, WebhookShow, WebhooksOf};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};
use crate::relay::{KeptSecret, Source};

impl SourceView {
    pub(in crate::admin) fn of(source: &Source, workspace: &Workspace) -> Self {
        let Source { end, settings } = source;
        let at = now();
        let secrets = |kept: &[KeptSecret]| -> Vec<SecretView> {
            let used = kept.iter().filter(|kept| kept.is_used(at));
            let view = used.map(|kept| SecretView {
                reference: kept.reference.clone(),
                made_at: kept.made_at,
                until: kept.until,
                last_used: None,
            });
            view.collect()
        };
        let also = settings.also.iter().map(|kept| ProofView {
            proof: kept.proof.clone(),
            secrets: secrets(&kept.secrets),
        });
        let subscription = settings.subscription.as_ref();
        Self {
            id: end.id.clone(),
            name: end.name.clone(),
            workspace: workspace.name.clone(),
            workspace_id: workspace.id.clone(),
            url: source.url(),
            state: end.state.as_str().to_owned(),
            why: end.why.clone(),
            proof: settings.proof.clone(),
            secrets: secrets(&settings.secrets),
            also: also.collect(),
            allow: settings.allow.clone(),
            subscription: subscription.map(|there| there.id.clone()),
            event: subscription.map(|there| match &there.event {
                Some(event) => event.clone(),
                None => "a custom label".to_owned(),
            }),
            campaign: subscription.and_then(|there| there.campaign.clone()),
            created_at: end.created_at,
            there: None,
            not_asked: None,
        }
    }
}

impl Handle<WebhookList> for Admin {
    fn handle(&self, call: WebhookList) -> Result<Vec<WebhooksOf>, AdminError> {
        let known = Source::all(self.store())?;
        let mut found = Vec::new();
        for workspace in self.workspaces(&call.of)? {
            let mine = known
                .iter()
                .filter(|one| one.workspace_id() == workspace.id);
            let mine: Vec<&Source> = mine.collect();
            let there = call.fetch.then(|| {
                let client = self.hooks(&workspace, &LOOKING)?;
                all(&client)
            });
            let (there, not_asked) = match there {
                None => (Vec::new(), None),
                Some(Ok(there)) => (there, None),
                Some(Err(error)) => (Vec::new(), Some(error.message)),
            };
            let asked = call.fetch && not_asked.is_none();
            let shown = mine.iter().map(|one| {
                let mut view = SourceView::of(one, &workspace);
                let webhook = there.iter().find(|webhook| is_of(one, webhook));
                view.there =
                    webhook.map(|webhook| told(webhook, Some((one, self.fits(one, webhook)))));
                if asked && webhook.is_none() && view.subscription.is_some() {
                    view.not_asked = Some("Instantly has no such subscription any more".to_owned());
                }
                view
            });
            let sources = shown.collect();
            let others = there
                .iter()
                .filter(|webhook| !mine.iter().any(|one| is_of(one, webhook)));
            found.push(WebhooksOf {
                workspace: workspace.name.clone(),
                sources,
                elsewhere: others.map(|webhook| told(webhook, None)).collect(),
                not_asked,
            });
        }
        Ok(found)
    }
}

impl Handle<WebhookShow> for Admin {
    fn handle(&self, call: WebhookShow) -> Result<SourceView, AdminError> {
        let source = Source::find(self.store(), &call.source)?;
        let workspace = self.store().workspace(source.workspace_id())?;
        let mut view = SourceView::of(&source, &workspace);
        self.note_uses(&source, &mut view);
        if !call.fetch {
            return Ok(view);
        }
        let asked = self
            .hooks(&workspace, &LOOKING)
            .and_then(|client| subscription_of(&client, &source));
        match asked {
            Ok(Some(webhook)) => {
                let fits = self.fits(&source, &webhook);
                view.there = Some(told(&webhook, Some((&source, fits))));
            }
            Ok(None) => {}
            Err(error) => view.not_asked = Some(error.message),
        }
        Ok(view)
    }
}

impl Admin {
    /// Notes when each secret was used last, where a relay runs that knows.
    fn note_uses(&self, source: &Source, view: &mut SourceView) {
        let Some(relay) = &self.parts.relay else {
            return;
        };
        let uses = relay.secret_uses(source.end.number);
        for (kept, used) in source.settings.proofs().iter().zip(uses) {
            let mut also = view.also.iter_mut();
            let shown = match kept.proof == view.proof {
                true => Some(&mut view.secrets),
                false => also
                    .find(|one| one.proof == kept.proof)
                    .map(|one| &mut one.secrets),
            };
            for (secret, used) in shown.into_iter().flatten().zip(used) {
                secret.last_used = used;
            }
        }
    }
}

fn is_of(source: &Source, webhook: &Webhook) -> bool {
    let registered = source.settings.subscription.as_ref();
    registered.is_some_and(|there| there.id == webhook.id)
        || source.url() == webhook.target_hook_url
}

/// The source's subscription; none for a source that has none.
pub(super) fn subscription_of(
    client: &Client,
    source: &Source,
) -> Result<Option<Webhook>, AdminError> {
    let Some(there) = &source.settings.subscription else {
        return Ok(None);
    };
    let got = Runtime::current().block_on(client.webhooks().get(&there.id));
    got.map(Some).map_err(|error| {
        AdminError::failed(format_args!(
            "Instantly does not show the subscription: {error}"
        ))
    })
}
