//! Requests about sources and their subscriptions at Instantly.

mod acts;
mod adopt;
mod change;
mod create;
mod proofs;
mod reconcile;
mod rotate;
mod there;
mod types;
mod view;

pub(super) use create::register_wanted;
pub(super) use there::all as all_of;
pub(crate) use types::{
    DoorAsked, SourceView, Tested, There, Wanted, WebhookAdopt, WebhookCreate, WebhookDelete,
    WebhookDone, WebhookList, WebhookReconcile, WebhookReconciled, WebhookResume, WebhookRotate,
    WebhookSet, WebhookShow, WebhookTest, WebhooksOf,
};

routed_calls! {
    WebhookCreate, "webhook/create" => WebhookDone;
    WebhookAdopt, "webhook/adopt" => WebhookDone;
    WebhookList, "webhook/list" => Vec<WebhooksOf>;
    WebhookShow, "webhook/show" => SourceView;
    WebhookRotate, "webhook/rotate" => WebhookDone;
    WebhookTest, "webhook/test" => Tested;
    WebhookResume, "webhook/resume" => WebhookDone;
    WebhookReconcile, "webhook/reconcile" => Vec<WebhookReconciled>;
    WebhookSet, "webhook/set" => SourceView;
    WebhookDelete, "webhook/delete" => SourceView;
}
