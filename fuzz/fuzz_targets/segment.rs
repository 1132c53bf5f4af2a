#![no_main]
#![doc = "cargo-fuzz's way to `segment`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("segment", data));
