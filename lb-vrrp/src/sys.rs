//! The system calls no safe crate offers. The only unsafe code of this crate.
#![allow(unsafe_code, reason = "raw socket options and packet socket addresses")]
