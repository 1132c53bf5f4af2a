//! The proofs of a source: made with their secrets, and exchanged for others.
//!
//! A subscription sends the headers of the proofs before and of those after while they change, so
//! that each delivery holds whichever the door asks for.

use doorward_catalog::Op;
use doorward_upstream::resources::{Change, WebhookChange};
use doorward_upstream::{Client, Outcome};
use tokio::runtime::Handle as Runtime;

use super::view::subscription_of;
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, now};
use crate::relay::{
    KeptSecret, ProofKept, ProofSettings, Source, WebhookSecret, parse_proofs, sends,
};

/// What a subscription is changed with.
const CHANGING: [Op; 2] = [Op::GetWebhook, Op::PatchWebhook];

/// Reads proofs that must all hold; of a subscription, such as Instantly can send.
pub(super) fn read_proofs(
    typed: &[String],
    subscribed: bool,
) -> Result<Vec<ProofSettings>, AdminError> {
    let proofs =
        parse_proofs(typed).map_err(|why| AdminError::usage(format_args!("--proof: {why}")))?;
    if subscribed && !proofs.iter().all(ProofSettings::is_static) {
        return Err(AdminError::usage(
            "Instantly sends headers that never change: choose --proof header, basic or bearer for a \
             source with a subscription",
        ));
    }
    Ok(proofs)
}

impl Admin {
    /// Makes the secrets of proofs that are not among those that are `there`; the first is kept at
    /// `to`, where that is said. Gives all proofs, and what was made.
    pub(super) fn make_proofs(
        &self,
        name: &str,
        typed: &[String],
        there: &[ProofKept],
        to: Option<&str>,
    ) -> Result<(Vec<ProofKept>, Vec<WebhookSecret>), AdminError> {
        let (mut proofs, mut made) = (Vec::new(), Vec::new());
        for (n, text) in typed.iter().enumerate() {
            if let Some(known) = there.iter().find(|known| known.proof == *text) {
                proofs.push(known.clone());
                continue;
            }
            let to = to.filter(|_| n == 0);
            match self.make_proof(name, text, to, there.is_empty() && n == 0) {
                Ok((kept, secret)) => {
                    proofs.push(kept);
                    made.extend(secret);
                }
                Err(error) => {
                    made.iter().for_each(|secret| self.forget_secret(secret));
                    return Err(error);
                }
            }
        }
        Ok((proofs, made))
    }

    fn make_proof(
        &self,
        name: &str,
        text: &str,
        to: Option<&str>,
        only: bool,
    ) -> Result<(ProofKept, Option<WebhookSecret>), AdminError> {
        let proof = ProofSettings::parse(text).map_err(AdminError::usage)?;
        let mut kept = ProofKept {
            proof: text.to_owned(),
            secrets: Vec::new(),
        };
        if proof.said().is_some() {
            return Ok((kept, None));
        }
        let setup = &self.parts.secret_setup;
        let kind = text.split(':').next().unwrap_or_default();
        let reference = match (to, only) {
            (Some(to), _) => setup
                .reference(to)
                .map_err(|error| AdminError::usage(format_args!("--to: {error}")))?,
            (None, true) => setup
                .kept(&format!("webhooks/{name}"))
                .map_err(AdminError::usage)?,
            (None, false) => {
                // Others of the kind may be there, or have been.
                let stamp = crate::secret::random::<4>()?;
                let stamp: String = stamp.iter().map(|byte| format!("{byte:02x}")).collect();
                setup
                    .kept(&format!("webhooks/{name}/{kind}-{stamp}"))
                    .map_err(AdminError::usage)?
            }
        };
        let secret = WebhookSecret::make(&*self.secrets()?, reference, &proof)?;
        kept.secrets.push(KeptSecret {
            reference: secret.reference.to_string(),
            made_at: now(),
            until: None,
        });
        Ok((kept, Some(secret)))
    }

    /// Exchanges the proofs of a source for these; those that stay keep their secrets.
    pub(super) fn exchange_proofs(
        &self,
        mut source: Source,
        typed: &[String],
    ) -> Result<Source, AdminError> {
        let subscribed = source.settings.subscription.is_some();
        let wanted = read_proofs(typed, subscribed)?;
        let before = source.settings.proofs();
        // In one request stand the proofs before and those after.
        let meets = |kept: &ProofKept| {
            let stays = typed.contains(&kept.proof);
            let proof = ProofSettings::parse(&kept.proof).ok();
            let new = || typed.iter().zip(&wanted);
            let fresh = |text: &String| !before.iter().any(|known| known.proof == *text);
            !stays
                && proof.is_some_and(|proof| {
                    new().any(|(text, other)| fresh(text) && proof.stands_where(other))
                })
        };
        if subscribed && before.iter().any(meets) {
            return Err(AdminError::usage(
                "a proof would take the place of another in the same header, and deliveries in between \
                 would be refused: take another header first, or give the same proof another secret \
                 (`doorward webhook rotate-secret`)",
            ));
        }
        let client = match subscribed {
            true => {
                let workspace = self.store().workspace(source.workspace_id())?;
                Some(self.hooks(&workspace, &CHANGING)?)
            }
            false => None,
        };
        let (after, made) = self.make_proofs(&source.end.name, typed, &before, None)?;
        let forget = || made.iter().for_each(|secret| self.forget_secret(secret));
        if let Some(client) = &client {
            let both: Vec<ProofKept> = before.iter().chain(&after).cloned().collect();
            match self.give_headers(client, &source, &both) {
                Ok(()) => {}
                Err(error) if !error.lost => {
                    forget();
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        source.settings.set_proofs(after.clone());
        let saved = source.save(self.store(), None, now());
        if saved.is_err() && client.is_none() {
            forget();
        }
        let saved = saved?;
        self.relay_changed()?;
        if let Some(client) = &client {
            self.give_headers(client, &saved, &after)?;
        }
        let stays = |one: &ProofKept| after.iter().any(|other| other.proof == one.proof);
        let gone = before.iter().filter(|one| !stays(one));
        let gone: Vec<KeptSecret> = gone.flat_map(|one| one.secrets.clone()).collect();
        self.erase_ended(&gone)?;
        Ok(saved)
    }

    /// Has the subscription send the headers of these proofs, and looks whether it does.
    fn give_headers(
        &self,
        client: &Client,
        source: &Source,
        proofs: &[ProofKept],
    ) -> Result<(), AdminError> {
        let headers = self.headers(proofs)?.unwrap_or_default();
        let there = subscription_of(client, source)?;
        let there = there.ok_or_else(|| AdminError::failed("the source has no subscription"))?;
        let change = WebhookChange {
            headers: Change::Set(headers.clone()),
            ..WebhookChange::default()
        };
        let changed = Runtime::current().block_on(client.webhooks().patch(&there.id, &change));
        if let Err(error) = changed {
            let why = format!(
                "the subscription was not given its headers ({error}); run the same command again"
            );
            return Err(match error.outcome() {
                Outcome::NotDone => AdminError::failed(why),
                _ => AdminError::lost(why),
            });
        }
        let now = subscription_of(client, source)?;
        if now.is_some_and(|now| sends(&now, &headers)) {
            return Ok(());
        }
        Err(AdminError::lost(
            "Instantly does not show the new headers in the subscription yet; run the same command again",
        ))
    }
}
