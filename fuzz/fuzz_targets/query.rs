#![no_main]
#![doc = "cargo-fuzz's way to `query`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("query", data));
