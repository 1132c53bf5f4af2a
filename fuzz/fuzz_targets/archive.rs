#![no_main]
#![doc = "cargo-fuzz's way to `archive`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("archive", data));
