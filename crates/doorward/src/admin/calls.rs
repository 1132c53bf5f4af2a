//! Requests: which answer each has, and where it is taken in.

/// Says the name and the answer of requests.
macro_rules! calls {
    ($($call:ident, $name:literal => $answer:ty;)*) => {
        $(impl $crate::admin::types::Call for $call {
            const NAME: &'static str = $name;
            type Answer = $answer;
        })*
    };
}

/// The same, and makes the `routes` that take them in.
macro_rules! routed_calls {
    ($($call:ident, $name:literal => $answer:ty;)*) => {
        calls! { $($call, $name => $answer;)* }

        /// Takes the requests in.
        pub(super) fn routes(
            router: axum::Router<std::sync::Arc<$crate::admin::service::Admin>>,
        ) -> axum::Router<std::sync::Arc<$crate::admin::service::Admin>> {
            $(let router = $crate::admin::server::on::<$call>(router);)*
            router
        }
    };
}
