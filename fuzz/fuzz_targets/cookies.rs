//! No `Cookie` or `Set-Cookie` field panics, and what is stripped is gone.
//! `lb-http/tests/corpus.rs` holds the corpus to the same law.
#![no_main]

use lb_http::sticky::{
    request::{Stripped, strip, unprefix, values},
    response::{prefix, rewrite, sets},
};
use libfuzzer_sys::fuzz_target;

const NAME: &[u8] = b"SRV";

fuzz_target!(|field: &[u8]| {
    let ours = values(field, NAME).count();
    match strip(field, NAME) {
        Stripped::Unchanged => assert_eq!(ours, 0),
        Stripped::Rest(rest) => assert_eq!(values(&rest, NAME).count(), 0),
        Stripped::Nothing => assert!(ours > 0),
    }
    // A prefix may hold one of two quotes, and then changes what is quoted.
    if !field.contains(&b'"')
        && let Some(rest) = unprefix(field, NAME, b'~')
    {
        assert_eq!(values(&rest, NAME).count(), ours);
    }
    for changed in [
        rewrite(field, NAME, b"c1"),
        prefix(field, NAME, b"c1", b'~'),
    ] {
        assert_eq!(changed.is_some(), sets(field, NAME));
        assert!(changed.is_none_or(|changed| sets(&changed, NAME)));
    }
});
