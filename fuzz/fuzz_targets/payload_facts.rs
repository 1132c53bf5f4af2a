#![no_main]
#![doc = "cargo-fuzz's way to `payload_facts`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("payload_facts", data));
