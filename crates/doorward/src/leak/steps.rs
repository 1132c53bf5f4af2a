//! What people have to do.

use super::deeds::Deeds;
use super::found::{Found, LeakedUpstream, Way};

/// How a person revokes a key that Doorward can't, step by step.
pub(crate) fn by_hand(key: &LeakedUpstream) -> Vec<String> {
    let mut steps = vec![
        "Sign in at https://app.instantly.ai as an owner or administrator of the workspace, and open \
         Settings, Integrations, API Keys."
            .to_owned(),
    ];
    let which = match (&key.name_there, &key.api_key_id) {
        (Some(name), Some(id)) => format!("the key named '{name}' (id {id})"),
        (None, Some(id)) => format!("the key with the id {id}"),
        _ => match &key.scopes {
            Some(scopes) => format!(
                "the key with just these scopes: {}. If several have them, each is suspect",
                scopes.join(", ")
            ),
            None => "the key whose value begins and ends as the leaked one does".to_owned(),
        },
    };
    if key.key_id.is_some() {
        let scopes = key.scopes.as_deref().unwrap_or_default().join(", ");
        let (what, how) = match scopes.as_str() {
            "" => ("a new key with the scopes of the leaked one".to_owned(), ""),
            scopes => (
                format!("a new key with the scopes {scopes}"),
                " (no others)",
            ),
        };
        steps.push(format!(
            "Create {what}{how}. It is shown once: keep the page open."
        ));
        steps.push(format!(
            "Give it to Doorward: `doorward workspace add {} --key-from -`, and paste it. Calls go out \
             under it from then on where the leaked one is refused.",
            key.workspace
        ));
    }
    steps.push(format!("Delete {which}."));
    steps.push(
        "Leave this running, or run `doorward leak respond` again: it tries the leaked key until it is \
         proved dead."
            .to_owned(),
    );
    steps
}

/// What to do once the key is dead.
pub(crate) fn next_steps(found: &Found, deeds: &Deeds, proved: bool) -> Vec<String> {
    let mut steps = Vec::new();
    if !proved {
        steps.push(
            "The key is not proved dead: treat it as alive, and run `doorward leak respond` again."
                .to_owned(),
        );
    }
    steps.push(
        "Find where it leaked, and take it away there: a repository (its history too), a log, a chat, \
         a build, a machine. Until then the next key goes the same way."
            .to_owned(),
    );
    let around = deeds.around.as_ref().map_or(0, |around| around.others);
    if around > 0 {
        steps.push(format!(
            "Look at each of the {around} acts around Doorward and undo what was not yours: what was \
             added, launched or changed is named by its id."
        ));
    }
    match found {
        Found::ClientKey(key) => {
            steps.push(format!(
                "Give client '{0}' a new key: `doorward key issue {0}`; and see whether it needs all \
                 that it is granted: `doorward recommend {0}`.",
                key.client
            ));
        }
        Found::UpstreamKey(key) => {
            if key.way == Way::ByHand && key.key_id.is_some() {
                steps.push(
                    "Give Doorward a key that manages the workspace's keys (api_keys:create, \
                     api_keys:read, api_keys:delete), so that the next answer takes seconds."
                        .to_owned(),
                );
            }
            if key.key_id.is_none() {
                steps.push(
                    "Nothing here calls under that key: whoever did is cut off now. Give them a client \
                     key of Doorward's rather than another of Instantly's."
                        .to_owned(),
                );
            }
            let webhooks =
                |scope: &String| scope.starts_with("webhooks:") || scope.starts_with("all:");
            if key.scopes.iter().flatten().any(webhooks) {
                steps.push(
                    "The key could read the headers of webhook subscriptions: replace the secrets that \
                     are in them."
                        .to_owned(),
                );
            }
            let made = deeds.around.as_ref().map(|around| &around.keys_made);
            for id in made.into_iter().flatten() {
                steps.push(format!(
                    "A key was made with it: unless it is yours, `doorward upstream revoke {id}`."
                ));
            }
            let keys =
                |scope: &String| scope.starts_with("api_keys:") || scope.starts_with("all:all");
            if key.scopes.iter().flatten().any(keys) {
                steps.push(
                    "The key could make keys: look for ones that nobody knows with `doorward upstream \
                     list`, and revoke them."
                        .to_owned(),
                );
            }
            steps.push(
                "Reads leave no trace at Instantly. What the key could read (see its reach) may have \
                 been read around Doorward: if that is people's data, ask whether it has to be reported."
                    .to_owned(),
            );
        }
    }
    steps
}
