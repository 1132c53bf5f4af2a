//! What is served beside the API: claims and the ledger's pages.

pub(crate) mod beside;
pub(crate) mod claims;
pub(crate) mod ledger_pages;
