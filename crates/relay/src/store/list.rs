//! Lists of events, in pages.

use std::fmt;
use std::str::FromStr;

use rusqlite::params;

use super::event_rows::{BODY_COLUMNS, BODY_TABLES, COLUMNS, body, event};
use super::read::EventReader;
use crate::error::Result;
use crate::events::{Event, Origin};

/// Most events of a page.
const PAGE_MAX: usize = 1_000;
/// Most events that are looked at for one page.
const LOOKED_AT: usize = 50_000;

/// Which events; what is `None` or empty asks for nothing.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// One of these types.
    pub types: Vec<String>,
    /// This campaign, as the event names it.
    pub campaign: Option<String>,
    /// This source, by number.
    pub source: Option<i64>,
    /// This workspace.
    pub workspace: Option<String>,
    /// About this lead, by e-mail address.
    pub lead: Option<String>,
    /// Got here so.
    pub origin: Option<Origin>,
    /// In quarantine, or not.
    pub quarantined: Option<bool>,
    /// Received then or later, in milliseconds of Unix time.
    pub since_ms: Option<i64>,
    /// Received before then.
    pub until_ms: Option<i64>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// What was received last comes first.
    #[default]
    NewestFirst,
    /// What was received first comes first.
    OldestFirst,
}

/// A place in a list, after an event. Its text is `<milliseconds>.<number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When the event was received.
    pub received_ms: i64,
    /// The event's number.
    pub seq: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.received_ms, self.seq)
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let fault = "a place in the list is what the page before it gave as `next`";
        let (received_ms, seq) = text.split_once('.').ok_or(fault)?;
        Ok(Self {
            received_ms: received_ms.parse().map_err(|_| fault)?,
            seq: seq.parse().map_err(|_| fault)?,
        })
    }
}

/// A part of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its events. They may be fewer than were asked for though more follow: so many are looked at
    /// for one page.
    pub events: Vec<Event>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Place>,
}

impl EventFilter {
    /// Whether it admits an event, but for the lead: an event has no address.
    pub fn admits(&self, event: &Event) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        (self.types.is_empty() || self.types.contains(&event.event_type))
            && is(&self.campaign, event.campaign.as_deref())
            && is(&self.workspace, Some(&event.workspace))
            && self.source.is_none_or(|source| event.source == source)
            && self.origin.is_none_or(|origin| event.origin == origin)
            && self
                .quarantined
                .is_none_or(|wanted| event.quarantined.is_some() == wanted)
            && self.since_ms.is_none_or(|since| event.received_ms >= since)
            && self.until_ms.is_none_or(|until| event.received_ms < until)
    }

    /// Where a list begins.
    fn begin(&self, order: Order) -> Place {
        match order {
            Order::NewestFirst => Place {
                received_ms: self.until_ms.unwrap_or(i64::MAX),
                seq: if self.until_ms.is_some() { 0 } else { i64::MAX },
            },
            Order::OldestFirst => Place {
                received_ms: self.since_ms.unwrap_or(i64::MIN),
                seq: 0,
            },
        }
    }

    /// Whether no event from here on is one of those.
    fn is_past(&self, event: &Event, order: Order) -> bool {
        match order {
            Order::NewestFirst => self.since_ms.is_some_and(|since| event.received_ms < since),
            Order::OldestFirst => self
                .until_ms
                .is_some_and(|until| event.received_ms >= until),
        }
    }
}

impl EventReader {
    /// A page of the events that a filter admits, in the order they were received, from a place on
    /// that the page before gave: at most `most` of them, and 1,000. With their bodies or without.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn list(
        &self,
        filter: &EventFilter,
        order: Order,
        after: Option<Place>,
        most: usize,
        bodies: bool,
    ) -> Result<Page> {
        let most = most.clamp(1, PAGE_MAX);
        let subject = match &filter.lead {
            None => None,
            Some(lead) => match self.subject_of(lead)? {
                Some(subject) => Some(subject),
                None => return Ok(Page::default()),
            },
        };
        let sql = sql(order, subject.is_some());
        let after = after.unwrap_or_else(|| filter.begin(order));
        self.read(|connection, keys| {
            let mut statement = connection.prepare_cached(&sql)?;
            let looked_at = LOOKED_AT as i64;
            let mut rows =
                statement.query(params![after.received_ms, after.seq, looked_at, subject])?;
            let mut page = Page::default();
            let mut looked = 0;
            let mut last = None;
            while let Some(row) = rows.next()? {
                let found = event(row)?;
                if filter.is_past(&found, order) {
                    return Ok(page);
                }
                looked += 1;
                last = Some(Place {
                    received_ms: found.received_ms,
                    seq: found.seq,
                });
                if filter.admits(&found) {
                    page.events.push(found);
                    if page.events.len() == most {
                        page.next = last;
                        break;
                    }
                }
            }
            if looked == LOOKED_AT {
                page.next = last;
            }
            drop(rows);
            if bodies {
                let sql = format!("SELECT {BODY_COLUMNS} FROM {BODY_TABLES} WHERE e.seq = ?1");
                let mut statement = connection.prepare_cached(&sql)?;
                for found in &mut page.events {
                    found.body =
                        statement.query_row([found.seq], |row| Ok(body(row, 0, found, keys)))??;
                }
            }
            Ok(page)
        })
    }
}

/// The statement for an order, of all events or of those about one lead.
fn sql(order: Order, of_lead: bool) -> String {
    let (beyond, direction) = match order {
        Order::NewestFirst => ("<", "DESC"),
        Order::OldestFirst => (">", "ASC"),
    };
    // The fourth is there in both, so that both are asked alike.
    let (index, lead) = if of_lead {
        ("events_subject", "e.subject = ?4")
    } else {
        ("events_received", "?4 IS NULL")
    };
    format!(
        "SELECT {COLUMNS} FROM events e INDEXED BY {index}
         WHERE (e.received_ms, e.seq) {beyond} (?1, ?2) AND {lead}
         ORDER BY e.received_ms {direction}, e.seq {direction} LIMIT ?3"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_is_written() {
        let place = Place {
            received_ms: 1_800_000_000_123,
            seq: 7,
        };
        assert_eq!(place.to_string(), "1800000000123.7");
        assert_eq!(place.to_string().parse(), Ok(place));
        for bad in ["", "1", "1.", ".1", "1.2.3", "a.b"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
