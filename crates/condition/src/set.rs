//! The policies in force, and how a request is judged by them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::{Authorizer, Entities, Request};
use doorward_catalog::Op;
use doorward_policy::{ConditionFacts, Conditions, Judgement, PolicyUsed, Timestamp};

use crate::cast::Cast;
use crate::context::{Made, Reading};
use crate::digest::text_digest;
use crate::fault::PolicyFault;
use crate::kept::{Again, Kept};
use crate::kind::Kind;
use crate::needs::Needs;
use crate::request::{Asked, Asker, Day};
use crate::rule::{Rule, broken, read, read_checked};
use crate::schema::schema_digest;

/// Most ids of a request that are kept.
const IDS_KEPT: usize = 200;

/// A policy as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct PolicyText<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// The digest of the schema that it was held against when it was saved.
    pub schema: &'a str,
}

/// A stored policy, read.
#[derive(Debug)]
struct File {
    name: Arc<str>,
    digest: String,
    schema: String,
    rules: Vec<Rule>,
    faults: Vec<PolicyFault>,
}

impl File {
    fn read(of: &PolicyText<'_>, digest: String) -> Self {
        let read = if of.schema == schema_digest() {
            read_checked(of.name, of.text)
        } else {
            read(of.name, of.text)
        };
        let (rules, faults) = match read {
            Ok(rules) => (rules, Vec::new()),
            // What it forbade must stay forbidden, though nobody knows what that was.
            Err(faults) => (broken(of.name, of.text), faults),
        };
        Self {
            name: of.name.into(),
            digest,
            schema: of.schema.to_owned(),
            rules,
            faults,
        }
    }
}

/// The policies in force.
///
/// A request is held only against those that bear on its client and its operation: however many
/// others there are, it takes no longer.
#[derive(Debug, Default)]
pub struct Policies {
    files: Vec<Arc<File>>,
    /// Of each rule that bears on any client: its file and its place there.
    everyones: Vec<(u32, u32)>,
    /// The same of those that bear on one client, by its name.
    ones: HashMap<Box<str>, Vec<(u32, u32)>>,
    /// Whether any rule asks for what a client used of the day.
    today: bool,
    cast: Cast,
}

impl Policies {
    /// Reads the policies. What `before` has read already is not read again.
    ///
    /// One that is faulty by now refuses whatever it could bear on: see [`Policies::faulty`].
    pub fn read<'t>(
        texts: impl IntoIterator<Item = PolicyText<'t>>,
        before: Option<&Policies>,
    ) -> Self {
        let known: HashMap<&str, &Arc<File>> = before
            .into_iter()
            .flat_map(|before| before.files.iter())
            .map(|file| (file.name.as_ref(), file))
            .collect();
        let mut policies = Self::default();
        for text in texts {
            let digest = text_digest(text.text);
            let same = known
                .get(text.name)
                .filter(|file| file.digest == digest && file.schema == text.schema);
            let file = same.map_or_else(
                || Arc::new(File::read(&text, digest)),
                |file| Arc::clone(file),
            );
            policies.add(file);
        }
        policies
    }

    fn add(&mut self, file: Arc<File>) {
        let Ok(n) = u32::try_from(self.files.len()) else {
            return;
        };
        for (rule, at) in file.rules.iter().zip(0..) {
            self.today |= rule.needs.today;
            match &rule.client {
                Some(name) => self.ones.entry(name.clone()).or_default().push((n, at)),
                None => self.everyones.push((n, at)),
            }
        }
        self.files.push(file);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether these are the very policies that `before` has, so that they judge as those do.
    pub fn are_those_of(&self, before: &Policies) -> bool {
        let mut both = self.files.iter().zip(&before.files);
        self.files.len() == before.files.len() && both.all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// Whether any of them asks for what a client used of the day.
    pub fn ask_for_today(&self) -> bool {
        self.today
    }

    /// The policies that can't be evaluated any more, with what is wrong with them. The requests
    /// that they could bear on are refused.
    pub fn faulty(&self) -> impl Iterator<Item = (&str, &[PolicyFault])> {
        let faulty = self.files.iter().filter(|file| !file.faults.is_empty());
        faulty.map(|file| (file.name.as_ref(), file.faults.as_slice()))
    }

    /// Whether a policy bears on calls of this operation by this client.
    pub fn bear_on(&self, client: &str, op: Op) -> bool {
        self.bearing(client, op).next().is_some()
    }

    fn bearing(&self, client: &str, op: Op) -> impl Iterator<Item = (&File, &Rule)> {
        let ones = self.ones.get(client).map(Vec::as_slice).unwrap_or_default();
        let places = self.everyones.iter().chain(ones);
        let found = places.filter_map(|(file, rule)| {
            let file = self.files.get(*file as usize)?;
            Some((file.as_ref(), file.rules.get(*rule as usize)?))
        });
        found.filter(move |(_, rule)| rule.ops.contains(op))
    }

    /// Judges a request. Of several policies against it, one that denies comes first, then one that
    /// can't be evaluated, then one that wants approval.
    pub fn judge<'p>(&'p self, asker: &Asker<'_>, asked: Asked<'p>) -> Judged<'p> {
        let bearing: Vec<_> = self.bearing(asker.name, asked.op).collect();
        let reading = Reading::new(asked);
        let needs = union(&bearing);
        let judgement = if bearing.is_empty() {
            Judgement::Allow
        } else {
            let made = Made::of(&reading, &needs);
            weigh(&bearing, made, asker, asked.op, &self.cast)
        };
        Judged {
            today: needs.today.then_some(reading.asked.today),
            reading,
            bearing: bearing.into_iter().map(|(file, _)| file).collect(),
            judgement,
        }
    }

    /// Judges a request again by what was kept of it, as far as that goes.
    pub fn judge_again<'p>(&'p self, kept: &Kept<'_>) -> Again<'p> {
        let bearing: Vec<_> = self.bearing(kept.asker.name, kept.op).collect();
        if bearing.is_empty() {
            return Again::Judged(Judgement::Allow);
        }
        let is_kept = |needs: &Needs| {
            let whole = !kept.facts.cut || needs.kinds.is_empty();
            let source = !needs.source_ip || kept.facts.source.is_some();
            needs.query.is_none() && needs.body.is_none() && !needs.parameter && whole && source
        };
        let (told, rest): (Vec<_>, Vec<_>) = bearing
            .into_iter()
            .partition(|(_, rule)| is_kept(&rule.needs));
        let made = Made::of_kept(kept, &union(&told));
        let judgement = weigh(&told, made, &kept.asker, kept.op, &self.cast);
        match (judgement, rest.first()) {
            // Whatever the others say, it is denied.
            (Judgement::Deny(name), _) => Again::Judged(Judgement::Deny(name)),
            (_, Some((_, rule))) => Again::Unknown(&rule.name),
            (judgement, None) => Again::Judged(judgement),
        }
    }
}

fn union(bearing: &[(&File, &Rule)]) -> Needs {
    let mut all = Needs::default();
    for (_, rule) in bearing {
        all.join(&rule.needs);
    }
    all
}

/// What the rules together say.
fn weigh<'p>(
    bearing: &[(&'p File, &'p Rule)],
    made: Made,
    asker: &Asker<'_>,
    op: Op,
    cast: &Cast,
) -> Judgement<'p> {
    let Some(((_, first), _)) = bearing.split_first() else {
        return Judgement::Allow;
    };
    let in_doubt: Vec<bool> = bearing
        .iter()
        .map(|(_, rule)| made.leaves_in_doubt(&rule.needs))
        .collect();
    let (Some(entities), Some(request)) = (cast.of(asker, op), made.request(asker, op)) else {
        return Judgement::Failed(&first.name);
    };
    let (mut failed, mut waiting) = (None, None);
    for ((_, rule), in_doubt) in bearing.iter().zip(in_doubt) {
        match evaluate(rule, &request, &entities) {
            _ if in_doubt => failed = failed.or(Some(&rule.name)),
            None => failed = failed.or(Some(&rule.name)),
            Some(false) => {}
            Some(true) if rule.approval => waiting = waiting.or(Some(&rule.name)),
            Some(true) => return Judgement::Deny(&rule.name),
        }
    }
    match (failed, waiting) {
        (Some(name), _) => Judgement::Failed(name),
        (None, Some(name)) => Judgement::NeedsApproval(name),
        (None, None) => Judgement::Allow,
    }
}

/// Whether a rule forbids the request; `None` if it can't be told. Cedar passes over a policy that
/// fails: here it counts.
fn evaluate(rule: &Rule, request: &Request, entities: &Entities) -> Option<bool> {
    let answer = Authorizer::new().is_authorized(request, rule.set.as_ref()?, entities);
    let diagnostics = answer.diagnostics();
    if diagnostics.errors().next().is_some() {
        return None;
    }
    Some(diagnostics.reason().next().is_some())
}

/// A request that was judged, with what its judgement depended on.
#[derive(Debug)]
pub struct Judged<'p> {
    reading: Reading<'p>,
    bearing: Vec<&'p File>,
    judgement: Judgement<'p>,
    today: Option<Day>,
}

impl Conditions for Judged<'_> {
    fn judge(&self, op: Op, now: Timestamp) -> Judgement<'_> {
        let asked = &self.reading.asked;
        // What was judged is what is decided on.
        if asked.op == op && asked.now == now {
            self.judgement
        } else {
            Judgement::Failed("")
        }
    }
}

impl Judged<'_> {
    /// The judgement.
    pub fn judgement(&self) -> Judgement<'_> {
        self.judgement
    }

    /// Whether any policy bore on it.
    pub fn is_borne_on(&self) -> bool {
        !self.bearing.is_empty()
    }

    /// What the client had used of the day as it was judged; `None` where no policy that bore on it
    /// asks for that.
    pub fn today(&self) -> Option<Day> {
        self.today
    }

    /// What it depended on, as far as it may be kept. People's addresses may be among the ids.
    pub fn facts(&self) -> ConditionFacts {
        let asked = &self.reading.asked;
        let mut facts = ConditionFacts {
            leads_in_call: self.reading.leads_in_call(),
            leads_today: asked.today.leads,
            calls_today: asked.today.calls,
            source: Some(asked.source.to_canonical()),
            ..ConditionFacts::default()
        };
        let used = self.bearing.iter().map(|file| PolicyUsed {
            name: file.name.to_string(),
            digest: file.digest.clone(),
        });
        facts.policies = used.collect::<BTreeSet<_>>().into_iter().collect();
        facts.against = match self.judgement {
            Judgement::Deny(name) | Judgement::Failed(name) | Judgement::NeedsApproval(name) => {
                Some(name.to_owned())
            }
            _ => None,
        };
        let mut room = IDS_KEPT;
        let mut kept = BTreeMap::new();
        for kind in Kind::ALL {
            let Some(ids) = self.reading.ids().of(kind) else {
                facts.unsure.insert(kind.field().to_owned());
                continue;
            };
            facts.cut |= ids.len() > room;
            let some: BTreeSet<String> = ids.iter().take(room).cloned().collect();
            room -= some.len();
            if !some.is_empty() {
                kept.insert(kind.field().to_owned(), some);
            }
        }
        facts.ids = kept;
        facts
    }
}
