//! The key that makes, lists and deletes a workspace's other keys.

use doorward_store::{KeyRole, UpstreamKey, UpstreamKeyState, Workspace};

use crate::admin::{AdminError, MANAGING};

/// The key under which an open rotation of `old` goes on: the one it was planned with while that is in
/// use, and the one that manages since when it was replaced or revoked meanwhile.
pub(super) fn keeper_of<'w>(
    workspace: &'w Workspace,
    planned: &str,
    old: Option<&str>,
) -> Option<&'w UpstreamKey> {
    let mut keys = workspace.upstream_keys.iter();
    let planned = keys.find(|key| key.id == planned);
    if let Some(key) = planned.filter(|key| key.state == UpstreamKeyState::Active) {
        return Some(key);
    }
    let another = manager_of(workspace, old).ok();
    another.or(planned.filter(|key| key.state == UpstreamKeyState::Retiring))
}

/// The key under which a workspace's keys are managed, other than `but` by Doorward's id: one that is
/// there for that, else the narrowest that is known to cover what is needed.
///
/// # Errors
/// What to do where there is none.
pub(super) fn manager_of<'w>(
    workspace: &'w Workspace,
    but: Option<&str>,
) -> Result<&'w UpstreamKey, AdminError> {
    let able = |key: &&UpstreamKey| {
        let known = key.scope_set();
        let covers = known.map(|scopes| MANAGING.iter().all(|op| scopes.covers(*op)));
        key.state == UpstreamKeyState::Active
            && match key.role {
                KeyRole::Manages => covers.unwrap_or(true),
                KeyRole::Carries => covers.unwrap_or(false),
            }
    };
    let others = workspace.upstream_keys.iter().filter(able);
    let found = others
        .clone()
        .filter(|key| Some(key.id.as_str()) != but)
        .min_by_key(|key| {
            let breadth = key
                .scope_set()
                .map_or(usize::MAX, |scopes| scopes.allows().len());
            (key.role != KeyRole::Manages, breadth, key.name.clone())
        });
    found.ok_or_else(|| {
        let why = match others.count() {
            0 => "no upstream key of the workspace may make, list and delete keys",
            _ => {
                "the key that manages can't be the key that is rotated, and the workspace has no \
                 other that may make, list and delete keys"
            }
        };
        AdminError::usage(format_args!(
            "{why}: make one in Instantly's settings with exactly api_keys:create, api_keys:read \
             and api_keys:delete, and add it with `doorward upstream adopt manager REF \
             --workspace {} --manages`",
            workspace.name
        ))
    })
}

#[cfg(test)]
mod tests {
    use doorward_policy::{Timestamp, WorkspaceKind};
    use doorward_store::{NewUpstreamKey, NewWorkspace, SqliteStore, Store};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn a_rotation_goes_on_under_the_key_that_manages_when_its_own_is_replaced_or_gone() {
        let store = SqliteStore::in_memory().unwrap();
        let new = NewWorkspace::new("acme", WorkspaceKind::Live, "https://api.instantly.ai");
        let workspace = store.create_workspace(&new, NOW).unwrap().id;
        let add = |name: &str, role| {
            let new = NewUpstreamKey {
                role,
                ..NewUpstreamKey::new(name, &format!("file:///run/{name}"))
            };
            store.add_upstream_key(&workspace, &new, NOW).unwrap().id
        };
        let reader = add("reader", KeyRole::Carries);
        let planned = add("manager", KeyRole::Manages);
        let keeper = || {
            let workspace = store.workspace(&workspace).unwrap();
            let found = keeper_of(&workspace, &planned, Some(&reader));
            found.map(|key| key.name.clone())
        };
        let state = |id: &str, state| {
            store.set_upstream_key_state(id, state).unwrap();
        };
        assert_eq!(keeper().as_deref(), Some("manager"));
        // Nothing better is there.
        state(&planned, UpstreamKeyState::Retiring);
        assert_eq!(keeper().as_deref(), Some("manager"));
        let next = add("manager-2", KeyRole::Manages);
        assert_eq!(keeper().as_deref(), Some("manager-2"));
        state(&planned, UpstreamKeyState::Retired);
        assert_eq!(keeper().as_deref(), Some("manager-2"));
        state(&next, UpstreamKeyState::Retired);
        assert_eq!(keeper(), None);
    }
}
