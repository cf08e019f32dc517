//! Advertisements as bytes.
