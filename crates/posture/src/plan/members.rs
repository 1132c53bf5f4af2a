//! Steps for people. Instantly lets a role and a nickname be changed; whose permissions are to change is
//! removed and invited again. No owner is ever touched.

use doorward_catalog::Risk;

use super::make::{Draft, Of, differ, quoted, shown, shown_set};
use super::present::MemberNow;
use super::step::{Act, Changed, Sign};
use crate::manifest::{Kind, MemberSpec};

const INVITE: u16 = 50;
const SET: u16 = 52;
const ANEW: u16 = 54;
const REMOVE: u16 = 80;
const KIND: Kind = Kind::Member;
const OWNER: &str = "owner";

pub(super) fn plan(of: &mut Of<'_, '_, '_>) {
    let wanted = of.spec.prune.contains(&KIND) || !of.spec.members.is_empty();
    let Some(there) = of.looked(KIND, &of.there.members, wanted) else {
        return;
    };
    for (email, spec) in &of.spec.members {
        match there.get(email) {
            None => invite(of, email, spec),
            Some(there) => change(of, email, spec, there),
        }
    }
    for (email, there) in there {
        if of.spec.members.contains_key(email) || !of.prunes(KIND) {
            continue;
        }
        if there.role == OWNER {
            let why = "an owner is never removed; declare them, or hand ownership on in Instantly's \
                       settings";
            of.cannot(KIND, email, why);
            continue;
        }
        let told = match there.accepted {
            true => "API keys that they made live on",
            false => "the invitation is taken back",
        };
        of.step(Draft {
            kind: KIND,
            name: email.clone(),
            sign: Sign::Remove,
            risk: Risk::High,
            rank: REMOVE,
            changes: vec![Changed {
                field: "role",
                from: there.role.clone(),
                to: String::new(),
            }],
            told: vec![told.to_owned()],
            act: Act::MemberRemove {
                id: there.id.clone(),
            },
        });
    }
}

fn risk_of(role: &str) -> Risk {
    match role {
        "admin" | OWNER => Risk::High,
        _ => Risk::Medium,
    }
}

fn invite(of: &mut Of<'_, '_, '_>, email: &str, spec: &MemberSpec) {
    if spec.role == OWNER {
        let why =
            "nobody is made an owner through the API; hand ownership on in Instantly's settings";
        return of.cannot(KIND, email, why);
    }
    let mut changes = vec![Changed {
        field: "role",
        from: String::new(),
        to: spec.role.clone(),
    }];
    if let Some(permissions) = &spec.permissions {
        changes.push(Changed {
            field: "permissions",
            from: String::new(),
            to: shown(permissions),
        });
    }
    of.step(Draft {
        kind: KIND,
        name: email.to_owned(),
        sign: Sign::Make,
        risk: risk_of(&spec.role),
        rank: INVITE,
        changes,
        told: vec!["they are in when they accept the invitation".to_owned()],
        act: Act::MemberInvite(spec.clone()),
    });
}

fn change(of: &mut Of<'_, '_, '_>, email: &str, spec: &MemberSpec, there: &MemberNow) {
    let mut changes = Vec::new();
    let role = differ(&mut changes, "role", &there.role, Some(&spec.role), quoted);
    let permissions = spec.permissions.as_ref();
    let anew = differ(
        &mut changes,
        "permissions",
        &there.permissions,
        permissions,
        shown_set,
    );
    differ(
        &mut changes,
        "nickname",
        &there.nickname,
        spec.nickname.as_ref(),
        quoted,
    );
    if changes.is_empty() {
        return;
    }
    if role && spec.role == OWNER {
        let why =
            "nobody is made an owner through the API; hand ownership on in Instantly's settings";
        return of.cannot(KIND, email, why);
    }
    if there.role == OWNER && (role || anew) {
        let why = "an owner's role and permissions are never touched; hand ownership on in Instantly's \
                   settings first";
        return of.cannot(KIND, email, why);
    }
    let risk = match anew {
        true => Risk::High,
        false if role => risk_of(&spec.role),
        false => Risk::Low,
    };
    let (sign, rank, told, act) = match anew {
        false => (Sign::Change, SET, Vec::new(), Act::MemberSet(spec.clone())),
        true => {
            let told = match there.accepted {
                true => {
                    "Instantly lets no permissions be changed: they are removed and invited again, and \
                     are out until they accept"
                }
                false => "the invitation is taken back and sent again",
            };
            let nickname = Some(there.nickname.clone()).filter(|name| !name.is_empty());
            let spec = MemberSpec {
                nickname: spec.nickname.clone().or(nickname),
                ..spec.clone()
            };
            let id = there.id.clone();
            (
                Sign::Anew,
                ANEW,
                vec![told.to_owned()],
                Act::MemberAnew { id, spec },
            )
        }
    };
    of.step(Draft {
        kind: KIND,
        name: email.to_owned(),
        sign,
        risk,
        rank,
        changes,
        told,
        act,
    });
}
