//! What a table may be told to store.

use crate::table::{DataType, StoreError, Stored};

#[test]
fn every_kind_is_read_by_its_name_and_shown_by_it() {
    for data in DataType::all() {
        let name = data.name();
        assert_eq!(DataType::find(name), Some(data));
        let text = match (data.is_array(), data.is_rate()) {
            (false, false) => name.to_owned(),
            (false, true) => format!("{name}(10s)"),
            (true, false) => format!("{name}(3)"),
            (true, true) => format!("{name}(3, 1m)"),
        };
        let stored: Stored = text.parse().unwrap();
        assert_eq!(stored.data(), data, "{text}");
        assert_eq!(stored.to_string().parse(), Ok(stored));
    }
}

#[test]
fn periods_are_in_milliseconds_unless_they_say_otherwise() {
    for (text, millis) in [
        ("500", 500),
        ("500ms", 500),
        ("2m", 120_000),
        ("7d", 604_800_000),
    ] {
        let stored: Stored = format!("conn_rate({text})").parse().unwrap();
        assert_eq!(stored.period().unwrap().as_millis(), millis, "{text}");
        assert_eq!(stored.to_string().parse(), Ok(stored));
    }
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let period = |text: &str| StoreError::Period(text.to_owned());
    for (text, why) in [
        ("http_req", StoreError::Unknown("http_req".to_owned())),
        (
            "http_req_rate(10s",
            StoreError::Unknown("http_req_rate(10s".to_owned()),
        ),
        ("http_req_rate", StoreError::NoPeriod("http_req_rate")),
        ("http_req_rate()", period("")),
        ("http_req_rate(0)", period("0")),
        ("http_req_rate(8d)", period("8d")),
        ("http_req_rate(9999999999s)", period("9999999999s")),
        ("http_req_rate(10y)", period("10y")),
        ("http_req_cnt(3)", StoreError::NoArgument("http_req_cnt")),
        ("gpc", StoreError::NoCount("gpc")),
        ("gpc(0)", StoreError::NoCount("gpc")),
        ("gpc(101)", StoreError::NoCount("gpc")),
        ("gpc_rate(2)", StoreError::NoPeriod("gpc_rate")),
    ] {
        assert_eq!(text.parse::<Stored>(), Err(why), "{text}");
    }
}
