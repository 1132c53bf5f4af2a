//! Requests about destinations.

mod acts;
mod add;
mod change;
mod reach;
mod types;

pub(crate) use types::{
    DestinationAdd, DestinationAsked, DestinationList, DestinationRemove, DestinationRotate,
    DestinationSet, DestinationShow, DestinationView, RetryAsked, Switch,
};

routed_calls! {
    DestinationAdd, "destination/add" => DestinationView;
    DestinationList, "destination/list" => Vec<DestinationView>;
    DestinationShow, "destination/show" => DestinationView;
    DestinationSet, "destination/set" => DestinationView;
    DestinationRotate, "destination/rotate" => DestinationView;
    DestinationRemove, "destination/remove" => DestinationView;
}
