//! See `laws/vrrp.rs`; `lb-vrrp/tests/corpus.rs` holds the corpus to the same law.
#![no_main]

#[path = "../laws/vrrp.rs"]
mod law;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    law::hold(bytes);
});
