//! What is recorded of requests about the checklist. A run has leaves of its own; it asks for nothing
//! but to look.

use doorward_ledger::Event;

use super::types::{
    CheckAsk, CheckHistory, CheckMute, CheckMutes, CheckProgress, CheckUnmute, MuteView,
};
use crate::admin::carry::Who;
use crate::admin::deeds::{Acts, Deed};

impl Acts for CheckProgress {}
impl Acts for CheckHistory {}
impl Acts for CheckMutes {}

impl Acts for CheckAsk {
    fn done_by(&mut self, who: &Who) {
        self.by = Some(who.person());
    }
}

impl Acts for CheckMute {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("check.mute", "finding", Event::Admin);
        // Why and by whom are people's words: they are in the store.
        Some(
            deed.with("what", &self.muting.what)
                .with("until", &self.muting.until),
        )
    }

    fn complete(deed: &mut Deed, answer: &MuteView) {
        told(deed, answer);
    }
}

impl Acts for CheckUnmute {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("check.unmute", "finding", Event::Admin);
        Some(deed.with("what", &self.what))
    }

    fn complete(deed: &mut Deed, answer: &MuteView) {
        told(deed, answer);
    }
}

/// The check's id, or the whole fingerprint, which is known once it is done.
fn told(deed: &mut Deed, answer: &MuteView) {
    let metadata = &mut deed.act.metadata;
    metadata.insert("what".to_owned(), answer.muting.what.clone().into());
    metadata.insert("until".to_owned(), answer.muting.until.to_string().into());
}
