#![no_main]
#![doc = "cargo-fuzz's way to `payload`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("payload", data));
