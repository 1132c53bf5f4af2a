#![no_main]
#![doc = "cargo-fuzz's way to `witness_answer`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("witness_answer", data));
