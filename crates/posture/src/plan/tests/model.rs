//! What the steps come to, in a world of data.

use std::collections::BTreeSet;

use crate::live::Seen;
use crate::manifest::{DestinationSpec, MemberSpec};
use crate::plan::{
    Act, BlockedNow, ClientNow, DestinationNow, KeyNow, MemberNow, MembershipNow, Present,
    SourceNow, Step,
};

fn of<T>(seen: &mut Seen<T>) -> &mut T {
    match seen {
        Seen::Looked(it) => it,
        Seen::NotLooked(why) => panic!("{why:?}"),
    }
}

fn member(spec: &MemberSpec) -> MemberNow {
    MemberNow {
        id: "new".to_owned(),
        role: spec.role.clone(),
        permissions: spec.permissions.clone().unwrap_or_default(),
        nickname: spec.nickname.clone().unwrap_or_default(),
        accepted: false,
    }
}

fn take<T: Clone>(into: &mut T, declared: Option<&T>) {
    if let Some(declared) = declared {
        *into = declared.clone();
    }
}

fn destination(now: &mut DestinationNow, spec: &DestinationSpec) {
    now.url = spec.url.clone();
    take(&mut now.events, spec.events.as_ref());
    take(&mut now.campaigns, spec.campaigns.as_ref());
    take(&mut now.workspaces, spec.workspaces.as_ref());
    take(&mut now.form, spec.form.as_ref());
    take(&mut now.headers, spec.headers.as_ref());
    take(&mut now.in_order, spec.in_order.as_ref());
    take(&mut now.concurrency, spec.concurrency.as_ref());
    take(&mut now.rate, spec.rate.as_ref());
    take(&mut now.timeout_ms, spec.timeout_ms.as_ref());
    take(&mut now.paused, spec.paused.as_ref());
}

/// Does what a step says.
pub(super) fn carry_out(present: &mut Present, step: &Step) {
    let name = step.name.clone();
    let Some(workspace) = &step.workspace else {
        match &step.act {
            Act::DestinationAdd(spec) | Act::DestinationSet(spec) => {
                let now = present.destinations.entry(name).or_default();
                destination(now, spec);
            }
            Act::DestinationRemove => drop(present.destinations.remove(&name)),
            act => panic!("{act:?} of no workspace"),
        }
        return;
    };
    let there = present.workspaces.get_mut(workspace).unwrap();
    match &step.act {
        Act::KeyMake(spec) => {
            let key = KeyNow {
                scopes: spec.scopes.clone(),
                owner: spec.owner.clone().unwrap_or_default(),
                rotate_every: spec.rotate_every,
                ..KeyNow::default()
            };
            assert!(there.keys.insert(name, key).is_none());
        }
        Act::KeyReplace { scopes } => {
            there.keys.get_mut(&name).unwrap().scopes = Some(scopes.clone());
        }
        Act::KeyNote(spec) => {
            let key = there.keys.get_mut(&name).unwrap();
            take(&mut key.owner, spec.owner.as_ref());
            take(&mut key.rotate_every, spec.rotate_every.map(Some).as_ref());
            take(&mut key.manages, spec.manages.as_ref());
        }
        Act::KeyRevoke { .. } => {
            there.keys.remove(&name).unwrap();
        }
        Act::ClientCreate(spec) => {
            let mut client = super::client();
            client.grant = spec.grant.clone();
            change(&mut client, spec);
            assert!(there.clients.insert(name, client).is_none());
        }
        Act::ClientChange { spec, grant } => {
            let client = there.clients.get_mut(&name).unwrap();
            take(&mut client.grant, grant.as_ref());
            change(client, spec);
        }
        Act::ClientDelete => drop(there.clients.remove(&name).unwrap()),
        Act::SubscriptionMake(spec) => {
            let source = SourceNow {
                event: spec.event.clone(),
                campaign: spec.campaign.clone(),
                proof: spec.proof.clone().unwrap(),
                allow: spec.allow.clone().unwrap_or_default(),
                subscribed: true,
                ..SourceNow::default()
            };
            assert!(of(&mut there.sources).insert(name, source).is_none());
        }
        Act::SubscriptionAlign(spec) => {
            let source = of(&mut there.sources).get_mut(&name).unwrap();
            source.event.clone_from(&spec.event);
            source.campaign.clone_from(&spec.campaign);
            (source.subscribed, source.off) = (true, false);
        }
        Act::SubscriptionAllow { allow } => {
            let source = of(&mut there.sources).get_mut(&name).unwrap();
            source.allow.clone_from(allow);
        }
        Act::SubscriptionRemove => drop(of(&mut there.sources).remove(&name).unwrap()),
        Act::SubscriptionEnd { id } => {
            of(&mut there.stranger_subscriptions).retain(|one| one.id != *id);
        }
        Act::MemberInvite(spec) => {
            assert!(of(&mut there.members).insert(name, member(spec)).is_none());
        }
        Act::MemberSet(spec) => {
            let one = of(&mut there.members).get_mut(&name).unwrap();
            one.role.clone_from(&spec.role);
            take(&mut one.nickname, spec.nickname.as_ref());
        }
        Act::MemberAnew { spec, .. } => {
            let members = of(&mut there.members);
            assert_ne!(members.remove(&name).unwrap().role, "owner");
            members.insert(name, member(spec));
        }
        Act::MemberRemove { .. } => {
            assert_ne!(of(&mut there.members).remove(&name).unwrap().role, "owner");
        }
        Act::SubWorkspaceInvite => {
            let membership = MembershipNow {
                id: "new".to_owned(),
                name: String::new(),
                status: "pending".to_owned(),
            };
            of(&mut there.group).insert(name, membership);
        }
        Act::SubWorkspaceRemove { .. } => drop(of(&mut there.group).remove(&name).unwrap()),
        Act::Block { values } => {
            let entry = |value: &String| BlockedNow {
                id: format!("id-{value}"),
                value: value.clone(),
            };
            of(&mut there.block_list).extend(values.iter().map(entry));
        }
        Act::Unblock { ids } => {
            let gone: BTreeSet<&String> = ids.iter().collect();
            of(&mut there.block_list).retain(|one| !gone.contains(&one.id));
        }
        act => panic!("{act:?} of a workspace"),
    }
}

fn change(client: &mut ClientNow, spec: &crate::manifest::ClientSpec) {
    take(&mut client.owner, spec.owner.as_ref());
    take(&mut client.purpose, spec.purpose.as_ref());
    take(&mut client.disabled, spec.disabled.as_ref());
    let (now, said) = (&mut client.controls, &spec.controls);
    take(&mut now.class, said.class.clone().map(Some).as_ref());
    take(&mut now.weight, said.weight.map(Some).as_ref());
    take(&mut now.per_second, said.per_second.map(Some).as_ref());
    take(&mut now.sources, said.sources.clone().map(Some).as_ref());
    take(&mut now.redact, said.redact.clone().map(Some).as_ref());
}
