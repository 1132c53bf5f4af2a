#![no_main]
#![doc = "cargo-fuzz's way to `detector_file`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("detector_file", data));
