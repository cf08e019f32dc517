//! Reading a header from a connection.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{AcceptHeaderError, Header, Parsed};

/// Room for the header of every day and the first bytes behind it.
const CHUNK: usize = 256;

/// Reads the header that `stream` begins with.
///
/// `buf` takes what was read. On success the header is gone from it, and what is left are the
/// connection's first bytes. If the future is dropped, `buf` keeps what has come so far and the
/// next call goes on from there. There is no time-out; a caller needs one.
///
/// # Errors
/// [`AcceptHeaderError`]; the connection must then be closed.
pub async fn accept_header<S>(
    stream: &mut S,
    buf: &mut Vec<u8>,
) -> Result<Header, AcceptHeaderError>
where
    S: AsyncRead + Unpin,
{
    loop {
        if let Parsed::Complete { header, length } = Header::parse(buf)? {
            buf.drain(..length);
            return Ok(header);
        }
        buf.reserve(CHUNK);
        if stream.read_buf(buf).await? == 0 {
            return Err(AcceptHeaderError::Closed);
        }
    }
}
