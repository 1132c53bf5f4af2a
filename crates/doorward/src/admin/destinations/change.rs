//! Changing and removing destinations.

use doorward_policy::Timestamp;
use doorward_secrets::SecretRef;
use doorward_store::EndState;
use tokio::runtime::Handle as Runtime;

use super::types::{DestinationRemove, DestinationRotate, DestinationSet, DestinationView, Switch};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};
use crate::relay::{Destination, KeptSecret, WebhookSecret};

/// Longest overlap, in milliseconds: 30 days.
const OVERLAP_MAX: i64 = 30 * 86_400_000;

impl Handle<DestinationSet> for Admin {
    fn handle(&self, call: DestinationSet) -> Result<DestinationView, AdminError> {
        let mut found = Destination::find(self.store(), &call.destination)?;
        self.take(&mut found.settings, call.asked)?;
        let state = call.switch.map(|switch| match switch {
            Switch::On => (EndState::Active, String::new()),
            Switch::Off => (EndState::Paused, "a person switched it off".to_owned()),
        });
        let saved = found.save(self.store(), state, now())?;
        self.relay_changed()?;
        Ok(DestinationView::of(&saved, now()))
    }
}

impl Handle<DestinationRotate> for Admin {
    fn handle(&self, call: DestinationRotate) -> Result<DestinationView, AdminError> {
        if !(0..=OVERLAP_MAX).contains(&call.overlap_ms) {
            return Err(AdminError::usage("an overlap is 30 days at the longest"));
        }
        let at = now();
        let mut found = Destination::find(self.store(), &call.destination)?;
        let ended = |kept: &KeptSecret| !kept.is_used(at);
        let kept = found.settings.secrets.iter();
        let gone: Vec<KeptSecret> = kept.filter(|kept| ended(kept)).cloned().collect();
        found.settings.secrets.retain(|kept| !ended(kept));
        if let [_, older, ..] = found.settings.secrets.as_slice() {
            let until = older.until.unwrap_or(at);
            return Err(AdminError::usage(format_args!(
                "deliveries are signed with two secrets until {until}; wait until the older one ends"
            )));
        }
        let setup = &self.parts.secret_setup;
        let reference = match &call.to {
            Some(text) => setup
                .reference(text)
                .map_err(|error| AdminError::usage(format_args!("--to: {error}")))?,
            None => setup
                .kept(&format!("destinations/{}/{}", found.end.name, at.millis()))
                .map_err(AdminError::usage)?,
        };
        let secrets = self.secrets()?;
        let made = WebhookSecret::signing(&secrets, reference)?;
        let until = Timestamp::from_millis(at.millis().saturating_add(call.overlap_ms));
        for older in &mut found.settings.secrets {
            older.until = Some(until);
        }
        let newest = KeptSecret {
            reference: made.reference.to_string(),
            made_at: at,
            until: None,
        };
        found.settings.secrets.insert(0, newest);
        let saved = found.save(self.store(), None, at);
        if saved.is_err() {
            self.forget_secret(&made);
        }
        let saved = saved?;
        self.relay_changed()?;
        self.erase_ended(&gone)?;
        Ok(DestinationView::of(&saved, at))
    }
}

impl Handle<DestinationRemove> for Admin {
    fn handle(&self, call: DestinationRemove) -> Result<DestinationView, AdminError> {
        let found = Destination::find(self.store(), &call.destination)?;
        self.store().delete_relay_end(&found.end.id)?;
        self.relay_changed()?;
        // Its number is never given again.
        if let Some(events) = self.parts.events.get()? {
            let forgotten = events.forget_destination(found.end.number);
            Runtime::current().block_on(forgotten)?;
        }
        self.erase_ended(&found.settings.secrets)?;
        Ok(DestinationView::of(&found, now()))
    }
}

impl Admin {
    /// Erases the values of secrets that nobody uses any more.
    pub(in crate::admin) fn erase_ended(&self, gone: &[KeptSecret]) -> Result<(), AdminError> {
        let secrets = self.secrets()?;
        for kept in gone {
            let reference = kept.reference.parse::<SecretRef>();
            if let Ok(Err(error)) = reference.map(|reference| secrets.erase(&reference)) {
                tracing::warn!(%error, "the value of a secret that nobody uses is left behind");
            }
        }
        Ok(())
    }

    /// Erases a secret that was made for what did not come about.
    pub(in crate::admin) fn forget_secret(&self, secret: &WebhookSecret) {
        let erased = self
            .secrets()
            .map(|secrets| secrets.erase(&secret.reference));
        if let Ok(Err(error)) = erased {
            tracing::warn!(%error, "a secret that was made for nothing is left behind");
        }
    }
}
