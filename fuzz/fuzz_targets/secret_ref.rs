#![no_main]
#![doc = "cargo-fuzz's way to `secret_ref`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("secret_ref", data));
