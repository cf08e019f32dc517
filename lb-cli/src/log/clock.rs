//! The local time of log lines.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, tz::TimeZone};

/// Formats times as HAProxy does; the part down to the second is kept from one
/// line to the next.
#[derive(Debug)]
pub struct LocalClock {
    zone: TimeZone,
    second: u64,
    text: String,
}

impl Default for LocalClock {
    fn default() -> Self {
        Self {
            zone: TimeZone::system(),
            second: u64::MAX,
            text: String::new(),
        }
    }
}

impl LocalClock {
    /// Writes `20/Nov/2026:08:31:07.669` for the moment that was `ago`.
    pub fn write(&mut self, out: &mut Vec<u8>, ago: Duration) {
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_sub(ago);
        self.write_at(out, at);
    }

    fn write_at(&mut self, out: &mut Vec<u8>, since_epoch: Duration) {
        let second = since_epoch.as_secs();
        if second != self.second {
            let seconds = i64::try_from(second).unwrap_or(i64::MAX);
            let time = Timestamp::from_second(seconds)
                .unwrap_or_default()
                .to_zoned(self.zone.clone());
            self.text = time.strftime("%d/%b/%Y:%H:%M:%S").to_string();
            self.second = second;
        }
        out.extend_from_slice(self.text.as_bytes());
        let millis = since_epoch.subsec_millis();
        let digit = |n: u32| char::from_digit(n % 10, 10).map_or(b'0', |c| c as u8);
        out.extend([b'.', digit(millis / 100), digit(millis / 10), digit(millis)]);
    }

    /// The time now, for messages on standard error.
    pub fn now_rfc3339() -> String {
        let now = Timestamp::now().to_zoned(TimeZone::system());
        now.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_haproxy_writes_it() {
        let mut clock = LocalClock {
            zone: TimeZone::UTC,
            ..LocalClock::default()
        };
        let mut out = Vec::new();
        for millis in [1_700_000_000_007, 1_700_000_000_120, 1_700_000_001_000] {
            clock.write_at(&mut out, Duration::from_millis(millis));
            out.push(b' ');
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "14/Nov/2023:22:13:20.007 14/Nov/2023:22:13:20.120 14/Nov/2023:22:13:21.000 "
        );
    }
}
