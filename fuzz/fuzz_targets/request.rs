//! `cargo +nightly fuzz run request`; without the fuzzer, runs the files given as arguments.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| conduit_fuzz::request(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    conduit_fuzz::run_files(conduit_fuzz::request)
}
