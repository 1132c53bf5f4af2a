//! Requests about the events that came in.

mod erase;

pub(crate) use erase::{ErasedEvents, EventErase, EventPerson};

routed_calls! {
    EventPerson, "event/person" => u64;
    EventErase, "event/erase" => ErasedEvents;
}
