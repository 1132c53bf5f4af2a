#![no_main]
#![doc = "cargo-fuzz's way to `add_checkpoint`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("add_checkpoint", data));
