#![no_main]
#![doc = "cargo-fuzz's way to `proof`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("proof", data));
