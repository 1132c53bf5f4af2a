//! By which number a workspace is paced: what Instantly counts by.

use std::sync::Arc;

use doorward_pace::{Spends, WorkspaceId};
use doorward_policy::WorkspaceKind;
use doorward_store::Workspace;

use crate::clients::caller::digest;

/// Whose budget a call with `x-as-workspace` spends. The vendor does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AsWorkspace {
    /// The sub-workspace's and the admin's: safe whichever it is.
    #[default]
    Both,
    /// The sub-workspace's.
    Sub,
    /// The admin's.
    Admin,
}

/// By which numbers a workspace and what is reached through it are paced. Several records of one
/// workspace of Instantly's have one budget, so Instantly's own id of it counts, where it is known.
#[derive(Debug, Clone)]
pub struct PaceId {
    record: Arc<str>,
    number: WorkspaceId,
    /// Of an emulated workspace where it is emulated: its ids mean nothing elsewhere.
    within: Option<Arc<str>>,
}

impl PaceId {
    /// Of a workspace's record.
    pub fn of(workspace: &Workspace) -> Self {
        let within = match workspace.kind {
            WorkspaceKind::Sandbox => Some(Arc::from(workspace.base_url.as_str())),
            WorkspaceKind::Live => None,
        };
        let mut id = Self {
            record: Arc::from(workspace.id.as_str()),
            number: WorkspaceId(digest(&[b"record", workspace.id.as_bytes()])),
            within,
        };
        if let Some(known) = &workspace.instantly_id {
            id.number = id.named(known);
        }
        id
    }

    /// Of a workspace that has no record yet, at that address.
    pub fn unrecorded(base_url: &str) -> Self {
        Self {
            record: Arc::from(""),
            number: WorkspaceId(digest(&[b"unrecorded", base_url.as_bytes()])),
            within: None,
        }
    }

    /// Doorward's id of the workspace; empty when it has none yet.
    pub(crate) fn record(&self) -> &Arc<str> {
        &self.record
    }

    pub(crate) fn number(&self) -> WorkspaceId {
        self.number
    }

    /// The number of a workspace that Instantly knows by that id.
    fn named(&self, id: &str) -> WorkspaceId {
        let lower = id.to_ascii_lowercase();
        WorkspaceId(match (&self.within, uuid(&lower)) {
            (None, Some(number)) => number,
            (None, None) => digest(&[b"instantly", id.as_bytes()]),
            (Some(within), _) => digest(&[b"sandbox", within.as_bytes(), lower.as_bytes()]),
        })
    }

    pub(crate) fn spends(&self, as_workspace: Option<&str>, whose: AsWorkspace) -> Spends {
        let Some(sub) = as_workspace else {
            return Spends::one(self.number);
        };
        match whose {
            AsWorkspace::Both => Spends::both(self.named(sub), self.number),
            AsWorkspace::Sub => Spends::one(self.named(sub)),
            AsWorkspace::Admin => Spends::one(self.number),
        }
    }
}

/// A uuid in lower case, as a number.
fn uuid(text: &str) -> Option<u128> {
    let mut number: u128 = 0;
    if text.len() != 36 {
        return None;
    }
    for (at, byte) in text.bytes().enumerate() {
        let digit = match (at, byte) {
            (8 | 13 | 18 | 23, b'-') => continue,
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => byte - b'0',
            (_, b'a'..=b'f') => byte - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(digit);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_policy::Timestamp;

    const ID: &str = "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f";

    fn record(id: &str, kind: WorkspaceKind, host: &str, instantly: Option<&str>) -> PaceId {
        PaceId::of(&Workspace {
            id: id.to_owned(),
            name: id.to_owned(),
            instantly_id: instantly.map(str::to_owned),
            kind,
            base_url: format!("https://{host}"),
            environments: Default::default(),
            upstream_keys: Vec::new(),
            created_at: Timestamp::from_seconds(0),
        })
    }

    #[test]
    fn records_of_one_workspace_have_one_number() {
        let live = |id, host, instantly| record(id, WorkspaceKind::Live, host, instantly).number();
        let one = live("ws_1", "a", Some(ID));
        assert_eq!(one, WorkspaceId(0x0195_f3a2_1b2c_7d3e_8f40_5a6b_7c8d_9e0f));
        let upper = ID.to_uppercase();
        assert_eq!(live("ws_2", "b", Some(&upper)), one);
        assert_ne!(live("ws_1", "a", None), one);
        assert_ne!(live("ws_1", "a", None), live("ws_2", "a", None));
        // An emulated one is another at each place.
        let sandbox = |host| record("ws_1", WorkspaceKind::Sandbox, host, Some(ID)).number();
        assert_ne!(sandbox("a"), one);
        assert_ne!(sandbox("a"), sandbox("b"));
    }

    #[test]
    fn whose_budget_is_spent_is_a_setting() {
        let admin = record("ws_1", WorkspaceKind::Live, "a", None);
        let sub = record("ws_2", WorkspaceKind::Live, "a", Some(ID));
        let spent = |sub, whose| admin.spends(sub, whose).workspaces().collect::<Vec<_>>();
        for whose in [AsWorkspace::Both, AsWorkspace::Sub, AsWorkspace::Admin] {
            assert_eq!(spent(None, whose), [admin.number()]);
        }
        assert_eq!(
            spent(Some(ID), AsWorkspace::Both),
            [admin.number(), sub.number()]
        );
        assert_eq!(spent(Some(ID), AsWorkspace::Sub), [sub.number()]);
        assert_eq!(spent(Some(ID), AsWorkspace::Admin), [admin.number()]);
        assert_eq!(
            sub.spends(Some(ID), AsWorkspace::Both),
            Spends::one(sub.number())
        );
    }

    #[test]
    fn what_is_no_uuid_is_none() {
        for text in [
            "",
            "0195f3a21b2c7d3e8f405a6b7c8d9e0f",
            &ID.replace('f', "g"),
            "é",
        ] {
            assert_eq!(uuid(text), None, "{text}");
        }
    }
}
