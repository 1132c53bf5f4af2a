//! Making a source with its subscription.
//!
//! The source is kept, and takes deliveries, before Instantly hears of it: nothing it sends meets a
//! closed door. What was begun and not registered is taken back.

use std::collections::BTreeMap;

use doorward_catalog::Op;
use doorward_catalog::event::EVENT_TYPES;
use doorward_catalog::wire::{SecretText, Webhook};
use doorward_store::{Workspace, check_name};
use doorward_upstream::resources::{NewWebhook, WebhookFilter};
use doorward_upstream::{Client, Outcome};
use tokio::runtime::Handle as Runtime;

use super::proofs::read_proofs;
use super::types::{DoorAsked, SourceView, Wanted, WebhookCreate, WebhookDone};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};
use crate::relay::{
    ALLOW_MAX, Source, SourceSettings, Subscription, WebhookSecret, check_public_url,
};

/// What a subscription is made and tried with.
const MAKING: [Op; 4] = [
    Op::CreateWebhook,
    Op::ListWebhook,
    Op::GetWebhook,
    Op::TestWebhook,
];
/// Most subscriptions to one address that are looked through.
const MINE_MAX: usize = 1_000;

impl Handle<WebhookCreate> for Admin {
    fn handle(&self, call: WebhookCreate) -> Result<WebhookDone, AdminError> {
        check_name("the source", &call.name)?;
        let workspace = self.workspace(call.workspace.as_deref())?;
        check_wanted(&call.wanted)?;
        let wanted = match &call.wanted {
            Wanted::Nothing => None,
            wanted => {
                // What is registered is sent to at once.
                self.relay()?;
                Some((wanted, self.hooks(&workspace, &MAKING)?))
            }
        };
        read_proofs(&call.door.proofs, wanted.is_some())?;
        let (source, secrets) = self.open_door(&workspace, &call.name, &call.door)?;
        let Some((wanted, client)) = wanted else {
            return Ok(WebhookDone {
                source: SourceView::of(&source, &workspace),
                tested: None,
            });
        };
        let registered = self.register(&client, &source, wanted);
        let webhook = match registered {
            Ok(webhook) => webhook,
            Err((error, sure)) => {
                if sure {
                    self.close_door(&source, &secrets);
                }
                return Err(error);
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

impl Admin {
    /// Makes the secrets and the source; it takes deliveries when this returns.
    pub(super) fn open_door(
        &self,
        workspace: &Workspace,
        name: &str,
        door: &DoorAsked,
    ) -> Result<(Source, Vec<WebhookSecret>), AdminError> {
        let public_url = door
            .public_url
            .clone()
            .or_else(|| self.parts.public_url.clone());
        let public_url = public_url.ok_or_else(|| {
            AdminError::usage(
                "where is Doorward reached from outside? Say it with --public-url https://… or as \
                 `public_url` under [relay] in doorward.toml",
            )
        })?;
        let public_url = check_public_url(&public_url, workspace.kind)
            .map_err(|why| AdminError::usage(format_args!("--public-url: {why}")))?;
        check_allow(&door.allow)?;
        Source::refuse_taken(self.store(), name)?;
        let (proofs, secrets) = self.make_proofs(name, &door.proofs, &[], door.to.as_deref())?;
        let mut settings = SourceSettings {
            public_url,
            proof: String::new(),
            secrets: Vec::new(),
            also: Vec::new(),
            allow: door.allow.clone(),
            subscription: None,
        };
        settings.set_proofs(proofs);
        let owner = Some(workspace.id.clone());
        let added = Source::add(self.store(), name, owner, &settings, now());
        if added.is_err() {
            secrets.iter().for_each(|secret| self.forget_secret(secret));
        }
        let added = added?;
        self.relay_changed()?;
        Ok((added, secrets))
    }

    /// Takes a source back that came to nothing.
    pub(super) fn close_door(&self, source: &Source, secrets: &[WebhookSecret]) {
        if let Err(error) = self.store().delete_relay_end(&source.end.id) {
            tracing::warn!(%error, source = source.end.name, "a source that came to nothing stays");
            return;
        }
        secrets.iter().for_each(|secret| self.forget_secret(secret));
        if let Err(error) = self.relay_changed() {
            tracing::warn!(%error, "the relay goes on with the sources before");
        }
    }

    /// Notes which subscription leads to a source.
    pub(in crate::admin) fn note_subscription(
        &self,
        mut source: Source,
        webhook: &Webhook,
    ) -> Result<Source, AdminError> {
        source.settings.subscription = Some(Subscription {
            id: webhook.id.clone(),
            event: webhook.event_type.clone(),
            campaign: webhook.campaign.clone(),
        });
        let saved = source.save(self.store(), None, now())?;
        self.relay_changed()?;
        Ok(saved)
    }
}

impl Admin {
    /// Registers the subscription. What went wrong, and whether it is sure that none was made.
    fn register(
        &self,
        client: &Client,
        source: &Source,
        wanted: &Wanted,
    ) -> Result<Webhook, (AdminError, bool)> {
        let headers = self.headers(&source.settings.proofs());
        let headers = headers.map_err(|error| (error, true))?.unwrap_or_default();
        register(client, source, headers, wanted)
    }
}

/// Registers a subscription for a source that is there and has none.
///
/// # Errors
/// When its secrets can't be read, or Instantly makes none.
pub(in crate::admin) fn register_wanted(
    admin: &Admin,
    client: &Client,
    source: &Source,
    wanted: &Wanted,
) -> Result<Webhook, AdminError> {
    admin
        .register(client, source, wanted)
        .map_err(|(error, _)| error)
}

/// Registers the subscription. What went wrong, and whether it is sure that none was made.
fn register(
    client: &Client,
    source: &Source,
    headers: BTreeMap<String, SecretText>,
    wanted: &Wanted,
) -> Result<Webhook, (AdminError, bool)> {
    let mut new = NewWebhook {
        target_hook_url: source.url(),
        name: Some(format!("doorward {}", source.end.name)),
        headers: Some(headers),
        ..NewWebhook::default()
    };
    match wanted {
        Wanted::Event { event, campaign } => {
            new.event_type = Some(event.clone());
            new.campaign.clone_from(campaign);
        }
        Wanted::Label { value, campaign } => {
            new.custom_interest_value = Some(*value);
            new.campaign.clone_from(campaign);
        }
        Wanted::Nothing => {}
    }
    let runtime = Runtime::current();
    let error = match runtime.block_on(client.webhooks().create(&new)) {
        Ok(webhook) => return Ok(webhook),
        Err(error) => error,
    };
    if error.outcome() == Outcome::NotDone {
        let why = AdminError::failed(format_args!("Instantly made no subscription: {error}"));
        return Err((why, true));
    }
    // Its address is this source's alone.
    let listed = client.webhooks().list(&WebhookFilter::default());
    let unsure = |why: &dyn std::fmt::Display| {
        let text = format!(
            "whether Instantly made the subscription is not known ({why}); the source stays and takes \
             deliveries. See `doorward webhook list`, and then `doorward webhook delete {0}` or \
             `doorward webhook adopt ID --as {0}`",
            source.end.name
        );
        (AdminError::lost(text), false)
    };
    match runtime.block_on(listed.all(MINE_MAX)) {
        Ok(all) => match all
            .into_iter()
            .find(|hook| hook.target_hook_url == source.url())
        {
            Some(webhook) => Ok(webhook),
            None => Err(unsure(&error)),
        },
        Err(again) => Err(unsure(&again)),
    }
}

fn check_wanted(wanted: &Wanted) -> Result<(), AdminError> {
    let Wanted::Event { event, .. } = wanted else {
        return Ok(());
    };
    let known = || EVENT_TYPES.iter().filter_map(|known| known.subscribed);
    if known().any(|known| known == event) {
        return Ok(());
    }
    let names: Vec<&str> = known().collect();
    Err(AdminError::usage(format_args!(
        "nothing can be subscribed to by that name; choose one of {} (a custom label with --label VALUE)",
        names.join(", ")
    )))
}

/// Checks an allow list.
pub(super) fn check_allow(allow: &[String]) -> Result<(), AdminError> {
    if allow.len() > ALLOW_MAX {
        return Err(AdminError::usage(format_args!(
            "an allow list has {ALLOW_MAX} networks at the most"
        )));
    }
    for network in allow {
        if network.parse::<ipnet::IpNet>().is_err() && network.parse::<std::net::IpAddr>().is_err()
        {
            return Err(AdminError::usage(
                "--allow takes networks like 203.0.113.0/24, or addresses",
            ));
        }
    }
    Ok(())
}
