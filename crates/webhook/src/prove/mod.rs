//! How a delivery proves where it is from.

mod mac;
mod scheme;
mod schemes;
mod secrets;
mod shared;
mod standard;
mod way;

pub(crate) use standard::{Key, StandardKeys};

pub use scheme::{Scheme, SchemeFault};
pub use schemes::{Delivery, Pending, Refused, Schemes, Stream, Verified, Why};
pub use secrets::Which;
pub use way::{Encoding, Stamp, Way};
