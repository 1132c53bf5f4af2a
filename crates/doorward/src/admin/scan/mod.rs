//! Requests of the scanner: trying a key that was found, and putting what was found into the ledger.

mod types;
mod verify;

pub(crate) use types::{ScanFinding, ScanRecord, ScanRecorded, ScanVerified, ScanVerify};

routed_calls! {
    ScanVerify, "scan/verify" => ScanVerified;
    ScanRecord, "scan/record" => ScanRecorded;
}
