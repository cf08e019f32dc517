//! HTTP/1.0 and 1.1 on the wire (RFC 9112): heads, framing, bodies.
//!
//! Both sides of the proxy use it: [`server`](crate::server) towards clients,
//! the connection pool towards servers. There is no task between a socket and
//! whoever reads it, and no buffer while a connection is idle: a head is read
//! into a buffer of just its size, of which every field value is a slice.
//!
//! | file | RFC 9112 |
//! |---|---|
//! | `request.rs`, `response.rs` | §3, §4: start lines |
//! | `fields.rs` | §5: field syntax, and the fields that frame a message |
//! | `framing.rs` | §6: how long a body is |
//! | `decode.rs` | §6, §7: bodies and chunked coding, in |
//! | `encode.rs` | heads and chunks, out |
//! | `recycle.rs` | memory from one message to the next |
//! | `io.rs` | buffers over a byte stream |
//! | `fault.rs` | where the bytes of a head are wrong |

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod fault;
pub(crate) mod fields;
pub(crate) mod framing;
pub(crate) mod io;
pub(crate) mod recycle;
pub(crate) mod request;
pub(crate) mod response;
