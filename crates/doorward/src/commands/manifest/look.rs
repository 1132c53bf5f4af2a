//! What is there, of the kinds that are declared.

use std::collections::{BTreeMap, BTreeSet};

use doorward_posture::live::{Cause, Seen};
use doorward_posture::manifest::{Kind, Manifest, WorkspaceSpec};
use doorward_posture::plan::{BlockedNow, MembershipNow, Present, WorkspaceNow};

use super::views::{client, destination, keys, member, source, stranger};
use crate::admin::{
    ClientList, DestinationList, GroupList, KeyStrangers, MemberList, Scopeful, Session,
    WebhookList, WorkspaceList, WorkspaceView,
};
use crate::commands::blocklist::{Reading, read_all};
use crate::exit::{Failure, Fault};

/// Looks at what a manifest declares, of these kinds alone.
///
/// # Errors
/// When Doorward itself can't be asked; what Instantly does not tell is noted as not looked at.
pub(super) async fn declared(
    session: &Session,
    manifest: &Manifest,
    kinds: &BTreeSet<Kind>,
) -> Result<Present, Failure> {
    let mut present = Present::default();
    let known = session.call(WorkspaceList {}).await?;
    for view in &known {
        let spec = manifest.workspaces.get(&view.name);
        let wanted =
            |kind: Kind| kinds.contains(&kind) && spec.is_some_and(|spec| declares(spec, kind));
        let there = workspace(session, view, &wanted).await?;
        present.workspaces.insert(view.name.clone(), there);
    }
    if kinds.contains(&Kind::Destination) {
        destinations(session, &mut present).await?;
    }
    Ok(present)
}

/// Looks at everything of these workspaces.
///
/// # Errors
/// As [`declared`].
pub(super) async fn everything(
    session: &Session,
    workspaces: &[WorkspaceView],
) -> Result<Present, Failure> {
    let mut present = Present::default();
    for view in workspaces {
        let there = workspace(session, view, &|_| true).await?;
        present.workspaces.insert(view.name.clone(), there);
    }
    destinations(session, &mut present).await?;
    Ok(present)
}

fn declares(spec: &WorkspaceSpec, kind: Kind) -> bool {
    let said = match kind {
        Kind::UpstreamKey | Kind::Destination => false,
        Kind::Client => !spec.clients.is_empty(),
        Kind::Subscription => !spec.subscriptions.is_empty(),
        Kind::Member => !spec.members.is_empty(),
        Kind::SubWorkspace => spec.sub_workspaces.is_some(),
        Kind::BlockList => spec.blocked().is_some(),
    };
    // Of keys, those that are held are always looked at; these are the others.
    said || spec.prune.contains(&kind)
}

async fn destinations(session: &Session, present: &mut Present) -> Result<(), Failure> {
    let all = session.call(DestinationList {}).await?;
    let all = all.iter().map(|one| (one.name.clone(), destination(one)));
    present.destinations = all.collect();
    Ok(())
}

/// What was asked of Instantly, or why it was not told. What Doorward itself says stays a failure.
fn seen<T>(asked: Result<T, Failure>) -> Result<Seen<T>, Failure> {
    match asked {
        Ok(it) => Ok(Seen::Looked(it)),
        Err(failure) if failure.fault == Fault::Failed => {
            Ok(Seen::not(Cause::Failed, failure.to_string()))
        }
        Err(failure) => Err(failure),
    }
}

async fn workspace(
    session: &Session,
    view: &WorkspaceView,
    wanted: &dyn Fn(Kind) -> bool,
) -> Result<WorkspaceNow, Failure> {
    let mut there = WorkspaceNow::unseen(view.kind);
    there.instantly_id.clone_from(&view.instantly_id);
    there.keys = keys(view);
    let name = || view.id.clone();
    let of = || Scopeful {
        workspace: Some(name()),
        all: false,
    };
    if wanted(Kind::UpstreamKey) {
        let call = KeyStrangers { workspace: name() };
        there.stranger_keys = match seen(session.call(call).await)? {
            Seen::Looked(found) if found.may_be_held.is_empty() => found.strangers().into(),
            Seen::Looked(found) => Seen::not(
                Cause::Failed,
                format!(
                    "which of the keys that Instantly lists these are is not known: {}; tell with \
                     `doorward upstream adopt NAME --api-key-id ID`",
                    found.may_be_held.join(", ")
                ),
            ),
            Seen::NotLooked(why) => Seen::NotLooked(why),
        };
    }
    if wanted(Kind::Client) {
        let all = session.call(ClientList { of: of() }).await?;
        let all = all.iter().map(|one| (one.name.clone(), client(one)));
        there.clients = all.collect();
    }
    if wanted(Kind::Subscription) {
        let call = WebhookList {
            of: of(),
            fetch: true,
        };
        for found in session.call(call).await? {
            if let Some(why) = found.not_asked {
                there.sources = Seen::not(Cause::Failed, why.clone());
                there.stranger_subscriptions = Seen::not(Cause::Failed, why);
                continue;
            }
            let sources = found.sources.iter();
            let sources = sources.map(|one| (one.name.clone(), source(one)));
            there.sources = Seen::Looked(sources.collect());
            let strangers: Vec<_> = found.elsewhere.iter().map(stranger).collect();
            there.stranger_subscriptions = strangers.into();
        }
    }
    if wanted(Kind::Member) {
        let listed = seen(session.call(MemberList { of: of() }).await)?;
        there.members = listed.map(|found| {
            let all = found.iter().flat_map(|one| &one.members);
            let mut people = BTreeMap::new();
            for one in all {
                // Of two with one address, whoever is in counts.
                let (email, now) = (one.email.clone(), member(one));
                if now.accepted || !people.contains_key(&email) {
                    people.insert(email, now);
                }
            }
            people
        });
    }
    if wanted(Kind::SubWorkspace) {
        let listed = seen(session.call(GroupList { workspace: name() }).await)?;
        there.group = listed.map(|found| {
            let one = |one: crate::admin::GroupMember| {
                let now = MembershipNow {
                    id: one.id,
                    name: one.name,
                    status: one.status,
                };
                (one.sub_workspace, now)
            };
            found.into_iter().map(one).collect()
        });
    }
    if wanted(Kind::BlockList) {
        there.block_list = block_list(session, name()).await?;
    }
    Ok(there)
}

/// The block list, whole.
///
/// # Errors
/// When Doorward itself can't be asked.
pub(super) async fn block_list(
    session: &Session,
    workspace: String,
) -> Result<Seen<Vec<BlockedNow>>, Failure> {
    let reading = Reading {
        workspace: Some(workspace),
        ..Reading::default()
    };
    let mut all = Vec::new();
    let read = read_all(session, &reading, |entry| {
        all.push(BlockedNow {
            id: entry.id,
            value: entry.value,
        });
    });
    let read = read.await;
    Ok(seen(read)?.map(|_| all))
}
