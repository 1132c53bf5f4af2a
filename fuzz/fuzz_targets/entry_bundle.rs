#![no_main]
#![doc = "cargo-fuzz's way to `entry_bundle`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("entry_bundle", data));
