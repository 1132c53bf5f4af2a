//! `GET /api-keys`, whole and bounded.

use doorward_keys::inventory::{Listed, Listing};
use doorward_upstream::{Client, Error};

use crate::admin::may_be_secret;
use crate::output::clean;
use crate::scrubbed::scrub;

/// Most keys that are listed.
pub(crate) const KEYS_MAX: usize = 10_000;
/// Most scopes of a key, and most characters of a text, that are looked at.
const SCOPES_MAX: usize = 512;
const TEXT_MAX: usize = 256;

/// The keys of the workspace that a client acts on, and Instantly's id of it as the keys say. No values,
/// masked or not.
///
/// # Errors
/// As Instantly answers.
pub(crate) async fn list_keys(client: &Client) -> Result<(Listing, Option<String>), Error> {
    let mut found = client.api_keys().list().all(KEYS_MAX + 1).await?;
    let whole = found.len() <= KEYS_MAX;
    found.truncate(KEYS_MAX);
    let mut places: Vec<String> = found
        .iter()
        .map(|key| shown(&key.organization_id))
        .collect();
    places.dedup();
    let place = match places.len() {
        1 => places.pop(),
        _ => None,
    };
    let keys = found.into_iter().map(|key| Listed {
        api_key_id: shown(&key.id),
        name: name(&key.name),
        scopes: key
            .scopes
            .iter()
            .take(SCOPES_MAX)
            .map(|scope| shown(scope))
            .collect(),
        created_at: key.timestamp_created.parse().ok(),
    });
    let keys = keys.collect();
    Ok((Listing { keys, whole }, place))
}

/// A name, unless somebody pasted a key where names belong.
fn name(text: &str) -> String {
    match may_be_secret(text) {
        true => "(not shown)".to_owned(),
        false => shown(text),
    }
}

/// A text of Instantly's: one line, bounded, without what secrets it may hold.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(TEXT_MAX).collect();
    scrub(clean(&short))
}
