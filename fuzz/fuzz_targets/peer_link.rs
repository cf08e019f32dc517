//! See `laws/peer_link.rs`; `lb-vrrp/tests/link/corpus.rs` holds the corpus to the same law.
#![no_main]

#[path = "../laws/peer_link.rs"]
mod law;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    law::hold(bytes);
});
