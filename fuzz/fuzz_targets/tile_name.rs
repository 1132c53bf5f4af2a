#![no_main]
#![doc = "cargo-fuzz's way to `tile_name`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_fuzz::run("tile_name", data));
