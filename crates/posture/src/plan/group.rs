//! Steps for the group of an admin workspace.

use doorward_catalog::Risk;

use super::make::{Draft, Of};
use super::step::{Act, Sign};
use crate::manifest::Kind;

const INVITE: u16 = 18;
const REMOVE: u16 = 82;
const KIND: Kind = Kind::SubWorkspace;

pub(super) fn plan(of: &mut Of<'_, '_, '_>) {
    let wanted = of.spec.prune.contains(&KIND) || of.spec.sub_workspaces.is_some();
    let Some(there) = of.looked(KIND, &of.there.group, wanted) else {
        return;
    };
    let declared = of.spec.sub_workspaces.iter().flatten();
    for id in declared.filter(|id| !there.contains_key(*id)) {
        of.step(Draft {
            kind: KIND,
            name: id.clone(),
            sign: Sign::Make,
            risk: Risk::High,
            rank: INVITE,
            changes: Vec::new(),
            told: vec!["once it accepts, this workspace's keys act on it".to_owned()],
            act: Act::SubWorkspaceInvite,
        });
    }
    for (id, membership) in there {
        let declared = of.spec.sub_workspaces.as_ref();
        if declared.is_some_and(|all| all.contains(id)) || !of.prunes(KIND) {
            continue;
        }
        of.step(Draft {
            kind: KIND,
            name: id.clone(),
            sign: Sign::Remove,
            risk: Risk::Critical,
            rank: REMOVE,
            changes: Vec::new(),
            told: vec![format!("'{}' leaves the group", membership.name)],
            act: Act::SubWorkspaceRemove {
                id: membership.id.clone(),
            },
        });
    }
}
