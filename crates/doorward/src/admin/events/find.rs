//! Which events are asked for: names turned into what the events have.

use doorward_catalog::event::{ALL_EVENTS, delivered_name};
use doorward_relay::events::{EventId, Origin};
use doorward_relay::{EventFilter, EventReader};

use super::types::EventsAsked;
use crate::admin::error::AdminError;
use crate::admin::service::Admin;
use crate::relay::Source;

/// Most types that are asked for.
const TYPES_MAX: usize = 256;

/// An event's id, as it was typed.
///
/// # Errors
/// When it is none.
pub(in crate::admin) fn event_id(typed: &str) -> Result<EventId, AdminError> {
    typed.trim().parse().map_err(AdminError::usage)
}

/// About whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// Whoever.
    Anybody,
    /// Whom this number stands for.
    Is(i64),
    /// Somebody whom no event is about.
    Nobody,
}

impl Lead {
    /// Whom a filter asks for. Asked again later it may be somebody: an event has come in.
    pub(super) fn of(filter: &EventFilter, reader: &EventReader) -> Result<Self, AdminError> {
        let Some(lead) = &filter.lead else {
            return Ok(Self::Anybody);
        };
        Ok(match reader.subject_of(lead)? {
            Some(subject) => Self::Is(subject),
            None => Self::Nobody,
        })
    }

    /// Whether an event about this one is meant.
    pub(super) fn admits(self, subject: Option<i64>) -> bool {
        match self {
            Self::Anybody => true,
            Self::Is(wanted) => subject == Some(wanted),
            Self::Nobody => false,
        }
    }
}

impl Admin {
    /// The filter for what is asked.
    ///
    /// # Errors
    /// When there is no such source or workspace, or another name is none.
    pub(super) fn wanted(&self, asked: &EventsAsked) -> Result<EventFilter, AdminError> {
        if asked.types.len() > TYPES_MAX {
            return Err(AdminError::usage(format_args!(
                "at most {TYPES_MAX} types are asked for at once"
            )));
        }
        let source = match &asked.source {
            Some(name) => Some(Source::find(self.store(), name)?.end.number),
            None => None,
        };
        let workspace = match &asked.workspace {
            Some(name) => Some(self.instantly_id(name)?),
            None => None,
        };
        let origin = match &asked.origin {
            Some(name) => Some(Origin::of(name).ok_or_else(|| {
                let names = Origin::ALL.map(Origin::as_str).join(", ");
                AdminError::usage(format_args!("an event's origin is one of {names}"))
            })?),
            None => None,
        };
        let mut types = asked.types.clone();
        types.extend(asked.types.iter().map(|one| delivered_name(one).to_owned()));
        if types.iter().any(|one| one == ALL_EVENTS) {
            types.clear();
        }
        let campaign = asked
            .campaign
            .as_ref()
            .map(|campaign| match campaign.len() {
                // An id is kept in small letters.
                36 => campaign.to_ascii_lowercase(),
                _ => campaign.clone(),
            });
        Ok(EventFilter {
            types,
            campaign,
            source,
            workspace,
            lead: asked.lead.clone(),
            origin,
            quarantined: asked.quarantined,
            since_ms: asked.since.map(|time| time.millis()),
            until_ms: asked.until.map(|time| time.millis()),
        })
    }
}
