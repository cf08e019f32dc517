//! Captured fields: `capture request header NAME len N`, `http-request capture`.

/// What has been captured of a request and its response. Slots are numbered in the order of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    request: Vec<Option<Box<[u8]>>>,
    response: Vec<Option<Box<[u8]>>>,
    /// `capture cookie`: as the client sent it, and as the server set it.
    pub request_cookie: Option<Box<[u8]>>,
    /// The same of the response.
    pub response_cookie: Option<Box<[u8]>>,
}

/// Which of the two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Of the request, by number.
    Request(usize),
    /// Of the response, by number.
    Response(usize),
}

impl Captures {
    /// Fills a slot with at most `len` bytes of `value`.
    pub fn fill(&mut self, slot: Slot, value: &[u8], len: usize) {
        let (list, at) = match slot {
            Slot::Request(at) => (&mut self.request, at),
            Slot::Response(at) => (&mut self.response, at),
        };
        if list.len() <= at {
            list.resize_with(at + 1, || None);
        }
        list[at] = Some(value[..value.len().min(len)].into());
    }

    /// What is in the slots of a request, in their order.
    pub fn request(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.request.iter().map(|slot| slot.as_deref())
    }

    /// The same of its response.
    pub fn response(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.response.iter().map(|slot| slot.as_deref())
    }

    /// Takes over what another has of a response.
    pub fn take_response_of(&mut self, other: Self) {
        self.response = other.response;
        self.response_cookie = other.response_cookie;
    }

    /// What is in a slot.
    #[must_use]
    pub fn find(&self, slot: Slot) -> Option<&[u8]> {
        let found = match slot {
            Slot::Request(at) => self.request.get(at),
            Slot::Response(at) => self.response.get(at),
        };
        found?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_what_was_captured_last_and_no_more_than_its_length() {
        let mut captures = Captures::default();
        captures.fill(Slot::Request(1), b"www.example.org", 3);
        assert_eq!(captures.find(Slot::Request(1)), Some(&b"www"[..]));
        assert_eq!(captures.find(Slot::Request(0)), None);
        assert_eq!(captures.find(Slot::Response(1)), None);
    }
}
