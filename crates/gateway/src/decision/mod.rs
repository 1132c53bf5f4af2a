//! May it? Admission, the policy's answer, and what a refusal says.

pub(crate) mod admit;
pub(crate) mod again;
pub(crate) mod conditions;
pub(crate) mod decide;
pub(crate) mod refusal;
