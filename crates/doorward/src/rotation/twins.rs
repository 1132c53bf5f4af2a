//! Two records of one key: what is done to the one befalls the other.

use doorward_secrets::SecretRef;
use doorward_store::{UpstreamKey, UpstreamKeyState};

use super::parts::{Parts, print};
use crate::admin::AdminError;

/// Refuses a key that another record which is in use holds too: by its place, by Instantly's id, or by
/// its value. Blocks: it reads the values of all keys, and one that can't be read has none.
///
/// # Errors
/// Which other there is, and what to do; and when the store can't be read.
pub(super) fn refuse_twin(
    parts: &Parts,
    key: &UpstreamKey,
    api_key_id: &str,
) -> Result<(), AdminError> {
    let value = |reference: &str| {
        let reference: SecretRef = reference.parse().ok()?;
        Some(print(&parts.secrets.find(&reference).ok()?.secret))
    };
    let own = value(&key.reference);
    for workspace in parts.store.workspaces()? {
        let others = workspace.upstream_keys.iter();
        let twin = others
            .filter(|other| other.id != key.id && other.state != UpstreamKeyState::Retired)
            .find(|other| {
                other.reference == key.reference
                    || other.api_key_id.as_deref() == Some(api_key_id)
                    || (own.is_some() && value(&other.reference) == own)
            });
        if let Some(twin) = twin {
            return Err(AdminError::usage(format_args!(
                "the upstream key '{}' and '{}' of {} are one key, and both would be dead: take one \
                 out first with `doorward workspace remove-key {} {}`",
                key.name, twin.name, workspace.name, workspace.name, twin.name
            )));
        }
    }
    Ok(())
}
