//! See `laws/request_head.rs`; `lb-http/tests/corpus.rs` holds the corpus to the same law.
#![no_main]

#[allow(
    dead_code,
    reason = "the test looks at the outcome, the fuzzer only asks for one"
)]
#[path = "../laws/request_head.rs"]
mod law;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests, which use all of it"
)]
#[path = "../../lb-cli/tests/common/message.rs"]
mod message;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime can be had");
    runtime.block_on(law::hold(bytes));
});
