#![no_main]
#![doc = "cargo-fuzz's way to `retry_header`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("retry_header", data));
