//! The last line a program wrote, in bounded space.

/// A line is cut after so many octets: it goes into one line of the log.
const LIMIT: usize = 200;

/// Takes any number of octets, keeps one line.
#[derive(Debug, Default)]
pub(super) struct LastLine {
    whole: Vec<u8>,
    current: Vec<u8>,
}

impl LastLine {
    /// Adds what was read next.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            let room = LIMIT - self.current.len();
            self.current
                .extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        if !self.current.trim_ascii().is_empty() {
            std::mem::swap(&mut self.whole, &mut self.current);
        }
        self.current.clear();
    }

    /// The last line that is not blank, with nothing in it that could end a line of a log.
    pub(super) fn take(&mut self) -> Option<String> {
        self.end();
        let text = String::from_utf8_lossy(&self.whole);
        let text = text.trim().replace(char::is_control, "\u{fffd}");
        self.whole.clear();
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(pieces: &[&str]) -> Option<String> {
        let mut line = LastLine::default();
        for piece in pieces {
            line.push(piece.as_bytes());
        }
        line.take()
    }

    #[test]
    fn the_last_line_with_text_is_kept() {
        assert_eq!(last(&[]), None);
        assert_eq!(last(&["\n \n"]), None);
        assert_eq!(last(&["a\nb"]).as_deref(), Some("b"));
        assert_eq!(last(&["a\nb\n\n"]).as_deref(), Some("b"));
        assert_eq!(last(&["on", "e\ntw", "o\n"]).as_deref(), Some("two"));
        assert_eq!(last(&["a\x1b[2Kb\r\n"]).as_deref(), Some("a\u{fffd}[2Kb"));
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_its_share() {
        let mut line = LastLine::default();
        for _ in 0..10_000 {
            line.push(&[b'x'; 1000]);
        }
        assert!(line.current.capacity() <= 2 * LIMIT);
        assert_eq!(line.take().map(|text| text.len()), Some(LIMIT));
    }
}
