//! Standard Webhooks 1.0.0: secrets, signing, and the other side in one call.

mod secret;
mod signer;
mod verifier;

pub use secret::{SecretFault, WebhookSecret};
pub use signer::Signer;
pub use verifier::{Message, Verifier, VerifyError, verify};
