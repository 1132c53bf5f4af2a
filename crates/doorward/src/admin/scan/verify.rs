//! Trying a key that was found.

use super::types::{ScanRecord, ScanRecorded, ScanVerified, ScanVerify};
use crate::admin::error::AdminError;
use crate::admin::leak::{Leaked, last_use};
use crate::admin::service::{Admin, Handle, now};
use crate::leak::Found;
use crate::output::clean;
use crate::scrubbed::scrub;

/// How far back the last use is looked for, ms: a year.
const LOOK_BACK: i64 = 366 * 86_400_000;

impl Handle<ScanVerify> for Admin {
    fn handle(&self, call: ScanVerify) -> Result<ScanVerified, AdminError> {
        let leaked = Leaked {
            value: Some(call.value),
            id: None,
            api_key_id: None,
            workspace: call.workspace,
        };
        let found = match self.find_leaked(&leaked) {
            Ok(found) => found,
            // It can't be told of this one: that is an answer.
            Err(error) if !error.lost => {
                return Ok(ScanVerified {
                    found: None,
                    why: Some(scrub(clean(&error.message))),
                    last_used: None,
                });
            }
            Err(error) => return Err(error),
        };
        let audit = self.parts.audit.get()?;
        let known = match &found {
            Found::ClientKey(key) => key.last_used_at,
            Found::UpstreamKey(_) => None,
        };
        let last_used = match known {
            Some(at) => Some(at),
            None => last_use(&audit, &found, now().plus_millis(-LOOK_BACK))?,
        };
        Ok(ScanVerified {
            found: Some(found),
            why: None,
            last_used,
        })
    }
}

impl Handle<ScanRecord> for Admin {
    fn handle(&self, _: ScanRecord) -> Result<ScanRecorded, AdminError> {
        Ok(ScanRecorded {})
    }
}
