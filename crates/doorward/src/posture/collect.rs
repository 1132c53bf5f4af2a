//! Looks at a workspace at Instantly: each part under the narrowest key that may read it, all parts at
//! once, at the pace that clients' calls keep.

use std::future::Future;
use std::sync::Arc;

use doorward_catalog::Op;
use doorward_policy::Timestamp;
use doorward_posture::live::{Cause, Live, Part, Seen, Unseen};
use doorward_store::{UpstreamKey, UpstreamKeyState, Workspace};
use doorward_upstream::{Client, Error};
use tokio::runtime::Handle as Runtime;

use super::fingerprint::Fingerprints;
use super::reading;
use crate::inventory::{Reach, keeper};

/// Told how many items of a part were read so far.
pub(crate) type Progress = Arc<dyn Fn(Part, usize) + Send + Sync>;

/// How a workspace is looked at.
pub(crate) struct Collect<'a> {
    /// How Instantly is reached.
    pub(crate) reach: &'a Reach,
    /// Which parts.
    pub(crate) parts: &'a [Part],
    /// The audit log is read from then on.
    pub(crate) since: Timestamp,
    /// Makes the fingerprints of headers.
    pub(crate) fingerprints: &'a Fingerprints,
    /// Told how far it is.
    pub(crate) progress: Progress,
}

impl Collect<'_> {
    /// Looks at a workspace. Blocks; to be called where a runtime is.
    pub(crate) fn look(&self, workspace: &Workspace, now: Timestamp) -> Live {
        let client = |part| self.client(workspace, part);
        let workspace_of = client(Part::Workspace);
        let keys = client(Part::Keys);
        let subscriptions = client(Part::Subscriptions);
        let deliveries = client(Part::Deliveries);
        let members = client(Part::Members);
        let group = client(Part::Group);
        let block_list = client(Part::BlockList);
        let unsubscribed = client(Part::Unsubscribed);
        let sending_domains = client(Part::SendingDomains);
        let activity = client(Part::Activity);
        let told = |part| {
            let progress = Arc::clone(&self.progress);
            move |count| progress(part, count)
        };
        let fingerprints = self.fingerprints;
        Runtime::current().block_on(async {
            let configured = async {
                tokio::join!(
                    read(Part::Workspace, workspace_of, reading::workspace),
                    read(Part::Keys, keys, |at| reading::keys(at, told(Part::Keys))),
                    read(Part::Subscriptions, subscriptions, |at| {
                        reading::subscriptions(at, fingerprints, told(Part::Subscriptions))
                    }),
                    read(Part::Members, members, |at| {
                        reading::members(at, told(Part::Members))
                    }),
                    read(Part::Group, group, |at| {
                        reading::group(at, told(Part::Group))
                    }),
                )
            };
            let grown = async {
                tokio::join!(
                    read(Part::Deliveries, deliveries, |at| {
                        reading::deliveries(at, now, told(Part::Deliveries))
                    }),
                    read(Part::BlockList, block_list, |at| {
                        reading::block_list(at, told(Part::BlockList))
                    }),
                    read(Part::Unsubscribed, unsubscribed, |at| {
                        reading::unsubscribed(at, told(Part::Unsubscribed))
                    }),
                    read(Part::SendingDomains, sending_domains, |at| {
                        reading::sending_domains(at, told(Part::SendingDomains))
                    }),
                    read(Part::Activity, activity, |at| {
                        reading::activity(at, self.since, told(Part::Activity))
                    }),
                )
            };
            let (configured, grown) = tokio::join!(configured, grown);
            let (workspace, keys, subscriptions, members, group) = configured;
            let (deliveries, block_list, unsubscribed, sending_domains, activity) = grown;
            Live {
                at: now,
                workspace,
                keys,
                subscriptions,
                deliveries,
                members,
                group,
                block_list,
                unsubscribed,
                sending_domains,
                activity,
            }
        })
    }

    /// A client that may read a part, or why there is none.
    fn client(&self, workspace: &Workspace, part: Part) -> Result<Client, Unseen> {
        if !self.parts.contains(&part) {
            return Err(unseen(Cause::NotAsked, "it was not asked for".to_owned()));
        }
        let Some(key) = reader(workspace, part.operation()) else {
            let scope = part.operation().facts().scope;
            let told = format!(
                "no upstream key of '{0}' may read the {part} ({scope}): give Doorward one that may \
                 with `doorward upstream adopt NAME --from REF --workspace {0}`",
                workspace.name
            );
            return Err(unseen(Cause::Scope, told));
        };
        let client = self.reach.under(workspace, key);
        client.map_err(|error| unseen(Cause::Failed, error.message))
    }
}

/// The key that a part is read under: the narrowest that is known to cover it, else one of which nothing
/// is known.
fn reader(workspace: &Workspace, op: Op) -> Option<&UpstreamKey> {
    let unknown =
        |key: &&UpstreamKey| key.state == UpstreamKeyState::Active && key.scopes.is_none();
    keeper(workspace, &[op], None).or_else(|| workspace.upstream_keys.iter().find(unknown))
}

fn unseen(cause: Cause, told: String) -> Unseen {
    Unseen { cause, told }
}

/// Why a part could not be read.
pub(super) enum Failed {
    /// As Instantly answered.
    Instantly(Error),
    /// There is more than is looked at.
    TooMuch,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Instantly(error)
    }
}

/// Reads a part.
async fn read<T, F>(
    part: Part,
    client: Result<Client, Unseen>,
    read: impl FnOnce(Client) -> F,
) -> Seen<T>
where
    F: Future<Output = Result<T, Failed>>,
{
    let client = match client {
        Ok(client) => client,
        Err(why) => return Seen::NotLooked(why),
    };
    match read(client).await {
        Ok(it) => Seen::Looked(it),
        Err(failed) => Seen::NotLooked(told(part, &failed)),
    }
}

fn told(part: Part, failed: &Failed) -> Unseen {
    let error = match failed {
        Failed::TooMuch => {
            let told = format!(
                "the workspace has more than {} of the {part}, which is more than is looked at",
                part.most()
            );
            return unseen(Cause::TooMuch, told);
        }
        Failed::Instantly(error) => error,
    };
    let scope = part.operation().facts().scope;
    let (cause, why) = match error {
        Error::WrongScope { .. } => (
            Cause::Scope,
            format!("the key that was used has not the scope {scope}"),
        ),
        Error::NoPlan { .. } => (
            Cause::Plan,
            "the workspace has no active paid plan".to_owned(),
        ),
        Error::Forbidden { .. } | Error::NotFound { .. } => (
            Cause::Plan,
            format!(
                "Instantly refuses it, so that it may not be in the workspace's plan ({error})"
            ),
        ),
        Error::EdgeBlocked { .. } => (
            Cause::Edge,
            format!("it was blocked before Instantly saw it ({error})"),
        ),
        other => (Cause::Failed, other.to_string()),
    };
    unseen(cause, format!("the {part} can't be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_told_apart() {
        let op = Op::ListWorkspaceMember;
        let message = String::new;
        let cause = |error: Error| told(Part::Members, &Failed::Instantly(error)).cause;
        let wrong = Error::WrongScope {
            op,
            required: vec![],
            found: None,
        };
        assert_eq!(cause(wrong), Cause::Scope);
        assert_eq!(
            cause(Error::NoPlan {
                op,
                message: message()
            }),
            Cause::Plan
        );
        assert_eq!(
            cause(Error::EdgeBlocked {
                op,
                code: Some(1010)
            }),
            Cause::Edge
        );
        let dead = Error::DeadKey {
            op,
            message: message(),
        };
        assert_eq!(cause(dead), Cause::Failed);
        let much = told(Part::Members, &Failed::TooMuch);
        assert_eq!(much.cause, Cause::TooMuch);
        assert!(much.told.contains("20000 of the members"), "{}", much.told);
    }
}
