#![no_main]
#![doc = "cargo-fuzz's way to `verifier_key`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("verifier_key", data));
