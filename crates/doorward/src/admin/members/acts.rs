//! What is recorded of requests about people. Addresses are sealed.

use doorward_ledger::Event;

use super::types::{
    MemberInvite, MemberList, MemberRemove, MemberReviewed, MemberSet, MemberView, Nickname,
};
use crate::admin::deeds::{Acts, Deed};

impl Acts for MemberList {}

fn on_member(action: &str, member: &str) -> Deed {
    Deed::new(action, "workspace_member", Event::Admin).about("member", member)
}

fn done(deed: &mut Deed, answer: &MemberView) {
    deed.set_id("member_id", &answer.id);
    let metadata = &mut deed.act.metadata;
    metadata.insert("role".to_owned(), answer.role.clone().into());
}

impl Acts for MemberInvite {
    fn deed(&self) -> Option<Deed> {
        let deed = on_member("member.invite", &self.email)
            .with("workspace", &self.workspace)
            .with("asked_role", &self.role)
            .with("permissions", &self.permissions);
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &MemberView) {
        done(deed, answer);
    }
}

impl Acts for MemberSet {
    fn deed(&self) -> Option<Deed> {
        let nickname = self.nickname.as_ref().map(|nickname| match nickname {
            Nickname::None => "cleared",
            Nickname::Is(_) => "set",
        });
        let deed = on_member("member.set", &self.member)
            .with("workspace", &self.workspace)
            .with("asked_role", &self.role)
            .with("nickname", &nickname);
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &MemberView) {
        done(deed, answer);
    }
}

impl Acts for MemberRemove {
    fn deed(&self) -> Option<Deed> {
        Some(on_member("member.remove", &self.member).with("workspace", &self.workspace))
    }

    fn complete(deed: &mut Deed, answer: &MemberView) {
        done(deed, answer);
    }
}

impl Acts for MemberReviewed {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("member.review", "workspace", Event::Admin)
            .id("name", &self.workspace)
            .with("members", &self.members)
            .with("told", &self.told);
        Some(deed)
    }
}
