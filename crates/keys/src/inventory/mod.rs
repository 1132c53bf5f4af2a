//! The upstream keys of a workspace: what is held, what Instantly lists, and what each was used for.
//!
//! | part | idea |
//! |---|---|
//! | [`rows`] | three sources joined into a row for each key there is |
//! | [`scope_uses`] | how often each granted scope was used |
//! | [`mint_plan`] | the least scopes of a key that is made anew |
//! | [`narrow`] | the scopes that a key was used for, and no others |
//! | [`lost_without`] | what no key would cover any more if one were gone |
//! | [`single_out`] | which of the listed keys one must be, or why that can't be told |
//!
//! Instantly shows no key's last use, and its audit log has no reads. So what was seen by the ledger
//! and what was seen by Instantly's log are kept apart, and what can't be known is said.

mod identity;
mod join;
mod loss;
mod minting;
mod narrow;
mod row;
mod sources;
mod uses;

pub use identity::{Wanted, Which, single_out};
pub use join::rows;
pub use loss::{Standing, lost_without};
pub use minting::{NotMinted, mint_plan};
pub use narrow::{Evidence, Kept, Narrowed, NotNarrowed, narrow};
pub use row::{KeyState, Row, ScopeUse, Seen};
pub use sources::{Act, Count, Held, HeldState, Listed, Listing, Sighting, Uses};
pub use uses::scope_uses;
