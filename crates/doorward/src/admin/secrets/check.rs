//! Whether secrets can be read, from where, how old they are, and who else can read them.

use std::time::{SystemTime, UNIX_EPOCH};

use doorward_policy::Timestamp;
use doorward_secrets::{SecretRef, Secrets};

use super::{SecretCheck, SecretChecked};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};

/// Most secrets that are looked at in one go: each may have to be waited for.
const CHECKED_MAX: usize = 1_000;

impl Handle<SecretCheck> for Admin {
    fn handle(&self, call: SecretCheck) -> Result<Vec<SecretChecked>, AdminError> {
        let mut used = call.used;
        if call.all {
            used.extend(self.upstream_uses()?);
        }
        let mut checked: Vec<SecretChecked> = Vec::new();
        let secrets = self.secrets()?;
        for one in used {
            let reference = self.secret_reference(&one.reference);
            let shown = match &reference {
                Ok(reference) => reference.to_string(),
                // It may be a secret that was pasted.
                Err(_) => "(not shown)".to_owned(),
            };
            let known = |row: &&mut SecretChecked| reference.is_ok() && row.reference == shown;
            if let Some(row) = checked.iter_mut().find(known) {
                row.used_by.push(one.by);
                continue;
            }
            if checked.len() == CHECKED_MAX {
                return Err(AdminError::usage(
                    "there are more than 1000 secrets; name those that are to be checked",
                ));
            }
            let mut row = match &reference {
                Ok(reference) => Self::look(&secrets, reference, one.read),
                Err(error) => SecretChecked {
                    fault: Some(error.message.clone()),
                    ..unseen()
                },
            };
            row.reference = shown;
            row.used_by = vec![one.by];
            checked.push(row);
        }
        Ok(checked)
    }
}

impl Admin {
    fn look(secrets: &Secrets, reference: &SecretRef, read: bool) -> SecretChecked {
        let seen = secrets.inspect(reference);
        let found = read.then(|| secrets.find(reference)).transpose();
        let mut row = unseen();
        row.may_be_older = reference.shares_its_age();
        row.fault = match (&found, &seen) {
            (Err(error), _) => Some(error.to_string()),
            (Ok(None), Err(error)) => Some(error.to_string()),
            (Ok(_), _) => None,
        };
        row.ok = row.fault.is_none();
        if let Ok(seen) = seen {
            row.place = Some(seen.place);
            row.changed_at = seen.changed_at.and_then(timestamp);
            row.readers = Some(seen.readers.to_string());
            row.writable = Some(seen.writable);
            row.warning = seen.warning;
        }
        if let Ok(Some(found)) = found {
            row.changed_at = row.changed_at.or(found.changed_at.and_then(timestamp));
            row.warning = row.warning.or(found.warning);
        }
        row
    }
}

fn unseen() -> SecretChecked {
    SecretChecked {
        reference: String::new(),
        used_by: Vec::new(),
        ok: false,
        fault: None,
        place: None,
        changed_at: None,
        may_be_older: false,
        readers: None,
        writable: None,
        warning: None,
    }
}

fn timestamp(at: SystemTime) -> Option<Timestamp> {
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(
        i64::try_from(since.as_millis()).ok()?,
    ))
}
