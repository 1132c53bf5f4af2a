#![no_main]
#![doc = "cargo-fuzz's way to `leaf`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("leaf", data));
