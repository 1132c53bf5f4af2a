//! Subscriptions as Instantly has them.

use std::collections::BTreeMap;

use doorward_catalog::Op;
use doorward_catalog::wire::{SecretText, Webhook};
use doorward_secrets::SecretRef;
use doorward_store::Workspace;
use doorward_upstream::Client;
use doorward_upstream::resources::WebhookFilter;
use tokio::runtime::Handle as Runtime;

use super::types::{Tested, There};
use crate::admin::error::AdminError;
use crate::admin::may_be_secret;
use crate::admin::service::Admin;
use crate::inventory::keeper;
use crate::output::clean;
use crate::relay::{ProofKept, Source, headers_of, sends};
use crate::scrubbed::scrub;

/// Most subscriptions that are looked at.
const SUBSCRIPTIONS_MAX: usize = 10_000;
/// Most characters of a text of Instantly's.
const TEXT_MAX: usize = 512;

/// What a subscription is looked at with.
pub(super) const LOOKING: [Op; 2] = [Op::ListWebhook, Op::GetWebhook];

impl Admin {
    /// A client of Instantly under a key of the workspace that covers these operations.
    pub(super) fn hooks(
        &self,
        workspace: &Workspace,
        operations: &[Op],
    ) -> Result<Client, AdminError> {
        let Some(key) = keeper(workspace, operations, None) else {
            return Err(AdminError::failed(format_args!(
                "no upstream key of '{0}' may manage webhooks (webhooks:create, webhooks:read, \
                 webhooks:update, webhooks:delete): give Doorward one that may with `doorward upstream \
                 adopt webhooks --workspace {0} --manages`, and say the scopes of one that is there with \
                 `--scopes`",
                workspace.name
            )));
        };
        self.reach()?.under(workspace, key)
    }
}

/// Every subscription of the workspace.
pub(in crate::admin) fn all(client: &Client) -> Result<Vec<Webhook>, AdminError> {
    let listed = client.webhooks().list(&WebhookFilter::default());
    Runtime::current()
        .block_on(listed.all(SUBSCRIPTIONS_MAX))
        .map_err(|error| {
            AdminError::failed(format_args!("the subscriptions can't be listed: {error}"))
        })
}

/// A subscription as it is told; no header's value is.
pub(super) fn told(webhook: &Webhook, source: Option<(&Source, Option<bool>)>) -> There {
    let text = |text: &str| {
        let short: String = text.chars().take(TEXT_MAX).collect();
        match may_be_secret(&short) {
            true => "(not shown)".to_owned(),
            false => scrub(clean(&short)),
        }
    };
    There {
        id: text(&webhook.id),
        name: webhook.name.as_deref().map(text),
        event: webhook.event_type.as_deref().map(text),
        url: place_of(&webhook.target_hook_url),
        leads_here: source.is_some_and(|(source, _)| source.url() == webhook.target_hook_url),
        disabled: webhook.is_disabled(),
        disabled_at: webhook.timestamp_error.as_deref().map(text),
        secret_fits: source.and_then(|(_, fits)| fits),
        has_headers: webhook
            .headers
            .as_ref()
            .is_some_and(|headers| !headers.is_empty()),
    }
}

/// Where a subscription leads, without what may be secret in its path and query.
fn place_of(url: &str) -> String {
    let (plain, _) = url.split_once(['?', '#']).unwrap_or((url, ""));
    let short: String = plain.chars().take(TEXT_MAX).collect();
    let mut shown = clean(&scrub(short));
    if let Some((scheme, rest)) = shown.split_once("://")
        && let Some((authority, _)) = rest.split_once('/')
        && let Some((_, host)) = authority.rsplit_once('@')
    {
        shown = format!("{scheme}://{host}/…");
    }
    if plain.len() < url.len() {
        shown.push_str("?…");
    }
    shown
}

impl Admin {
    /// Whether the subscription proves itself with the secret in force; `None` where that can't be read
    /// or nothing is to compare.
    pub(super) fn fits(&self, source: &Source, webhook: &Webhook) -> Option<bool> {
        let headers = self.headers(&source.settings.proofs()).ok()??;
        Some(sends(webhook, &headers))
    }

    /// The headers that a subscription is to send for these proofs; `None` when one is no fixed
    /// header.
    pub(super) fn headers(
        &self,
        proofs: &[ProofKept],
    ) -> Result<Option<BTreeMap<String, SecretText>>, AdminError> {
        let secrets = self.secrets()?;
        headers_of(proofs, |reference| {
            let reference: SecretRef = reference.parse().map_err(AdminError::failed)?;
            secrets.read(&reference).map_err(AdminError::failed)
        })
    }

    /// Has Instantly send a test event.
    pub(super) fn try_out(
        &self,
        client: &Client,
        subscription: &str,
    ) -> Result<Tested, AdminError> {
        let tested = Runtime::current().block_on(client.webhooks().test(subscription));
        let tested = tested.map_err(|error| {
            AdminError::failed(format_args!(
                "Instantly could not be asked for a test: {error}"
            ))
        })?;
        let text = |text: String| scrub(clean(&text.chars().take(TEXT_MAX).collect::<String>()));
        Ok(Tested {
            success: tested.success,
            status: tested
                .status_code
                .map(|status| status.clamp(0.0, 999.0) as u16),
            millis: tested.response_time_ms,
            error: tested
                .error
                .or(tested.message.filter(|_| !tested.success))
                .map(text),
        })
    }
}
