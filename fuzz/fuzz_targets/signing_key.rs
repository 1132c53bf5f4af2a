#![no_main]
#![doc = "cargo-fuzz's way to `signing_key`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("signing_key", data));
