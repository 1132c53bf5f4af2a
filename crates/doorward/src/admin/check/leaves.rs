//! What a run leaves in the ledger: a leaf that has its findings by check and fingerprint, and one for
//! each finding that came, is mended, or does not count any more.

use std::collections::BTreeMap;

use doorward_audit::{Audit, AuditError, Draft, Person};
use doorward_finding::{Report, Severity};
use doorward_ledger::{
    Act, Actor, ActorKind, Event, FindingState, Resource, Severity as LeafSeverity, Text, Verdict,
};
use doorward_policy::Timestamp;
use doorward_posture::report::{Brief, Changes, Score};
use doorward_store::Workspace;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// Most findings that the run's leaf names; all are in its digest.
const NAMED_MAX: usize = 500;
/// Most changes that have a leaf of their own in one run.
const CHANGES_MAX: usize = 1_000;

/// A run, as far as its leaves need it.
pub(super) struct Run<'a> {
    pub(super) id: &'a str,
    pub(super) at: Timestamp,
    pub(super) workspaces: &'a [Workspace],
    pub(super) report: &'a Report,
    pub(super) score: &'a Score,
    pub(super) changes: &'a Changes,
    /// Who asked; nobody when the server ran it by its schedule.
    pub(super) by: Option<&'a Person>,
}

impl Run<'_> {
    /// Writes them, the run's first.
    ///
    /// # Errors
    /// When nothing can be recorded.
    pub(super) fn record(&self, audit: &Audit) -> Result<(), AuditError> {
        audit.record_blocking(self.whole())?;
        for change in self.changes().take(CHANGES_MAX) {
            audit.record_blocking(self.one(change))?;
        }
        Ok(())
    }

    fn changes(&self) -> impl Iterator<Item = (&Brief, FindingState)> {
        let changes = self.changes;
        [
            (&changes.new, FindingState::Open),
            (&changes.again, FindingState::Open),
            (&changes.muted, FindingState::Accepted),
            (&changes.mended, FindingState::Mended),
        ]
        .into_iter()
        .flat_map(|(list, state)| list.iter().map(move |brief| (brief, state)))
    }

    fn draft(&self, act: Act, event: Event) -> Draft {
        let mut act = act;
        let kind = match self.by {
            Some(_) => ActorKind::Admin,
            None => ActorKind::Doorward,
        };
        act.actor = Some(Actor::of(kind));
        let draft = Draft::new(self.at, act, event);
        match self.by {
            Some(person) => draft.person(person.clone()),
            None => draft,
        }
    }

    fn whole(&self) -> Draft {
        let mut prints: Vec<&str> = self
            .report
            .findings
            .iter()
            .map(|finding| finding.fingerprint.as_str())
            .collect();
        prints.sort_unstable();
        let digest = digest(&SHA256, prints.join("\n").as_bytes());
        let digest: String = digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for finding in self.report.findings.iter().take(NAMED_MAX) {
            let of_rule = named.entry(finding.rule.as_str()).or_default();
            of_rule.push(finding.fingerprint.as_str());
        }
        let counts: BTreeMap<&str, usize> = self
            .report
            .counts()
            .iter()
            .map(|(severity, count)| (severity.name(), *count))
            .collect();
        let tally = &self.score.whole;
        let workspaces: Vec<&str> = self.workspaces.iter().map(|one| one.id.as_str()).collect();
        let mut act = Act::new("check.run", Verdict::Success);
        act.resource = Some(Resource {
            kind: "workspace".to_owned(),
            ..Resource::default()
        });
        if let [only] = self.workspaces {
            act.workspace = Some(only.id.clone());
        }
        let said: [(&str, Value); 9] = [
            ("run", self.id.into()),
            (
                "workspaces",
                json!(workspaces.iter().take(NAMED_MAX).collect::<Vec<_>>()),
            ),
            ("score", json!(tally.score)),
            ("counts", json!(counts)),
            (
                "checks",
                json!({"passed": tally.passed, "failed": tally.failed, "muted": tally.muted,
                    "not_looked": tally.not_looked, "not_applicable": tally.not_applicable}),
            ),
            ("findings", json!(named)),
            ("findings_total", self.report.findings.len().into()),
            ("findings_sha256", digest.into()),
            ("changes", self.changes().count().into()),
        ];
        for (name, value) in said {
            act.metadata.insert(name.to_owned(), value);
        }
        self.draft(act, Event::Admin)
    }

    fn one(&self, (brief, state): (&Brief, FindingState)) -> Draft {
        let mut act = Act::new("check.finding", Verdict::Success);
        // The fingerprint names the thing; what it is called may be a person's name.
        let fingerprint = Text::Clear(brief.fingerprint.clone());
        act.resource = Some(Resource {
            kind: "finding".to_owned(),
            ids: [("fingerprint".to_owned(), fingerprint)].into(),
            ..Resource::default()
        });
        let named = brief.workspace.as_deref();
        let of = self
            .workspaces
            .iter()
            .find(|one| Some(one.name.as_str()) == named);
        act.workspace = of.map(|one| one.id.clone());
        act.metadata.insert("run".to_owned(), self.id.into());
        let event = Event::Finding {
            check: brief.rule.clone(),
            severity: severity(brief.severity),
            state,
        };
        self.draft(act, event)
    }
}

const fn severity(severity: Severity) -> LeafSeverity {
    match severity {
        Severity::Info => LeafSeverity::Info,
        Severity::Low => LeafSeverity::Low,
        Severity::Medium => LeafSeverity::Medium,
        Severity::High => LeafSeverity::High,
        Severity::Critical => LeafSeverity::Critical,
    }
}
