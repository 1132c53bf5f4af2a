//! Giving a source another secret: both are taken while the subscription is changed and for an overlap.

use doorward_catalog::Op;
use doorward_policy::Timestamp;
use doorward_store::Workspace;
use doorward_upstream::resources::{Change, WebhookChange};
use doorward_upstream::{Client, Outcome};
use tokio::runtime::Handle as Runtime;

use super::types::{SourceView, WebhookDone, WebhookRotate};
use super::view::subscription_of;
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};
use crate::relay::{KeptSecret, ProofSettings, Source, WebhookSecret, sends};

/// What the subscription is changed with.
const CHANGING: [Op; 3] = [Op::GetWebhook, Op::PatchWebhook, Op::TestWebhook];
/// Longest overlap, in milliseconds: 30 days.
const OVERLAP_MAX: i64 = 30 * 86_400_000;

impl Handle<WebhookRotate> for Admin {
    fn handle(&self, call: WebhookRotate) -> Result<WebhookDone, AdminError> {
        if !(0..=OVERLAP_MAX).contains(&call.overlap_ms) {
            return Err(AdminError::usage("an overlap is 30 days at the longest"));
        }
        let source = Source::find(self.store(), &call.source)?;
        let source = of_proof(source, call.proof.as_deref())?;
        let workspace = self.store().workspace(source.workspace_id())?;
        let client = match &source.settings.subscription {
            Some(_) => Some(self.hooks(&workspace, &CHANGING)?),
            None => None,
        };
        let source = self.without_ended(source)?;
        // One that was begun and not ended goes on: both secrets are taken.
        let begun = matches!(source.settings.secrets.as_slice(),
            [_, old] if old.until.is_none());
        let source = if begun {
            source
        } else {
            self.with_another(source, &call)?
        };
        match client {
            Some(client) => self.turn(&workspace, source, &client, call.overlap_ms),
            None => {
                // Whoever sends is given the new one by a person: the overlap begins now.
                let source = self.end_old(source, call.overlap_ms)?;
                Ok(WebhookDone {
                    source: SourceView::of(&source, &workspace),
                    tested: None,
                })
            }
        }
    }
}

impl Admin {
    /// The source without secrets that are not taken any more; they are erased where they are kept.
    fn without_ended(&self, mut source: Source) -> Result<Source, AdminError> {
        let at = now();
        let ended = |kept: &KeptSecret| !kept.is_used(at);
        let gone: Vec<KeptSecret> = source
            .settings
            .secrets
            .iter()
            .filter(|kept| ended(kept))
            .cloned()
            .collect();
        if gone.is_empty() {
            if source.settings.secrets.len() > 1
                && source
                    .settings
                    .secrets
                    .iter()
                    .any(|kept| kept.until.is_some())
            {
                return Err(AdminError::usage(format_args!(
                    "source '{}' takes two secrets until {}; wait until the older one ends",
                    source.end.name,
                    source
                        .settings
                        .secrets
                        .iter()
                        .find_map(|kept| kept.until)
                        .unwrap_or(at)
                )));
            }
            return Ok(source);
        }
        source.settings.secrets.retain(|kept| !ended(kept));
        let saved = source.save(self.store(), None, at)?;
        self.relay_changed()?;
        self.erase_ended(&gone)?;
        Ok(saved)
    }

    /// Makes another secret and has both taken.
    fn with_another(&self, mut source: Source, call: &WebhookRotate) -> Result<Source, AdminError> {
        let proof = proof_of(&source)?;
        let setup = &self.parts.secret_setup;
        let reference = match &call.to {
            Some(text) => setup
                .reference(text)
                .map_err(|error| AdminError::usage(format_args!("--to: {error}")))?,
            None => {
                let stamp = now().millis();
                setup
                    .kept(&format!("webhooks/{}/{stamp}", source.end.name))
                    .map_err(AdminError::usage)?
            }
        };
        let secret = WebhookSecret::make(&*self.secrets()?, reference, &proof)?;
        let kept = KeptSecret {
            reference: secret.reference.to_string(),
            made_at: now(),
            until: None,
        };
        source.settings.secrets.insert(0, kept);
        let saved = source.save(self.store(), None, now())?;
        self.relay_changed()?;
        Ok(saved)
    }

    /// Has the subscription send the newest secret; then the older one ends after the overlap.
    fn turn(
        &self,
        workspace: &Workspace,
        source: Source,
        client: &Client,
        overlap_ms: i64,
    ) -> Result<WebhookDone, AdminError> {
        let again = format!(
            "`doorward webhook rotate-secret {}` goes on",
            source.end.name
        );
        let headers = self.headers(&source.settings.proofs())?.unwrap_or_default();
        let there = subscription_of(client, &source)?;
        let there = there.ok_or_else(|| AdminError::failed("the source has no subscription"))?;
        if !sends(&there, &headers) {
            let change = WebhookChange {
                headers: Change::Set(headers.clone()),
                ..WebhookChange::default()
            };
            let changed = Runtime::current().block_on(client.webhooks().patch(&there.id, &change));
            if let Err(error) = changed {
                let why = format!(
                    "the subscription was not given the new secret: {error}; both are taken until it is: \
                     {again}"
                );
                return Err(match error.outcome() {
                    Outcome::NotDone => AdminError::failed(why),
                    _ => AdminError::lost(why),
                });
            }
            let now = subscription_of(client, &source)?;
            if !now.is_some_and(|now| sends(&now, &headers)) {
                return Err(AdminError::failed(format_args!(
                    "Instantly does not show the new secret in the subscription yet; both are taken: \
                     {again}"
                )));
            }
        }
        let tested = self.try_out(client, &there.id)?;
        let source = self.end_old(source, overlap_ms)?;
        Ok(WebhookDone {
            source: SourceView::of(&source, workspace),
            tested: Some(tested),
        })
    }

    /// Has the older secret end after the overlap.
    fn end_old(&self, mut source: Source, overlap_ms: i64) -> Result<Source, AdminError> {
        let until = Timestamp::from_millis(now().millis().saturating_add(overlap_ms));
        for old in source.settings.secrets.iter_mut().skip(1) {
            old.until.get_or_insert(until);
        }
        let saved = source.save(self.store(), None, now())?;
        self.relay_changed()?;
        Ok(saved)
    }
}

/// The source with that proof before the others; all must hold, so that it changes nothing else.
fn of_proof(mut source: Source, proof: Option<&str>) -> Result<Source, AdminError> {
    let settings = &mut source.settings;
    let text = proof.unwrap_or(&settings.proof).to_owned();
    let mut proofs = settings.proofs();
    let at = proofs.iter().position(|kept| kept.proof == text);
    let Some(at) = at else {
        return Err(AdminError::usage(format_args!(
            "--proof: source '{}' has no such proof; it has {}",
            source.end.name,
            settings.said().join(", ")
        )));
    };
    if ProofSettings::parse(&text).is_ok_and(|proof| proof.said().is_some()) {
        return Err(AdminError::usage(format_args!(
            "{text} has no secret: give both fingerprints with `doorward webhook set {} --proof \
             certificate:OLD,NEW`, and later the new one alone",
            source.end.name
        )));
    }
    let first = proofs.remove(at);
    proofs.insert(0, first);
    settings.set_proofs(proofs);
    Ok(source)
}

fn proof_of(source: &Source) -> Result<ProofSettings, AdminError> {
    ProofSettings::parse(&source.settings.proof).map_err(AdminError::failed)
}
