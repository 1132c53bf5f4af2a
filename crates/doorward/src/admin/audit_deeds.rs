//! What is recorded of requests about the record. Looking at people's data is an act; what erases,
//! reviews and rotates has leaves of its own kind.

use doorward_audit::Entry;
use doorward_ledger::Event;

use super::audit_types::{
    AuditAnchor, AuditErase, AuditEraseMonth, AuditFind, AuditPrune, AuditReconcile, AuditReview,
    AuditRotate, AuditShow, FoundPerson, Pruned,
};
use super::carry::Who;
use super::deeds::{Acts, Deed};

impl Acts for AuditAnchor {}
impl Acts for AuditReconcile {}

macro_rules! with_leaves_of_their_own {
    ($($call:ty),*) => {
        $(impl Acts for $call {
            fn done_by(&mut self, who: &Who) {
                self.by = Some(who.person());
            }
        })*
    };
}

with_leaves_of_their_own!(AuditErase, AuditEraseMonth, AuditReview, AuditRotate);

impl Acts for AuditFind {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("audit.search", "person", Event::Admin))
    }

    fn complete(deed: &mut Deed, answer: &Vec<FoundPerson>) {
        let subjects: Vec<String> = answer.iter().map(|one| one.subject.to_string()).collect();
        let metadata = &mut deed.act.metadata;
        metadata.insert("subjects".to_owned(), subjects.into());
    }
}

impl Acts for AuditShow {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("audit.show", "entry", Event::Admin);
        Some(
            deed.with("first", &self.sequences.iter().min())
                .with("last", &self.sequences.iter().max())
                .with("entries", &self.sequences.len()),
        )
    }

    fn complete(_: &mut Deed, _: &Vec<Entry>) {}
}

impl Acts for AuditPrune {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("ledger.prune", "ledger", Event::Admin);
        Some(deed.with("before", &self.before))
    }

    fn complete(deed: &mut Deed, answer: &Pruned) {
        let metadata = &mut deed.act.metadata;
        metadata.insert("minimum".to_owned(), answer.minimum.into());
    }
}
