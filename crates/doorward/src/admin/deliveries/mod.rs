//! Requests about what is owed to destinations: deliveries, dead letters, replays.

mod acts;
mod dead;
mod list;
mod replays;
mod types;

pub(crate) use types::{
    Answer, DeadDiscard, DeadList, DeadRetry, DeliveriesPage, DeliveryAnswer, DeliveryList,
    DeliveryView, ReplayCancel, ReplayList, ReplayPlan, ReplayShow, ReplayStart, ReplayView,
};

routed_calls! {
    DeliveryList, "delivery/list" => DeliveriesPage;
    DeliveryAnswer, "delivery/answer" => Answer;
    DeadList, "dead-letter/list" => DeliveriesPage;
    DeadRetry, "dead-letter/retry" => u64;
    DeadDiscard, "dead-letter/discard" => u64;
    ReplayStart, "replay/start" => ReplayPlan;
    ReplayList, "replay/list" => Vec<ReplayView>;
    ReplayShow, "replay/show" => ReplayView;
    ReplayCancel, "replay/cancel" => ReplayView;
}
