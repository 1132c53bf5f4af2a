//! What happens in a history, by chance.

use doorward_catalog::Op;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::requests::{CallSpec, FLAWS, Flaw, Shows};
use crate::upstream::Reply;

/// A change of the records. Numbers name what is there, modulo how many there are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    /// A client and a key of its.
    NewClient {
        workspace: u8,
        name: u8,
        environment: u8,
        grant: u8,
    },
    NewKey {
        client: u8,
        ends: u8,
    },
    Grant {
        client: u8,
        grant: u8,
    },
    Disable {
        client: u8,
        off: bool,
    },
    ClientEnds {
        client: u8,
        ends: u8,
    },
    Control {
        client: u8,
        networks: u8,
        limits: u8,
    },
    Revoke {
        key: u8,
    },
    KeyEnds {
        key: u8,
        ends: u8,
    },
    AddUpstreamKey {
        workspace: u8,
        scopes: u8,
    },
    UseUpstreamKey {
        workspace: u8,
        key: u8,
        used: u8,
    },
    Move {
        workspace: u8,
    },
    SaveRule {
        slot: u8,
        rule: u8,
        which: u8,
    },
    DropRule {
        slot: u8,
    },
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// The records change; they come into force at once or with a later reload.
    Change(Change, bool),
    Reload,
    /// Time passes.
    Wait(u8),
    /// A person decides on a request that waits.
    Decide {
        which: u8,
        yes: bool,
    },
    Call(CallSpec, Reply),
    /// An earlier call is made again, so many back.
    Again(u8, Reply),
    /// A person approves what waits longest, and the same call is made twice more.
    Approve(Reply),
    /// The records change, and come into force, while the body arrives.
    Held(CallSpec, Reply, Vec<Change>),
    /// The same happens, and another call is made, while the first is at the API.
    Pair(CallSpec, Reply, Vec<Change>, CallSpec, Reply),
}

/// A history: it begins with a few clients.
pub(crate) type History = (Vec<Change>, Vec<Step>);

pub(crate) fn history() -> impl Strategy<Value = History> {
    // One client that may do nearly all, for there to be something that is let go.
    let wide = Just(Change::NewClient {
        workspace: 0,
        name: 0,
        environment: 2,
        grant: 0,
    });
    let others = prop_oneof![3 => new_client(), 1 => rule()];
    let begin = (wide, vec(others, 1..5)).prop_map(|(wide, mut others)| {
        others.insert(0, wide);
        others
    });
    (begin, vec(step(), 10..70))
}

fn rule() -> impl Strategy<Value = Change> {
    (0..4_u8, any::<u8>(), 0..8_u8).prop_map(|(slot, rule, which)| Change::SaveRule {
        slot,
        rule,
        which,
    })
}

fn new_client() -> impl Strategy<Value = Change> {
    (0..2_u8, 0..3_u8, 0..3_u8, any::<u8>()).prop_map(|(workspace, name, environment, grant)| {
        Change::NewClient {
            workspace,
            name,
            environment,
            grant,
        }
    })
}

fn change() -> impl Strategy<Value = Change> {
    let n = || 0..8_u8;
    prop_oneof![
        2 => new_client(),
        2 => (n(), n()).prop_map(|(client, ends)| Change::NewKey { client, ends }),
        3 => (n(), any::<u8>()).prop_map(|(client, grant)| Change::Grant { client, grant }),
        2 => (n(), prop::bool::weighted(0.3)).prop_map(|(client, off)| Change::Disable { client, off }),
        1 => (n(), n()).prop_map(|(client, ends)| Change::ClientEnds { client, ends }),
        3 => (n(), n(), n()).prop_map(|(client, networks, limits)| Change::Control {
            client, networks, limits
        }),
        1 => n().prop_map(|key| Change::Revoke { key }),
        1 => (n(), n()).prop_map(|(key, ends)| Change::KeyEnds { key, ends }),
        3 => (0..2_u8, n()).prop_map(|(workspace, scopes)| Change::AddUpstreamKey {
            workspace, scopes
        }),
        5 => (0..2_u8, 0..3_u8, n()).prop_map(|(workspace, key, used)| Change::UseUpstreamKey {
            workspace, key, used
        }),
        1 => (0..2_u8).prop_map(|workspace| Change::Move { workspace }),
        4 => rule(),
        2 => (0..4_u8).prop_map(|slot| Change::DropRule { slot }),
    ]
}

/// Operations that much is known of here.
const FAVOURITES: [Op; 14] = [
    Op::ListCampaign,
    Op::GetCampaign,
    Op::PatchCampaign,
    Op::DeleteCampaign,
    Op::ActivateCampaign,
    Op::PauseCampaign,
    Op::CreateLead,
    Op::CreateLead,
    Op::BulkAddLeads,
    Op::ListLeads,
    Op::DeleteLead,
    Op::ListWebhook,
    Op::ListAPIKey,
    Op::GetCampaignAnalytics,
];

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..FAVOURITES.len()).prop_map(|n| FAVOURITES[n]),
        1 => (0..Op::COUNT).prop_map(|n| Op::ALL[n]),
    ]
}

fn shows() -> impl Strategy<Value = Shows> {
    prop_oneof![
        10 => Just(Shows::Issued(0)),
        20 => (0..10_u8).prop_map(Shows::Issued),
        1 => (0..10_u8).prop_map(Shows::Garbled),
        1 => Just(Shows::Unknown),
        1 => (0..6_u8).prop_map(Shows::Real),
        1 => Just(Shows::Nothing),
    ]
}

fn call() -> impl Strategy<Value = CallSpec> {
    let flaw = prop_oneof![
        8 => Just(Flaw::None),
        1 => (0..FLAWS.len()).prop_map(|n| FLAWS[n]),
    ];
    let named = prop_oneof![1 => Just(None), 1 => (0..2_u8).prop_map(Some)];
    let sub = prop_oneof![14 => Just(0_u8), 1 => 1..3_u8];
    let source = prop_oneof![6 => Just(1_u8), 1 => Just(2_u8), 1 => Just(5_u8), 1 => Just(77_u8)];
    let rest = (named, source, flaw);
    (shows(), op(), 0..6_u8, 0..4_u8, sub, rest).prop_map(
        |(shows, op, variant, query, sub, (named, source, flaw))| CallSpec {
            shows,
            op,
            variant,
            query,
            sub,
            named,
            source,
            flaw,
        },
    )
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        120 => Just(Reply::Well),
        40 => Just(Reply::Echo),
        16 => Just(Reply::EchoInError),
        10 => Just(Reply::DeadKey),
        10 => Just(Reply::WrongScope),
        10 => Just(Reply::TooMany),
        8 => Just(Reply::Broken),
        8 => Just(Reply::NotThere),
        10 => Just(Reply::Redirect),
        10 => Just(Reply::Short),
        12 => Just(Reply::Drop),
        1 => Just(Reply::Silence),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let calm = prop_oneof![Just(Reply::Well), Just(Reply::Echo)];
    let changes = || vec(change(), 0..3);
    prop_oneof![
        7 => (change(), prop::bool::weighted(0.8)).prop_map(|(change, now)| Step::Change(change, now)),
        2 => Just(Step::Reload),
        2 => any::<u8>().prop_map(Step::Wait),
        2 => (any::<u8>(), prop::bool::weighted(0.8)).prop_map(|(which, yes)| Step::Decide {
            which, yes
        }),
        24 => (call(), reply()).prop_map(|(call, reply)| Step::Call(call, reply)),
        8 => (0..5_u8, reply()).prop_map(|(back, reply)| Step::Again(back, reply)),
        2 => reply().prop_map(Step::Approve),
        2 => (call(), reply(), changes()).prop_map(|(call, reply, changes)| {
            Step::Held(call, reply, changes)
        }),
        2 => (call(), calm, changes(), call(), reply()).prop_map(|(a, first, changes, b, second)| {
            Step::Pair(a, first, changes, b, second)
        }),
    ]
}
