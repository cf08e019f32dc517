//! See `laws/config.rs`; `lb-cli/tests/corpus.rs` holds the corpus to the same law.
#![no_main]

#[path = "../laws/config.rs"]
mod law;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // Files that a text names are read; the fuzzer has no business with those of the machine.
    if !text.contains("/dev") && !text.contains("/proc") {
        law::hold(text);
    }
});
