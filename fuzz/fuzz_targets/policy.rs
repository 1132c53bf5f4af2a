#![no_main]
#![doc = "cargo-fuzz's way to `policy`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("policy", data));
