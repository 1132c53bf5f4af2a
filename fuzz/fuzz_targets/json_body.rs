#![no_main]
#![doc = "cargo-fuzz's way to `json_body`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("json_body", data));
