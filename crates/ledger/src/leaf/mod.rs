//! Leaves: one record each, as bytes that are hashed and as what they say.

mod bytes;

pub use bytes::LeafBytes;
