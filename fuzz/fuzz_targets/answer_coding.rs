#![no_main]
#![doc = "cargo-fuzz's way to `answer_coding`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("answer_coding", data));
