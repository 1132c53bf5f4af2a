#![no_main]
#![doc = "cargo-fuzz's way to `tree_proof`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("tree_proof", data));
