//! Conditions beyond grants: policies in Cedar over the operations of the catalog.

mod leads;

pub use leads::{LEADS_UNBOUNDED, leads_written};
