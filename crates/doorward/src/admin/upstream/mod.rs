//! Requests about upstream keys.

mod acts;
mod adopt;
mod list;
mod probe;
mod revoke;
mod target;
mod types;

use std::sync::Arc;

use axum::Router;

use super::server::on;
use super::service::Admin;
use super::types::Call;

pub(crate) use types::{
    Inventory, Target, UpstreamAdopt, UpstreamAdopted, UpstreamList, UpstreamProbe, UpstreamProbed,
    UpstreamRevoke, UpstreamRevoked, UpstreamTarget, WhichKey,
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
    UpstreamList, "upstream/list" => Vec<Inventory>;
    UpstreamAdopt, "upstream/adopt" => UpstreamAdopted;
    UpstreamProbe, "upstream/probe" => UpstreamProbed;
    UpstreamTarget, "upstream/target" => Target;
    UpstreamRevoke, "upstream/revoke" => UpstreamRevoked;
}
