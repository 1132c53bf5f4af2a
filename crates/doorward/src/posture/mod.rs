//! The checklist and the manifest, against the real thing: what is asked of Instantly and of Doorward
//! itself. What is made of it is decided in [`doorward_posture`].

mod collect;
mod fingerprint;
mod folder;
mod reading;
mod repository;

pub(crate) use collect::{Collect, Progress};
pub(crate) use fingerprint::Fingerprints;
pub(crate) use folder::look_at;
