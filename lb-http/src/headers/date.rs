//! The `Date` field, formatted once a second for each thread.

use std::{
    cell::RefCell,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::HeaderValue;

struct Cached {
    second: u64,
    value: HeaderValue,
}

thread_local! {
    static CACHED: RefCell<Cached> = const {
        RefCell::new(Cached { second: 0, value: HeaderValue::from_static("") })
    };
}

/// The time now, as RFC 9110 §5.6.7 writes it.
pub(crate) fn now() -> HeaderValue {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    CACHED.with_borrow_mut(|cached| {
        let second = since_epoch.as_secs();
        if cached.second != second {
            let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
            // An HTTP date is ASCII.
            if let Ok(value) = HeaderValue::try_from(date) {
                *cached = Cached { second, value };
            }
        }
        cached.value.clone()
    })
}
