//! Texts, numbers and times in a page.

use std::fmt::{self, Display, Write as _};

/// Text in a page: nothing in it is markup.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Digits in threes, with a narrow blank between.
pub(super) struct Grouped(pub(super) u64);

impl Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char('\u{202f}')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// Octets, in the largest unit of which there is one.
pub(super) struct Octets(pub(super) u64);

impl Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        let mut unit = 1;
        let mut name = None;
        for each in UNITS {
            if self.0 / unit < 1000 {
                break;
            }
            (unit, name) = (unit * 1000, Some(each));
        }
        match name {
            None => write!(f, "{}", self.0),
            Some(name) => {
                let tenths = self.0 / (unit / 10);
                write!(f, "{}.{} {name}", tenths / 10, tenths % 10)
            }
        }
    }
}

/// Microseconds, as milliseconds or seconds, with two or three digits.
pub(super) struct Micros(pub(super) u64);

impl Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            micros @ ..10_000 => write!(f, "{}.{} ms", micros / 1000, micros / 100 % 10),
            micros @ 10_000..1_000_000 => write!(f, "{} ms", micros / 1000),
            micros => write!(f, "{}.{} s", micros / 1_000_000, micros / 100_000 % 10),
        }
    }
}

/// Seconds in the two largest units: `2d3h`, `4m5s`.
pub(super) struct Time(pub(super) u64);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, m, h, d) = (
            self.0 % 60,
            self.0 / 60 % 60,
            self.0 / 3600 % 24,
            self.0 / 86_400,
        );
        match (d, h, m) {
            (1.., _, _) => write!(f, "{d}d{h}h"),
            (0, 1.., _) => write!(f, "{h}h{m}m"),
            (0, 0, 1..) => write!(f, "{m}m{s}s"),
            (0, 0, 0) => write!(f, "{s}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let text = Text("<script>\"a\" & 'b'</script>").to_string();
        assert_eq!(
            text,
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"
        );
    }

    #[test]
    fn octets_and_microseconds_are_short() {
        for (octets, text) in [
            (0, "0"),
            (999, "999"),
            (999_999, "999.9 kB"),
            (1_000_000, "1.0 MB"),
            (12_345_678, "12.3 MB"),
            (7_654_321_000, "7.6 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(Octets(octets).to_string(), text);
        }
        for (micros, text) in [
            (0, "0.0 ms"),
            (1_250, "1.2 ms"),
            (12_500, "12 ms"),
            (1_250_000, "1.2 s"),
        ] {
            assert_eq!(Micros(micros).to_string(), text);
        }
    }

    #[test]
    fn numbers_and_times_are_short() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(Grouped(number).to_string().replace('\u{202f}', " "), text);
        }
        for (seconds, text) in [(0, "0s"), (61, "1m1s"), (7260, "2h1m"), (180_000, "2d2h")] {
            assert_eq!(Time(seconds).to_string(), text);
        }
    }
}
