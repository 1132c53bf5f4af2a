//! Every check passes where all is well, and each finds its own fault and no other check does.

use std::collections::BTreeSet;

use doorward_catalog::people::Role;
use doorward_catalog::{Environment, Op, OpSet};
use doorward_finding::{Outcome, Severity};
use doorward_keys::inventory::Uses;

use super::fixtures::{NOW, ago, file, listed, member, secret, subscription, thresholds, well};
use super::registry::{CODE, code};
use super::{Asked, Ran, Selection, all, run};
use crate::Thresholds;
use crate::here::{Around, Facts, Folder, HeldKey, Owed, WorkspaceFacts};
use crate::live::{Cause, Live, Seen, Unsubscribed, UserTraces};

fn checked(facts: &Facts, thresholds: &Thresholds) -> Ran {
    let selection = Selection::default();
    let asked = Asked {
        selection: &selection,
        thresholds,
        version: "0.0.0",
        now: NOW,
    };
    run(facts, &asked)
}

fn failed(ran: &Ran) -> Vec<&str> {
    let rules = ran.report.rules.iter();
    rules
        .filter(|ruled| ruled.outcome == Outcome::Failed)
        .map(|ruled| ruled.rule.id.as_str())
        .collect()
}

/// What breaks.
struct Broken<'a> {
    facts: &'a mut Facts,
    thresholds: &'a mut Thresholds,
}

impl Broken<'_> {
    fn workspace(&mut self) -> &mut WorkspaceFacts {
        &mut self.facts.workspaces[0]
    }

    fn live(&mut self) -> &mut Live {
        &mut self.workspace().live
    }

    /// The key that carries calls.
    fn key(&mut self) -> &mut HeldKey {
        &mut self.workspace().keys[0]
    }

    /// The scopes of that key, here and there.
    fn scopes(&mut self, scopes: &[&str]) {
        let there = listed("k1", "dashboard", scopes);
        self.key().scopes = Some(there.scopes.clone());
        of(&mut self.live().keys)[0] = there;
    }

    fn folder(&mut self) -> &mut Folder {
        of(&mut self.facts.folder)
    }

    /// What Instantly's log has of Bob.
    fn bob(&mut self) -> &mut UserTraces {
        let users = &mut of(&mut self.live().activity).users;
        users.get_mut("u-bob").unwrap()
    }
}

fn of<T>(seen: &mut Seen<T>) -> &mut T {
    match seen {
        Seen::Looked(it) => it,
        Seen::NotLooked(why) => panic!("{why:?}"),
    }
}

type Break = fn(&mut Broken<'_>);

/// For each check what it finds.
const BREAKS: &[(&str, Break)] = &[
    ("keys.wildcard", |it| {
        it.scopes(&["all:read"]);
        it.key().added_at = NOW;
    }),
    ("keys.wider_than_used", |it| {
        it.scopes(&["campaigns:read", "leads:read"])
    }),
    ("keys.shared", |it| {
        let keys = &mut of(&mut it.live().activity).keys;
        let programs = &mut keys.get_mut("k1").unwrap().programs;
        programs.insert("zapier".to_owned());
    }),
    ("keys.over_age", |it| {
        it.key().rotate_every = Some(86_400_000)
    }),
    ("keys.unused", |it| {
        of(&mut it.key().uses).calls = Uses::default();
        of(&mut it.live().activity).keys.clear();
    }),
    ("keys.unknown", |it| {
        of(&mut it.live().keys).push(listed("k3", "zapier", &["leads:read"]));
    }),
    ("keys.no_owner", |it| it.key().owner = None),
    ("keys.management_rotated", |it| {
        it.scopes(&["api_keys:create", "api_keys:delete"]);
        it.key().added_at = NOW;
    }),
    ("keys.meaningless_name", |it| {
        of(&mut it.live().keys)[0].name = "Key 1".to_owned()
    }),
    ("keys.reads_secrets", |it| {
        it.scopes(&["campaigns:read", "webhooks:read"]);
        it.key().added_at = NOW;
    }),
    ("keys.revocation_owed", |it| {
        it.workspace().owed.push(Owed {
            id: "rev1".to_owned(),
            rotation: false,
            api_key_id: Some("k9".to_owned()),
            step: "delete".to_owned(),
            tries: 4,
            since: ago(2),
        });
    }),
    ("secrets.plain_configuration", |it| {
        it.folder().files.push(file("settings.yaml", None));
    }),
    ("secrets.world_readable", |it| {
        it.folder().files[1].read_by_all = true
    }),
    ("secrets.tracked_env", |it| {
        let repository = of(&mut it.folder().repository).as_mut().unwrap();
        repository.tracked.push(".env".to_owned());
    }),
    ("secrets.gitignore", |it| {
        let repository = of(&mut it.folder().repository).as_mut().unwrap();
        repository.not_ignored = vec![".env".to_owned(), "*.key".to_owned()];
    }),
    ("secrets.provider_unreachable", |it| {
        of(&mut it.facts.secrets)[0].fault = Some("no route".to_owned());
    }),
    ("secrets.across_environments", |it| {
        let staged = secret("file:///run/staged", Environment::Staging, "one");
        of(&mut it.facts.secrets).push(staged);
    }),
    ("secrets.production_in_development", |it| {
        it.folder().files[1].secrets[0].fingerprint = "one".to_owned();
    }),
    ("webhooks.no_secret_header", |it| {
        of(&mut it.live().subscriptions)[0].headers.clear()
    }),
    ("webhooks.http_target", |it| {
        let plain = subscription("s2", "http://crm.acme.example/in");
        of(&mut it.live().subscriptions).push(plain);
    }),
    ("webhooks.disabled", |it| {
        let one = &mut of(&mut it.live().subscriptions)[0];
        (one.disabled, one.disabled_at) = (true, Some(ago(1)));
    }),
    ("webhooks.failing", |it| {
        let url = "https://hooks.acme.example/in/src_1";
        let deliveries = of(&mut it.live().deliveries);
        (0..2).for_each(|_| deliveries.add(url, false));
    }),
    ("webhooks.unknown_host", |it| {
        let strange = subscription("s2", "https://notacme.example/in");
        of(&mut it.live().subscriptions).push(strange);
    }),
    ("webhooks.secret_over_age", |it| {
        it.workspace().sources[0].secret_made_at = Some(ago(91));
    }),
    ("webhooks.all_events", |it| {
        of(&mut it.live().subscriptions)[0].event_type = Some("all_events".to_owned());
        it.workspace().sources[0].used_types = Some(vec!["reply_received".to_owned()]);
    }),
    ("webhooks.no_allow_list", |it| {
        it.workspace().sources[0].allow.clear()
    }),
    ("webhooks.quarantine_growing", |it| {
        of(&mut it.workspace().sources[0].quarantined).today = 10;
    }),
    ("webhooks.reconciliation_old", |it| {
        it.workspace().sources[0].reconciled_to = Some(ago(1)).into();
    }),
    ("audit.review_overdue", |it| {
        of(&mut it.facts.server.review).due = ago(1)
    }),
    ("audit.ledger_unverified", |it| {
        of(&mut it.facts.server.ledger).fault = Some("leaf 7 was changed".to_owned());
    }),
    ("audit.witness_lag", |it| {
        of(&mut it.facts.server.witnesses)[0].lag = 1_000
    }),
    ("audit.sink_lag", |it| {
        let sink = &mut of(&mut it.facts.server.sinks)[0];
        (sink.lag, sink.oldest_ms) = (1, 15 * 60_000);
    }),
    ("audit.instantly_log_empty", |it| {
        let log = of(&mut it.live().activity);
        log.entries = 0;
        log.users.clear();
    }),
    ("audit.around", |it| {
        it.workspace().around = Around {
            since: ago(7),
            records: 3,
            keys: vec![("k1".to_owned(), 3)],
        }
        .into();
    }),
    ("audit.disk_reserve", |it| {
        of(&mut it.facts.server.disks)[0].free = 9 << 30
    }),
    ("people.many_managers", |it| {
        it.thresholds.max_managers = 1;
        it.thresholds.members.as_mut().unwrap()[1].role = Role::Admin;
        of(&mut it.live().members)[1].role = Role::Admin;
    }),
    ("people.outside_domain", |it| {
        let email = "bob@elsewhere.example".to_owned();
        it.thresholds.members.as_mut().unwrap()[1].email = email.clone();
        of(&mut it.live().members)[1].email = email;
    }),
    ("people.pending_invitation", |it| {
        let eve = member("eve", Role::View);
        let members = it.thresholds.members.as_mut().unwrap();
        members.push(crate::DeclaredMember {
            email: eve.email.clone(),
            role: Role::View,
            permissions: BTreeSet::new(),
        });
        of(&mut it.live().members).push(crate::live::Member {
            accepted: false,
            created_at: Some(ago(14)),
            ..eve
        });
    }),
    ("people.wider_than_manifest", |it| {
        of(&mut it.live().members)[1].role = Role::Admin;
    }),
    ("people.no_name", |it| {
        of(&mut it.live().members)[1].name = None
    }),
    ("people.manages_without_role", |it| {
        let permission = "organization.integrations".to_owned();
        of(&mut it.live().members)[1].permissions = vec![permission.clone()];
        it.thresholds.members.as_mut().unwrap()[1].permissions = [permission].into();
    }),
    ("people.no_login", |it| it.bob().last_login = Some(ago(91))),
    ("people.mfa_missing", |it| it.bob().mfa_on = None),
    ("people.mfa_disabled", |it| it.bob().mfa_off = Some(ago(1))),
    ("people.mfa_failing", |it| it.bob().mfa_failed = 5),
    ("group.undeclared", |it| {
        it.workspace().sub_workspaces.clear()
    }),
    ("group.admin_key", |it| {
        of(&mut it.key().uses).places = [(Some("sub1".to_owned()), 10)].into();
    }),
    ("block_list.own_domains", |it| {
        of(&mut it.live().sending_domains).insert("acme-mail.example".to_owned());
    }),
    ("block_list.competitors", |it| {
        it.thresholds.competitors.push("b.example".to_owned())
    }),
    ("block_list.do_not_contact", |it| {
        it.thresholds
            .do_not_contact
            .push("ann@b.example".to_owned());
    }),
    ("block_list.unsubscribed", |it| {
        it.live().unsubscribed = Unsubscribed {
            addresses: vec!["open@lead.example".to_owned()],
            whole: true,
        }
        .into();
    }),
    ("environment.development_writes", |it| {
        it.workspace().clients[1].granted.insert(Op::CreateLead);
    }),
    ("environment.production_wildcard", |it| {
        it.workspace().clients[0].wildcards = vec!["all:read".to_owned()];
    }),
    ("environment.approval_missing", |it| {
        it.workspace().clients[0]
            .granted
            .insert(Op::ActivateCampaign);
    }),
];

#[test]
fn every_check_has_code_and_every_code_a_check_and_each_its_fixture() {
    let data: Vec<&str> = all().iter().map(|check| check.id.as_str()).collect();
    let coded: Vec<&str> = CODE.iter().map(|(id, _)| *id).collect();
    let broken: Vec<&str> = BREAKS.iter().map(|(id, _)| *id).collect();
    assert_eq!(data.len(), 54);
    let sorted = |ids: &[&str]| BTreeSet::from_iter(ids.iter().map(|id| (*id).to_owned()));
    assert_eq!(sorted(&data), sorted(&coded));
    assert_eq!(sorted(&data), sorted(&broken));
    assert!(code("no.such").is_none());
}

#[test]
fn where_all_is_well_every_check_passes() {
    let ran = checked(&well(), &thresholds());
    for ruled in &ran.report.rules {
        assert_eq!(
            ruled.outcome,
            Outcome::Passed,
            "{}: {:?}",
            ruled.rule.id,
            ran.report.findings
        );
    }
    assert_eq!((ran.report.findings.len(), ran.fixes.len()), (0, 0));
}

#[test]
fn each_fault_is_found_by_its_check_and_by_no_other() {
    for (id, breaks) in BREAKS {
        let (mut facts, mut thresholds) = (well(), thresholds());
        breaks(&mut Broken {
            facts: &mut facts,
            thresholds: &mut thresholds,
        });
        let ran = checked(&facts, &thresholds);
        assert_eq!(failed(&ran), [*id], "{:#?}", ran.report.findings);
        for finding in &ran.report.findings {
            let command = finding.remedy.command.as_deref();
            assert!(
                !command.is_some_and(|it| it.contains('{')),
                "{id}: {command:?}"
            );
            let expected = all().iter().find(|check| check.id == *id).unwrap();
            // Every fault but those that only people mend has its command.
            let by_hand = [
                "people.mfa_missing",
                "people.mfa_failing",
                "block_list.unsubscribed",
            ];
            assert_eq!(command.is_none(), by_hand.contains(id), "{id}: {finding:?}");
            assert_eq!(finding.severity, expected.severity, "{id}");
            assert_eq!(finding.fingerprint.len(), 32);
        }
        // The same again is the same.
        assert_eq!(checked(&facts, &thresholds), ran);
    }
}

#[test]
fn what_was_not_looked_at_never_passes() {
    let mut facts = well();
    let unseen = || Seen::not(Cause::Scope, "no key may");
    for workspace in &mut facts.workspaces {
        workspace.live = Live::unseen(NOW);
        workspace.around = unseen();
        for key in &mut workspace.keys {
            key.uses = Seen::default();
            key.scopes = None;
        }
        for source in &mut workspace.sources {
            source.reconciled_to = Seen::default();
            source.quarantined = Seen::default();
        }
    }
    facts.server = crate::here::Server::default();
    facts.secrets = Seen::default();
    facts.folder = Seen::default();
    let ran = checked(&facts, &thresholds());
    // What is judged by what Doorward itself keeps alone.
    let kept = [
        "keys.no_owner",
        "keys.management_rotated",
        "keys.revocation_owed",
        "webhooks.secret_over_age",
        "webhooks.no_allow_list",
        "environment.development_writes",
        "environment.production_wildcard",
        "environment.approval_missing",
    ];
    for ruled in &ran.report.rules {
        let id = ruled.rule.id.as_str();
        let looked = kept.contains(&id);
        let not = matches!(ruled.outcome, Outcome::NotLooked(_));
        assert_eq!(!looked, not, "{id}: {:?}", ruled.outcome);
    }
    assert!(ran.report.findings.is_empty(), "{:?}", ran.report.findings);
    assert!(!ran.report.not_looked_at.is_empty());
}

#[test]
fn what_is_not_there_or_not_declared_does_not_apply() {
    let mut facts = well();
    facts.workspaces.clear();
    let ran = checked(&facts, &Thresholds::default());
    for ruled in &ran.report.rules {
        let of_server = ruled.rule.id.starts_with("secrets.")
            || [
                "audit.review_overdue",
                "audit.ledger_unverified",
                "audit.witness_lag",
                "audit.sink_lag",
                "audit.disk_reserve",
            ]
            .contains(&ruled.rule.id.as_str());
        let not = matches!(ruled.outcome, Outcome::NotApplicable(_));
        assert_eq!(!of_server, not, "{}: {:?}", ruled.rule.id, ruled.outcome);
    }
}

#[test]
fn names_that_strangers_give_do_not_get_into_commands_as_they_are() {
    let (mut facts, thresholds) = (well(), thresholds());
    let id = "k'; rm -rf {workspace}";
    let keys = of(&mut facts.workspaces[0].live.keys);
    keys.push(listed(id, "$(evil)", &["leads:read"]));
    let ran = checked(&facts, &thresholds);
    let command = ran.report.findings[0].remedy.command.as_deref();
    assert_eq!(
        command,
        Some("doorward upstream revoke 'k'\\''; rm -rf {workspace}' --workspace acme")
    );
}

#[test]
fn checks_are_selected_by_id_and_area() {
    let selection = |only: &[&str], skip: &[&str]| Selection {
        only: only.iter().map(|name| (*name).to_owned()).collect(),
        skip: skip.iter().map(|name| (*name).to_owned()).collect(),
    };
    let one = selection(&["people", "keys.unknown"], &["people.no_name"]);
    assert_eq!(one.checks().count(), 10);
    assert!(one.unknown().is_empty());
    let parts: Vec<&str> = one.parts().iter().map(|part| part.name()).collect();
    assert_eq!(parts, ["API keys", "members", "audit log"]);
    assert_eq!(
        selection(&["people", "nobody"], &["x.y"]).unknown(),
        ["nobody", "x.y"]
    );
    assert_eq!(selection(&[], &[]).checks().count(), all().len());
}

#[test]
fn a_key_that_does_everything_is_worse_and_what_is_safe_can_be_run() {
    let (mut facts, thresholds) = (well(), thresholds());
    let mut broken = Broken {
        facts: &mut facts,
        thresholds: &mut thresholds.clone(),
    };
    broken.scopes(&["all:all"]);
    of(&mut broken.live().subscriptions)[0].disabled = true;
    let ran = checked(&facts, &thresholds);
    assert_eq!(ran.report.findings[0].severity, Severity::Critical);
    assert_eq!(ran.report.findings[0].rule, "keys.wildcard");
    let fix = &ran.fixes[0];
    assert_eq!(
        (fix.check.as_str(), fix.action.as_str()),
        ("webhooks.disabled", "resume")
    );
    assert_eq!(fix.command, "doorward webhook resume replies");
    assert_eq!(fix.with["source"], "replies");
    assert!(
        ran.report
            .findings
            .iter()
            .any(|one| one.fingerprint == fix.fingerprint)
    );
}

#[test]
fn what_an_approval_holds_back_is_no_fault() {
    let (mut facts, thresholds) = (well(), thresholds());
    let client = &mut facts.workspaces[0].clients[0];
    client.granted.insert(Op::ActivateCampaign);
    client.held_back = [Op::ActivateCampaign].into_iter().collect::<OpSet>();
    assert!(failed(&checked(&facts, &thresholds)).is_empty());
}
