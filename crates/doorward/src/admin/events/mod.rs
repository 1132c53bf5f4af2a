//! Requests about the events that came in.

mod acts;
mod erase;
mod find;
mod follow;
mod look;
mod names;
mod release;
mod types;

pub(crate) use erase::{ErasedEvents, EventErase, EventPerson, Whom};
pub(super) use find::event_id;
pub(super) use follow::Followers;
pub(super) use names::Names;
pub(crate) use release::{EventRelease, Released};
pub(crate) use types::{
    BodyView, EventFollow, EventList, EventNext, EventSearch, EventShow, EventShown, EventView,
    EventsAsked, EventsPage, Following, LISTED_MAX, NextEvents,
};

routed_calls! {
    EventList, "event/list" => EventsPage;
    EventSearch, "event/search" => EventsPage;
    EventShow, "event/show" => EventShown;
    EventFollow, "event/follow" => Following;
    EventNext, "event/next" => NextEvents;
    EventRelease, "event/release" => Released;
    EventPerson, "event/person" => u64;
    EventErase, "event/erase" => ErasedEvents;
}
