//! Which of a workspace's listed keys a value is.

use doorward_catalog::wire::ApiKey;
use secrecy::{ExposeSecret, SecretString};

use crate::client::Client;
use crate::error::Error;
use crate::probe::{is_surely_ours, mask_fits};

/// Most keys that are looked at.
const KEYS_MAX: usize = 10_000;

/// A listed key that a value is, or may be. Holds no part of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// Instantly's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its scopes, as Instantly spells them.
    pub scopes: Vec<String>,
    /// Instantly's id of its workspace.
    pub place: String,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Whether it is beyond doubt: what is listed holds the value, or the value names the id. Else
    /// it is the only one whose masked value fits.
    pub sure: bool,
}

impl Client {
    /// Looks a key's value up among the keys that this client's own key may list. `None` when it is
    /// none of them, or several may be it.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn identify(&self, value: &SecretString) -> Result<Option<Identified>, Error> {
        let listed = self.api_keys().list().all(KEYS_MAX + 1).await?;
        let whole = listed.len() <= KEYS_MAX;
        Ok(single(&listed, value.expose_secret(), whole))
    }
}

fn single(listed: &[ApiKey], value: &str, whole: bool) -> Option<Identified> {
    let found = |entry: &ApiKey, sure| Identified {
        id: entry.id.clone(),
        name: entry.name.clone(),
        scopes: entry.scopes.clone(),
        place: entry.organization_id.clone(),
        created: entry.timestamp_created.clone(),
        sure,
    };
    if let Some(entry) = listed.iter().find(|entry| is_surely_ours(entry, value)) {
        return Some(found(entry, true));
    }
    let fits = |entry: &&ApiKey| mask_fits(entry.key.expose_secret(), value);
    let mut fitting = listed.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) if whole => Some(found(only, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::UpstreamKeyFormat;

    const UUID: &str = "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f";

    fn entry(id: &str, key: &str) -> ApiKey {
        let entry = serde_json::json!({
            "id": id,
            "name": "reader",
            "scopes": ["leads:read"],
            "key": key,
            "organization_id": UUID,
            "timestamp_created": "2026-01-01T00:00:00Z",
            "timestamp_updated": "2026-01-01T00:00:00Z",
        });
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn a_value_is_known_by_its_id_or_by_a_mask_that_fits_no_other() {
        let value = UpstreamKeyFormat::compose(UUID, "aB3dE5gH7jK9");
        let mask = format!("{}…{}", &value[..6], &value[value.len() - 4..]);
        let id = |listed: &[ApiKey], whole| {
            single(listed, &value, whole).map(|found| (found.id, found.sure))
        };
        assert_eq!(id(&[], true), None);
        let other = entry("other", "****");
        let sure = [other.clone(), entry(UUID, "****")];
        assert_eq!(id(&sure, false), Some((UUID.to_owned(), true)));
        let clear = [other.clone(), entry("clear", &value)];
        assert_eq!(id(&clear, true), Some(("clear".to_owned(), true)));
        let masked = [other, entry("masked", &mask)];
        assert_eq!(id(&masked, true), Some(("masked".to_owned(), false)));
        assert_eq!(
            id(&masked, false),
            None,
            "another may fit that was not seen"
        );
        let two = [entry("a", &mask), entry("b", &mask)];
        assert_eq!(id(&two, true), None);
    }
}
