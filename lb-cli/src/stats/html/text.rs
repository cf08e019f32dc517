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
