//! Any bytes are a header or an error, never a panic, and what was read can be written and read
//! again. `lb-tcp/tests/corpus.rs` holds the corpus to the same law.
#![no_main]

use lb_tcp::proxy_protocol::{Header, Parsed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(Parsed::Complete { header, length }) = Header::parse(bytes) else {
        return;
    };
    assert!(length <= bytes.len());
    // Nothing behind the header has a say in it, and nothing before its end makes one.
    for end in 0..length {
        assert_eq!(Header::parse(&bytes[..end]), Ok(Parsed::Incomplete));
    }
    let mut again = Vec::new();
    header.encode_v2_with_checksum(&mut again);
    let length = again.len();
    assert_eq!(
        Header::parse(&again),
        Ok(Parsed::Complete { header, length })
    );
});
