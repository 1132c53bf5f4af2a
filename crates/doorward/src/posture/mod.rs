//! The checklist and the manifest, against the real thing: what is asked of Instantly and of Doorward
//! itself. What is made of it is decided in [`doorward_posture`].

#![cfg_attr(not(test), expect(dead_code, reason = "the checklist comes to use it"))]

mod collect;
mod fingerprint;
mod reading;

#[expect(unused_imports, reason = "the checklist comes to use them")]
pub(crate) use collect::{Collect, Progress};
#[expect(unused_imports, reason = "the checklist comes to use them")]
pub(crate) use fingerprint::Fingerprints;
