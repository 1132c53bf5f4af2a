//! Finding people in the record, showing what was sealed, and forgetting them.

use std::net::IpAddr;

use doorward_audit::{AuditError, Entry, Person, PersonKind, Show};
use doorward_ledger::log::Record;
use jiff::civil::Date;

use super::audit_types::{
    AuditErase, AuditEraseMonth, AuditFind, AuditShow, FoundPerson, Placed, SHOWN_MAX,
};
use super::error::AdminError;
use super::service::{Admin, Handle};

impl From<AuditError> for AdminError {
    fn from(error: AuditError) -> Self {
        Self::failed(error)
    }
}

/// What somebody may stand in the record as.
fn candidates(typed: &str) -> Vec<(&'static str, Person)> {
    let typed = typed.trim();
    if let Ok(address) = typed.parse::<IpAddr>() {
        let address = address.to_canonical().to_string();
        return vec![
            ("ip", Person::new(PersonKind::Ip, &address)),
            ("actor", Person::new(PersonKind::Actor, typed)),
        ];
    }
    vec![
        ("email", Person::new(PersonKind::Email, typed)),
        ("actor", Person::new(PersonKind::Actor, typed)),
        ("admin", Person::new(PersonKind::Admin, typed)),
    ]
}

impl Handle<AuditFind> for Admin {
    fn handle(&self, call: AuditFind) -> Result<Vec<FoundPerson>, AdminError> {
        let audit = self.parts.audit.get()?;
        let mut found = Vec::new();
        for (kind, person) in candidates(&call.person) {
            if let Some(subject) = audit.find(&person)? {
                found.push(FoundPerson {
                    subject,
                    kind: kind.to_owned(),
                });
            }
        }
        Ok(found)
    }
}

impl Handle<AuditShow> for Admin {
    fn handle(&self, call: AuditShow) -> Result<Vec<Entry>, AdminError> {
        if call.sequences.len() > SHOWN_MAX {
            return Err(AdminError::usage(format_args!(
                "at most {SHOWN_MAX} entries are shown at once"
            )));
        }
        let audit = self.parts.audit.get()?;
        let reader = audit.reader();
        let mut entries = Vec::with_capacity(call.sequences.len());
        for sequence in call.sequences {
            let leaf = reader.leaf(sequence).map_err(AdminError::failed)?;
            entries.push(audit.entry(&Record { sequence, leaf }, Show::People)?);
        }
        Ok(entries)
    }
}

impl Handle<AuditErase> for Admin {
    fn handle(&self, call: AuditErase) -> Result<Placed, AdminError> {
        let audit = self.parts.audit.get()?;
        let recorded = audit.erase(call.subject, call.by)?;
        let recorded = recorded.ok_or_else(|| {
            AdminError::failed(format_args!(
                "{} stands for nobody, or was erased before",
                call.subject
            ))
        })?;
        Ok(Placed {
            seq: recorded.sequence,
        })
    }
}

impl Handle<AuditEraseMonth> for Admin {
    fn handle(&self, call: AuditEraseMonth) -> Result<Placed, AdminError> {
        let month = &call.month;
        let is_month = month.len() == 7 && format!("{month}-01").parse::<Date>().is_ok();
        if !is_month {
            return Err(AdminError::usage("write a month like 2026-01"));
        }
        let audit = self.parts.audit.get()?;
        let recorded = audit.erase_month(month, call.by)?;
        let recorded = recorded.ok_or_else(|| {
            AdminError::failed(format_args!(
                "{month} has no key: no body was recorded in it, or it was erased before"
            ))
        })?;
        Ok(Placed {
            seq: recorded.sequence,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_looked_for_as_it_was_recorded() {
        let first = |typed| candidates(typed).swap_remove(0);
        assert_eq!(first("::ffff:198.51.100.7").1.value(), "198.51.100.7");
        assert_eq!(first(" Ann@Example.com ").1.value(), "ann@example.com");
        assert!(
            candidates("ann (uid 0)")
                .iter()
                .any(|(kind, _)| *kind == "admin")
        );
    }
}
