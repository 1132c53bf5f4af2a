#![no_main]
#![doc = "cargo-fuzz's way to `timestamp`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("timestamp", data));
