//! Requests that only a manifest makes: what the other commands have no need for.

mod acts;
mod group;
mod keys;
mod subscriptions;
mod types;

use crate::rotation::RotationView;

use super::views::UpstreamKeyView;
use super::webhooks::{SourceView, Wanted};
use types::StrangersFound;

pub(crate) use types::{
    GroupInvite, GroupList, GroupMember, GroupRemove, KeyMake, KeyNote, KeyStrangers,
    ManifestApplied, ManifestApply, WebhookAlign, WebhookEnd,
};

routed_calls! {
    GroupList, "group/list" => Vec<GroupMember>;
    GroupInvite, "group/invite" => GroupMember;
    GroupRemove, "group/remove" => ();
    KeyStrangers, "manifest/key/strangers" => StrangersFound;
    KeyMake, "manifest/key/make" => RotationView;
    KeyNote, "manifest/key/note" => UpstreamKeyView;
    WebhookAlign, "manifest/webhook/align" => SourceView;
    WebhookEnd, "manifest/webhook/end" => ();
    ManifestApply, "manifest/apply" => ();
    ManifestApplied, "manifest/applied" => ();
}
