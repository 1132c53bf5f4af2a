#![no_main]
#![doc = "cargo-fuzz's way to `proof_file`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("proof_file", data));
