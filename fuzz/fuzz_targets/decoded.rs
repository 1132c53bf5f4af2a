#![no_main]
#![doc = "cargo-fuzz's way to `decoded`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("decoded", data));
