//! Requests about the people of a workspace.

mod acts;
mod change;
mod look;
mod types;

pub(crate) use types::{
    MemberInvite, MemberList, MemberRemove, MemberReviewed, MemberSet, MemberView, MembersOf,
    Nickname,
};

routed_calls! {
    MemberList, "member/list" => Vec<MembersOf>;
    MemberInvite, "member/invite" => MemberView;
    MemberSet, "member/set" => MemberView;
    MemberRemove, "member/remove" => MemberView;
    MemberReviewed, "member/reviewed" => ();
}
