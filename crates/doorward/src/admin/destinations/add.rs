//! Adding and showing destinations.

use doorward_secrets::{Error, SecretRef};
use doorward_store::check_name;

use super::reach::{take_condition, take_retry};
use super::types::{
    DestinationAdd, DestinationAsked, DestinationList, DestinationShow, DestinationView,
};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};
use crate::relay::{
    Destination, DestinationSettings, Form, KeptSecret, WebhookSecret, check_signing, check_target,
};

/// Most names in a filter.
const NAMES_MAX: usize = 256;
/// Most characters of one.
const NAME_MAX: usize = 256;
/// Most deliveries under way at once, most begun in a second, and the longest an answer may take.
const CONCURRENCY_MAX: u32 = 256;
const RATE_MAX: u32 = 10_000;
const TIMEOUT_MAX: u64 = 120_000;

impl Handle<DestinationAdd> for Admin {
    fn handle(&self, call: DestinationAdd) -> Result<DestinationView, AdminError> {
        check_name("the destination", &call.name)?;
        Destination::refuse_taken(self.store(), &call.name)?;
        let Some(url) = call.asked.url.clone() else {
            return Err(AdminError::usage("say where events are sent with --url"));
        };
        let mut settings = DestinationSettings {
            url,
            events: Vec::new(),
            campaigns: Vec::new(),
            workspaces: Vec::new(),
            form: Form::Received,
            headers: Default::default(),
            secrets: Vec::new(),
            in_order: false,
            concurrency: 8,
            rate: None,
            timeout_ms: 15_000,
            condition: None,
            waits: None,
            certificate: None,
            trust: None,
        };
        self.take(&mut settings, call.asked)?;
        let (kept, made) = self.signing(&call.name, call.secret.as_deref())?;
        settings.secrets.push(kept);
        let added = Destination::add(self.store(), &call.name, None, &settings, now());
        if let (Err(_), Some(made)) = (&added, &made) {
            self.forget_secret(made);
        }
        let added = added?;
        self.relay_changed()?;
        Ok(DestinationView::of(&added, now()))
    }
}

impl Admin {
    /// A signing secret: one that is there, or a new one where there is none.
    fn signing(
        &self,
        name: &str,
        place: Option<&str>,
    ) -> Result<(KeptSecret, Option<WebhookSecret>), AdminError> {
        let setup = &self.parts.secret_setup;
        let reference: SecretRef = match place {
            Some(text) => setup
                .reference(text)
                .map_err(|error| AdminError::usage(format_args!("--secret: {error}")))?,
            None => setup
                .kept(&format!("destinations/{name}"))
                .map_err(AdminError::usage)?,
        };
        let secrets = self.secrets()?;
        let there = match secrets.read(&reference) {
            Ok(there) => Some(there),
            Err(Error::Missing { .. }) => None,
            Err(error) => return Err(AdminError::usage(format_args!("--secret: {error}"))),
        };
        let made = match (there, place) {
            (Some(there), Some(_)) => {
                check_signing(&there)
                    .map_err(|why| AdminError::usage(format_args!("--secret: {why}")))?;
                None
            }
            // A name that was used before has another's secret.
            (Some(_), None) => {
                return Err(AdminError::usage(format_args!(
                    "there is a secret at {reference} already, of a destination that was; choose another \
                     name, or take it with --secret {reference}"
                )));
            }
            (None, _) => Some(WebhookSecret::signing(&secrets, reference.clone())?),
        };
        let kept = KeptSecret {
            reference: reference.to_string(),
            made_at: now(),
            until: None,
        };
        Ok((kept, made))
    }

    /// Takes into the settings what is said.
    pub(super) fn take(
        &self,
        settings: &mut DestinationSettings,
        asked: DestinationAsked,
    ) -> Result<(), AdminError> {
        let DestinationAsked {
            url,
            events,
            campaigns,
            workspaces,
            form,
            headers,
            in_order,
            concurrency,
            rate,
            timeout_ms,
            condition,
            retry,
            client_cert,
            client_key,
            trust,
        } = asked;
        if let Some(url) = url {
            check_target(&url).map_err(|why| AdminError::usage(format_args!("--url: {why}")))?;
            settings.url = url;
        }
        for (option, names, into) in [
            ("--event", events, &mut settings.events),
            ("--campaign", campaigns, &mut settings.campaigns),
        ] {
            let Some(names) = names else { continue };
            check_names(option, &names)?;
            *into = names;
        }
        if let Some(names) = workspaces {
            check_names("--workspace", &names)?;
            let ids = names.iter().map(|name| self.instantly_id(name));
            settings.workspaces = ids.collect::<Result<_, _>>()?;
        }
        if let Some(typed) = headers {
            settings.headers = DestinationSettings::headers(&typed)
                .map_err(|why| AdminError::usage(format_args!("--header: {why}")))?;
        }
        settings.form = form.unwrap_or(settings.form);
        settings.in_order = in_order.unwrap_or(settings.in_order);
        if let Some(rate) = rate {
            within("--rate", u64::from(rate), 0, u64::from(RATE_MAX))?;
            settings.rate = Some(rate).filter(|rate| *rate > 0);
        }
        if let Some(concurrency) = concurrency {
            within(
                "--concurrency",
                u64::from(concurrency),
                1,
                u64::from(CONCURRENCY_MAX),
            )?;
            settings.concurrency = concurrency;
        }
        if let Some(millis) = timeout_ms {
            within("--timeout (in milliseconds)", millis, 100, TIMEOUT_MAX)?;
            settings.timeout_ms = millis;
        }
        if let Some(text) = condition {
            take_condition(settings, text)?;
        }
        if let Some(retry) = retry {
            take_retry(settings, retry)?;
        }
        self.take_tls(settings, client_cert, client_key, trust)
    }
}

fn check_names(option: &str, names: &[String]) -> Result<(), AdminError> {
    let fits = |name: &String| {
        !name.is_empty() && name.len() <= NAME_MAX && !name.contains(char::is_control)
    };
    if names.len() <= NAMES_MAX && names.iter().all(fits) {
        return Ok(());
    }
    Err(AdminError::usage(format_args!(
        "{option} takes up to {NAMES_MAX} names of 1 to {NAME_MAX} characters"
    )))
}

fn within(option: &str, value: u64, least: u64, most: u64) -> Result<(), AdminError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(AdminError::usage(format_args!(
        "{option} is {least} to {most}"
    )))
}

impl Handle<DestinationList> for Admin {
    fn handle(&self, _: DestinationList) -> Result<Vec<DestinationView>, AdminError> {
        let at = now();
        let all = Destination::all(self.store())?;
        Ok(all.iter().map(|one| DestinationView::of(one, at)).collect())
    }
}

impl Handle<DestinationShow> for Admin {
    fn handle(&self, call: DestinationShow) -> Result<DestinationView, AdminError> {
        let found = Destination::find(self.store(), &call.destination)?;
        Ok(DestinationView::of(&found, now()))
    }
}
