//! The chunked coding, in both directions.

use crate::methods::next_is_good;
use crate::scene::{Fate, OK, Outcome, Scene, check, get, is_one_of, ok, post};
use crate::{Case, case};

const TE: &str = "Transfer-Encoding: chunked\r\n";

pub(crate) const CASES: &[Case] = &[
    case("request", "9112 7.1", "a chunked request is relayed", |s| {
        body(s, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world")
    }),
    case(
        "response",
        "9112 7.1",
        "a chunked response is relayed",
        |s| answer(s, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world"),
    ),
    case(
        "empty_request",
        "9112 7.1",
        "a chunked request may be empty",
        |s| body(s, "0\r\n\r\n", b""),
    ),
    case(
        "empty_response",
        "9112 7.1",
        "a chunked response may be empty",
        |s| answer(s, "0\r\n\r\n", b""),
    ),
    case(
        "byte_by_byte",
        "9112 7.1",
        "chunks may be cut anywhere",
        |s| {
            let client = s.client()?;
            client.dribble(post(
                TE,
                "5;x=\"y\"\r\nhello\r\n00006\r\n world\r\n0\r\n\r\n",
            ));
            let (request, _) = s.answer(&client, OK)?;
            check(request.body == b"hello world", || request.show())
        },
    ),
    case(
        "many_small",
        "9112 7.1",
        "ten thousand chunks of one octet are one body",
        |s| {
            let (request, _) = s.exchange(
                post(
                    TE,
                    &["1\r\na\r\n".repeat(10_000).as_str(), "0\r\n\r\n"].concat(),
                ),
                OK,
            )?;
            check(request.body == [b'a'; 10_000], || {
                format!("{} bytes", request.body.len())
            })
        },
    ),
    case(
        "large",
        "9112 7.1",
        "one chunk of a megabyte is relayed",
        |s| {
            let data = "0123456789abcdef".repeat(1 << 16);
            let (_, answer) =
                s.exchange(get(""), ok(TE, &format!("100000\r\n{data}\r\n0\r\n\r\n")))?;
            check(answer.body == data.as_bytes(), || {
                format!("{} bytes", answer.body.len())
            })
        },
    ),
    case(
        "coding_name_case",
        "9112 7",
        "coding names are case-insensitive",
        |s| {
            let (request, _) = s.exchange(
                post("Transfer-Encoding: ChUnKeD\r\n", "5\r\nhello\r\n0\r\n\r\n"),
                OK,
            )?;
            check(request.body == b"hello", || request.show())
        },
    ),
    case(
        "empty_list_members",
        "9110 5.6.1.2",
        "empty members of a list are ignored: \", chunked,\" is chunked",
        |s| match s.attempt(post(
            "Transfer-Encoding: , chunked,\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
        ))? {
            Fate::Relayed(_, _, request) => check(request.body == b"hello", || request.show()),
            Fate::Refused(answer) => {
                check((400..=501).contains(&answer.status()), || answer.show())
            }
            Fate::Dropped => Err("closed without an answer".into()),
        },
    ),
    case(
        "hex_both_cases",
        "9112 7.1",
        "sizes are hexadecimal in either case",
        |s| {
            body(
                s,
                "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
                b"01234567890123456789",
            )
        },
    ),
    case(
        "leading_zeros",
        "9112 7.1",
        "a size may have leading zeros",
        |s| body(s, "0005\r\nhello\r\n000\r\n\r\n", b"hello"),
    ),
    case(
        "many_leading_zeros",
        "9112 7.1",
        "twenty leading zeros do not overflow",
        |s| body(s, "000000000000000000005\r\nhello\r\n0\r\n\r\n", b"hello"),
    ),
    case(
        "extension",
        "9112 7.1.1",
        "unknown chunk extensions are ignored in a request",
        |s| body(s, "5;a;b=c;d=\"e;f\"\r\nhello\r\n0;last\r\n\r\n", b"hello"),
    ),
    case(
        "extension_in_response",
        "9112 7.1.1",
        "unknown chunk extensions are ignored in a response",
        |s| answer(s, "5;a;b=c;d=\"e;f\"\r\nhello\r\n0;last\r\n\r\n", b"hello"),
    ),
    case(
        "space_before_extension",
        "9112 7.1.1",
        "whitespace before an extension is removed, or refused",
        |s| lenient(s, "5 ;a=b\r\nhello\r\n0\r\n\r\n"),
    ),
    case(
        "space_after_size",
        "9112 7.1",
        "whitespace after a size is removed, or refused",
        |s| lenient(s, "5 \r\nhello\r\n0\r\n\r\n"),
    ),
    case(
        "lf_after_size",
        "9112 7.1",
        "a bare LF after a size is refused or repaired, never forwarded",
        |s| lenient(s, "5\nhello\r\n0\r\n\r\n"),
    ),
    case(
        "lf_after_data",
        "9112 7.1",
        "a bare LF after chunk data is refused or repaired, never forwarded",
        |s| lenient(s, "5\r\nhello\n0\r\n\r\n"),
    ),
    case(
        "size_word",
        "9112 7.1",
        "a size that is no number is an error",
        |s| broken(s, "xyz\r\nhello\r\n0\r\n\r\n"),
    ),
    case("size_prefix", "9112 7.1", "0x5 is no chunk size", |s| {
        broken(s, "0x5\r\nhello\r\n0\r\n\r\n")
    }),
    case("size_negative", "9112 7.1", "-5 is no chunk size", |s| {
        broken(s, "-5\r\nhello\r\n0\r\n\r\n")
    }),
    case("size_plus", "9112 7.1", "+5 is no chunk size", |s| {
        broken(s, "+5\r\nhello\r\n0\r\n\r\n")
    }),
    case("size_underscore", "9112 7.1", "1_0 is no chunk size", |s| {
        broken(s, "1_0\r\nhello world 1234\r\n0\r\n\r\n")
    }),
    case("size_empty", "9112 7.1", "an empty size is an error", |s| {
        broken(s, "\r\nhello\r\n0\r\n\r\n")
    }),
    case(
        "size_only_extension",
        "9112 7.1",
        "an extension without a size is an error",
        |s| broken(s, ";a=b\r\nhello\r\n0\r\n\r\n"),
    ),
    case(
        "size_leading_space",
        "9112 7.1",
        "whitespace before a size is an error",
        |s| broken(s, " 5\r\nhello\r\n0\r\n\r\n"),
    ),
    case(
        "size_overflow",
        "9112 7.1",
        "a size of 2^64 + 5 is not taken for 5",
        |s| broken(s, "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ),
    case(
        "size_overflow_32",
        "9112 7.1",
        "a size of 2^32 + 5 is not taken for 5",
        |s| {
            let client = s.send(post(TE, "100000005\r\nhello\r\n0\r\n\r\n"))?;
            client.rest()?;
            s.untouched()
        },
    ),
    case(
        "data_too_long",
        "9112 7.1",
        "more data than the size says is an error",
        |s| broken(s, "5\r\nhello world\r\n0\r\n\r\n"),
    ),
    case(
        "data_without_crlf",
        "9112 7.1",
        "data without CRLF after it is an error",
        |s| broken(s, "5\r\nhello0\r\n\r\n"),
    ),
    case(
        "cr_in_size_line",
        "9112 2.2",
        "a bare CR in the size line is an error",
        |s| broken(s, "5\r;a\r\nhello\r\n0\r\n\r\n"),
    ),
    case(
        "nul_in_extension",
        "9112 7.1.1",
        "a NUL in an extension is never forwarded",
        |s| match s.attempt(post(TE, "5;a\0b\r\nhello\r\n0\r\n\r\n"))? {
            Fate::Relayed(..) => check(!s.received().contains(&0), || {
                "the NUL was forwarded".into()
            }),
            Fate::Refused(answer) => is_one_of(&answer, &[400]),
            Fate::Dropped => Ok(()),
        },
    ),
    case(
        "lf_in_extension",
        "9112 7.1.1",
        "a bare LF in an extension cannot hide a chunk",
        |s| {
            // With LF for a line end the body is "abc"; with LF for part of the extension a chunk "000"
            // comes first, and no size after it.
            match s.attempt(post(TE, "3;x\nabc\r\n000\r\n\r\n"))? {
                Fate::Relayed(_, _, request) => check(request.body == b"abc", || request.show()),
                Fate::Refused(answer) => is_one_of(&answer, &[400]),
                Fate::Dropped => Ok(()),
            }
        },
    ),
    case(
        "request_cut_short",
        "9112 8",
        "a chunked request that ends early is never passed on as whole",
        |s| {
            let client = s.send(post(TE, "5\r\nhello\r\n"))?;
            client.close();
            s.hung_up()?;
            s.untouched()
        },
    ),
    case(
        "response_cut_short",
        "9112 8",
        "a chunked response that ends early can be seen to be incomplete",
        |s| broken_response(s, "5\r\nhello\r\n"),
    ),
    case(
        "response_cut_in_chunk",
        "9112 8",
        "a response that ends within a chunk can be seen to be incomplete",
        |s| broken_response(s, "5\r\nhel"),
    ),
    case(
        "response_cut_before_last_crlf",
        "9112 8",
        "a response that ends after the last chunk's size line is incomplete",
        |s| broken_response(s, "5\r\nhello\r\n0\r\n"),
    ),
    case(
        "response_size_word",
        "9112 8",
        "a response with a bad chunk size is not passed off as whole",
        |s| broken_response(s, "5\r\nhello\r\nxyz\r\n\r\n"),
    ),
    case(
        "response_size_overflow",
        "9112 7.1",
        "a response's chunk size of 2^64 + 5 is not taken for 5",
        |s| broken_response(s, "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ),
    case(
        "response_data_too_long",
        "9112 7.1",
        "a response's chunk with more data than its size says is an error",
        |s| broken_response(s, "5\r\nhello world\r\n0\r\n\r\n"),
    ),
    case(
        "response_surplus",
        "9112 6.3",
        "octets after the last chunk are no second response",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send(ok(
                TE,
                "5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            ));
            client.response()?;
            next_is_good(s, &client)
        },
    ),
];

fn body(s: &Scene, chunks: &str, expected: &[u8]) -> Outcome {
    let (request, answer) = s.exchange(post(TE, chunks), OK)?;
    check(request.body == expected, || request.show())?;
    is_one_of(&answer, &[200])
}

fn answer(s: &Scene, chunks: &str, expected: &[u8]) -> Outcome {
    let (_, answer) = s.exchange(get(""), ok(TE, chunks))?;
    is_one_of(&answer, &[200])?;
    check(answer.body == expected, || answer.show())
}

/// Refused, or relayed with the body "hello"; the origin's reader takes well-formed chunks only.
fn lenient(s: &Scene, chunks: &str) -> Outcome {
    match s.attempt(post(TE, chunks))? {
        Fate::Relayed(_, _, request) => check(request.body == b"hello", || request.show()),
        Fate::Refused(answer) => is_one_of(&answer, &[400]),
        Fate::Dropped => Ok(()),
    }
}

/// Refused and closed; whatever the origin has of it, it is no whole request.
fn broken(s: &Scene, chunks: &str) -> Outcome {
    let client = s.send(post(TE, chunks))?;
    match s.fate(&client)? {
        Fate::Refused(answer) => is_one_of(&answer, &[400, 413])?,
        Fate::Dropped => {}
        Fate::Relayed(_, _, request) => return Err(format!("relayed: {}", request.show())),
    }
    client.closed()?;
    s.untouched()
}

fn broken_response(s: &Scene, chunks: &str) -> Outcome {
    let client = s.send(get(""))?;
    let (origin, _) = s.request()?;
    origin.send(ok(TE, chunks));
    origin.finish();
    client.broken()
}
