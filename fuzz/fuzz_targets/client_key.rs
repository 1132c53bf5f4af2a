#![no_main]
#![doc = "cargo-fuzz's way to `client_key`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("client_key", data));
