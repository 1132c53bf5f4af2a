#![no_main]
#![doc = "cargo-fuzz's way to `checkpoint`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("checkpoint", data));
