//! The time of log lines.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, tz::TimeZone};

use super::text::number;

/// Formats times as HAProxy does; the part down to the second is kept from one
/// line to the next.
#[derive(Debug)]
pub struct LocalClock {
    plain: Seconds,
    local: Seconds,
    gmt: Seconds,
    iso: Seconds,
    offset: Seconds,
}

/// One way to write a second, and the one that was written last.
#[derive(Debug)]
pub(super) struct Seconds {
    zone: TimeZone,
    pattern: &'static str,
    second: u64,
    text: String,
}

const WITH_ZONE: &str = "%d/%b/%Y:%H:%M:%S %z";

impl Default for LocalClock {
    fn default() -> Self {
        Self::in_zone(&TimeZone::system())
    }
}

impl LocalClock {
    pub(super) fn in_zone(zone: &TimeZone) -> Self {
        Self {
            plain: Seconds::new(zone.clone(), "%d/%b/%Y:%H:%M:%S"),
            local: Seconds::new(zone.clone(), WITH_ZONE),
            gmt: Seconds::new(TimeZone::UTC, WITH_ZONE),
            iso: Seconds::new(zone.clone(), "%Y-%m-%dT%H:%M:%S"),
            offset: Seconds::new(zone.clone(), "%:z"),
        }
    }

    /// The time now, since 1970.
    pub fn now() -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default()
    }

    /// `20/Nov/2026:08:31:07.669`
    pub fn text(at: Duration) -> String {
        let mut text = Vec::new();
        Self::default().write(&mut text, at);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// `20/Nov/2026:08:31:07.669`
    pub(super) fn write(&mut self, out: &mut Vec<u8>, at: Duration) {
        out.extend_from_slice(self.plain.text(at.as_secs()).as_bytes());
        out.push(b'.');
        millis(out, at);
    }

    /// `20/Nov/2026:08:31:07 +0100`
    pub(super) fn write_local(&mut self, out: &mut Vec<u8>, at: Duration) {
        out.extend_from_slice(self.local.text(at.as_secs()).as_bytes());
    }

    /// `20/Nov/2026:07:31:07 +0000`
    pub(super) fn write_gmt(&mut self, out: &mut Vec<u8>, at: Duration) {
        out.extend_from_slice(self.gmt.text(at.as_secs()).as_bytes());
    }

    /// `"2026-11-20T08:31:07.669+01:00"`, a string of JSON.
    pub(super) fn write_rfc3339(&mut self, out: &mut Vec<u8>, at: Duration) {
        out.push(b'"');
        out.extend_from_slice(self.iso.text(at.as_secs()).as_bytes());
        out.push(b'.');
        millis(out, at);
        out.extend_from_slice(self.offset.text(at.as_secs()).as_bytes());
        out.push(b'"');
    }

    /// The time now, for messages on standard error.
    pub fn now_rfc3339() -> String {
        let now = Timestamp::now().to_zoned(TimeZone::system());
        now.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }
}

impl Seconds {
    pub(super) fn new(zone: TimeZone, pattern: &'static str) -> Self {
        Self {
            zone,
            pattern,
            second: u64::MAX,
            text: String::new(),
        }
    }

    /// The second that began `second` seconds after 1970.
    pub(super) fn text(&mut self, second: u64) -> &str {
        if second != self.second {
            let time = Timestamp::from_second(i64::try_from(second).unwrap_or(i64::MAX))
                .unwrap_or_default()
                .to_zoned(self.zone.clone());
            self.text = time.strftime(self.pattern).to_string();
            self.second = second;
        }
        &self.text
    }
}

/// Three digits.
pub(super) fn millis(out: &mut Vec<u8>, at: Duration) {
    let millis = at.subsec_millis();
    let zeros = match millis {
        0..10 => "00",
        10..100 => "0",
        _ => "",
    };
    out.extend_from_slice(zeros.as_bytes());
    number(out, millis);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_haproxy_writes_it() {
        let mut clock = LocalClock::in_zone(&TimeZone::fixed(jiff::tz::offset(1)));
        let mut out = Vec::new();
        for at in [1_700_000_000_007, 1_700_000_000_120, 1_700_000_001_000] {
            clock.write(&mut out, Duration::from_millis(at));
            out.push(b' ');
        }
        clock.write_local(&mut out, Duration::from_secs(1_700_000_000));
        out.push(b' ');
        clock.write_gmt(&mut out, Duration::from_secs(1_700_000_000));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "14/Nov/2023:23:13:20.007 14/Nov/2023:23:13:20.120 14/Nov/2023:23:13:21.000 \
             14/Nov/2023:23:13:20 +0100 14/Nov/2023:22:13:20 +0000"
        );
    }
}
