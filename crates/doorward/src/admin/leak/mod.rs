//! Requests that answer the leak of a key.

mod around;
mod deeds;
mod describe;
mod find;
mod replace;
mod stop;
mod types;

use std::sync::Arc;

use axum::Router;

use super::server::on;
use super::service::Admin;
use super::types::Call;
use crate::leak::{Deeds, Found};

pub(crate) use types::{
    LeakClose, LeakClosed, LeakDeeds, LeakFind, LeakProbe, LeakStop, Leaked, Probed, Stopped,
};

macro_rules! calls {
    ($($call:ident, $name:literal => $answer:ty;)*) => {
        $(impl Call for $call {
            const NAME: &'static str = $name;
            type Answer = $answer;
        })*

        /// Takes the requests in.
        pub(super) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
            $(let router = on::<$call>(router);)*
            router
        }
    };
}

calls! {
    LeakFind, "leak/find" => Found;
    LeakStop, "leak/stop" => Stopped;
    LeakProbe, "leak/probe" => Probed;
    LeakDeeds, "leak/deeds" => Deeds;
    LeakClose, "leak/close" => LeakClosed;
}
