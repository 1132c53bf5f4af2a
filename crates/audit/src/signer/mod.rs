//! Signing with a key that a service keeps to itself: the transit engine of OpenBao or Vault.
//!
//! Whoever gets hold of this machine may have checkpoints signed for as long as they hold it, and
//! can't take the key away. The service sees each checkpoint's text, which tells no more than the
//! ledger's name, size and root.

mod answer;
mod service;
mod transit;

pub use transit::{TransitOptions, TransitSigner};
