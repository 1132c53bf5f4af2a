#![no_main]
#![doc = "cargo-fuzz's way to `scopes`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("scopes", data));
