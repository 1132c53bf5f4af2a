#![no_main]
#![doc = "cargo-fuzz's way to `idempotency_key`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("idempotency_key", data));
