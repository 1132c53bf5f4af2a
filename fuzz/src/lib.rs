//! What each fuzz target does with its bytes, and the seeds it starts from.
//!
//! A target parses, and where it succeeds holds what was read against what the format promises:
//! mostly that there is one spelling only, so that writing it anew gives the same bytes. It panics
//! when that does not hold; whatever is refused is refused with an error.
//!
//! `cargo fuzz run TARGET` runs one under libFuzzer (nightly compiler); `cargo test
//! --no-default-features` runs all of them on changed seeds for a few seconds with the stable one;
//! `scripts/fuzz` chooses.

mod answers;
pub mod changes;
mod names;
mod notes;
mod requests;
mod scan_seeds;
mod scanning;
pub mod seeds;
mod segment;
mod tree;
mod webhooks;

/// One parser under test.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its file in `fuzz_targets/`.
    pub name: &'static str,
    /// Runs it. Whether the bytes were accepted.
    pub run: fn(&[u8]) -> bool,
    /// Inputs that are accepted, to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident: $run:path),* $(,)?) => {
        /// All of them.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            run: $run,
            seeds: seeds::$name,
        }),*];
    };
}

targets! {
    leaf: tree::leaf,
    entry_bundle: tree::entry_bundle,
    tile_name: tree::tile_name,
    tree_proof: tree::tree_proof,
    segment: segment::segment,
    note: notes::note,
    checkpoint: notes::checkpoint,
    proof_file: notes::proof_file,
    add_checkpoint: notes::add_checkpoint,
    witness_answer: notes::witness_answer,
    verifier_key: notes::verifier_key,
    signing_key: notes::signing_key,
    client_key: names::client_key,
    secret_ref: names::secret_ref,
    route: names::route,
    scopes: names::scopes,
    timestamp: names::timestamp,
    answer_json: answers::answer_json,
    answer_coding: answers::answer_coding,
    answer_scrubbed: answers::answer_scrubbed,
    query: requests::query,
    json_body: requests::json_body,
    idempotency_key: requests::idempotency_key,
    claim: requests::claim,
    policy: requests::policy,
    payload: webhooks::payload,
    payload_facts: webhooks::payload_facts,
    proof: webhooks::proof,
    retry_header: webhooks::retry_header,
    detector_file: scanning::detector_file,
    decoded: scanning::decoded,
    archive: scanning::archive,
}

/// Runs the target of this name.
///
/// # Panics
///
/// When there is none, or it found something.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(data);
}

/// The bytes as text, for parsers of text.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
