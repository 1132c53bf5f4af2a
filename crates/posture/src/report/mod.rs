//! What is made of a run of the checks: which of them count, the score, what changed, and the forms
//! that people and programs read it in.
//!
//! [`apply`] marks the findings that somebody answers for,
//! [`Score`] how it stands, [`changes`] what is new and what is mended. A [`Checked`] has it all; it is
//! written as a page ([`html`]), as OCSF events ([`ocsf`]), and in the forms of
//! [`doorward_finding`].

mod checked;
mod compare;
mod html;
mod mute;
mod ocsf;
mod score;
mod unseen;

pub use checked::{Checked, Since, Trend};
pub use compare::{Brief, Changes, Remembered, changes, since};
pub use html::html;
pub use mute::{EXPIRED, MUTE_DAYS_MAX, Muting, MutingFault, apply};
pub use ocsf::ocsf;
pub use score::{AreaScore, Score, Tally, weight};
pub use unseen::tidy;
