//! Requests about upstream keys.

mod list;
mod types;

use std::sync::Arc;

use axum::Router;

use super::deeds::Acts;
use super::server::on;
use super::service::Admin;
use super::types::Call;

pub(crate) use types::{Inventory, UpstreamList};

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
    UpstreamList, "upstream/list" => Vec<Inventory>;
}

impl Acts for UpstreamList {}
