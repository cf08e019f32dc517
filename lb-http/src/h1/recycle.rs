//! Memory that one message has done with and the next one takes up.
//!
//! Every message needs a header map, a buffer for its head and a table of extensions, for microseconds.
//! Each thread keeps a few: nothing stays with an idle connection, and the
//! allocator is asked only for what is larger than usual.

use std::cell::RefCell;

use http::{Extensions, HeaderMap};

use super::encode::HEAD_CAPACITY;

/// Kept for each thread, of each kind; more are in use only in a burst.
const KEPT: usize = 64;

/// A map that has grown beyond this is given back to the allocator.
const LARGEST_MAP: usize = 64;

#[derive(Default)]
struct Spares {
    maps: Vec<HeaderMap>,
    buffers: Vec<Vec<u8>>,
    extensions: Vec<Extensions>,
}

thread_local! {
    static SPARES: RefCell<Spares> = RefCell::default();
}

/// An empty map for so many fields.
pub(crate) fn map(fields: usize) -> HeaderMap {
    SPARES
        .with_borrow_mut(|spares| spares.maps.pop())
        .unwrap_or_else(|| HeaderMap::with_capacity(fields))
}

/// Takes a map back.
pub(crate) fn give_map(mut map: HeaderMap) {
    if map.capacity() == 0 || map.capacity() > LARGEST_MAP {
        return;
    }
    map.clear();
    SPARES.with_borrow_mut(|spares| {
        if spares.maps.len() < KEPT {
            spares.maps.push(map);
        }
    });
}

/// An empty buffer with room for most heads.
pub(crate) fn buffer() -> Vec<u8> {
    SPARES
        .with_borrow_mut(|spares| spares.buffers.pop())
        .unwrap_or_else(|| Vec::with_capacity(HEAD_CAPACITY))
}

/// Takes a buffer back.
pub(crate) fn give_buffer(mut buffer: Vec<u8>) {
    if buffer.capacity() != HEAD_CAPACITY {
        return;
    }
    buffer.clear();
    SPARES.with_borrow_mut(|spares| {
        if spares.buffers.len() < KEPT {
            spares.buffers.push(buffer);
        }
    });
}

/// No extensions, and room for some.
pub(crate) fn extensions() -> Extensions {
    SPARES
        .with_borrow_mut(|spares| spares.extensions.pop())
        .unwrap_or_default()
}

/// Takes extensions back, and drops what is in them.
pub(crate) fn give_extensions(mut extensions: Extensions) {
    // Before the borrow: what is dropped may run anybody's code.
    extensions.clear();
    SPARES.with_borrow_mut(|spares| {
        if spares.extensions.len() < KEPT {
            spares.extensions.push(extensions);
        }
    });
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::HOST};

    use super::*;

    #[test]
    fn what_comes_back_is_empty_and_used_again() {
        let mut first = map(4);
        first.insert(HOST, HeaderValue::from_static("a"));
        give_map(first);
        let again = map(1);
        assert!(again.is_empty());

        let mut first = buffer();
        first.extend_from_slice(b"secret");
        let address = first.as_ptr();
        give_buffer(first);
        let again = buffer();
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), address);
    }

    #[test]
    fn extensions_come_back_without_what_was_in_them() {
        let mut first = extensions();
        first.insert("secret");
        give_extensions(first);
        assert!(extensions().is_empty());
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        give_map(HeaderMap::with_capacity(1000));
        assert!(map(1).capacity() < 1000);
        give_buffer(Vec::with_capacity(1 << 20));
        assert_eq!(buffer().capacity(), HEAD_CAPACITY);
    }
}
