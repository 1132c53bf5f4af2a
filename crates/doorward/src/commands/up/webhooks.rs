//! The demo's webhooks: a source that the sandbox sends everything to, and a destination of its own.

use secrecy::SecretString;

use super::inbox::Inbox;
use crate::admin::{
    DestinationAdd, DestinationAsked, DestinationList, DestinationSet, DoorAsked, Session, Wanted,
    WebhookCreate, WebhookDelete, WebhookList,
};
use crate::context::Context;
use crate::exit::Failure;
use crate::relay::WEBHOOK_PROOF;

/// Names of the demo's source and destination.
pub(super) const SOURCE: &str = "demo";
const DESTINATION: &str = "inbox";

/// Makes what is missing, pointing at where everything is now. Gives where the sandbox sends to.
///
/// # Errors
/// When a request fails.
pub(super) async fn provision(
    context: &Context,
    session: &Session,
    relay_url: &str,
    inbox: &Inbox,
) -> Result<String, Failure> {
    let found = session.call(DestinationList {}).await?;
    let asked = DestinationAsked {
        url: Some(inbox.url.clone()),
        ..DestinationAsked::default()
    };
    let destination = match found.into_iter().find(|one| one.name == DESTINATION) {
        Some(there) if there.url == inbox.url => there,
        Some(there) => {
            let moved = DestinationSet {
                destination: there.id,
                asked,
                switch: None,
            };
            session.call(moved).await?
        }
        None => {
            let add = DestinationAdd {
                name: DESTINATION.to_owned(),
                asked,
                secret: None,
            };
            session.call(add).await?
        }
    };
    if let Some(kept) = destination.secrets.first() {
        let reference = kept.reference.parse().map_err(Failure::failed)?;
        let secrets = context.secrets.open()?;
        let secret: SecretString = secrets.read(&reference).map_err(Failure::failed)?;
        inbox.verify_with(secret);
    }
    let list = WebhookList {
        of: crate::admin::Scopeful {
            workspace: None,
            all: true,
        },
        fetch: false,
    };
    let sources = session.call(list).await?;
    let there = sources
        .into_iter()
        .flat_map(|of| of.sources)
        .find(|one| one.name == SOURCE);
    if let Some(there) = there {
        if there.url.starts_with(relay_url) {
            return Ok(there.url);
        }
        let gone = WebhookDelete {
            source: there.id,
            keep_subscription: false,
        };
        session.call(gone).await?;
    }
    let create = WebhookCreate {
        workspace: None,
        name: SOURCE.to_owned(),
        wanted: Wanted::Event {
            event: "all_events".to_owned(),
            campaign: None,
        },
        door: DoorAsked {
            public_url: Some(relay_url.to_owned()),
            proofs: vec![WEBHOOK_PROOF.to_owned()],
            allow: Vec::new(),
            to: None,
        },
    };
    Ok(session.call(create).await?.source.url)
}
