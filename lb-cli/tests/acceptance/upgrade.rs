//! Upgrade and the tunnel after a 101.

use crate::scene::{Fate, OK, Scene, check, get, is_one_of, post};
use crate::wire::Wire;
use crate::{Case, case};

const ASK: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
const YES: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "forwarded",
        "9110 7.8",
        "an upgrade reaches the origin with its connection option",
        |s| {
            let client = s.send(get(ASK))?;
            let (_, request) = s.request()?;
            client.close();
            check(
                request.get("upgrade") == Some("websocket")
                    && request
                        .fields
                        .list("connection")
                        .contains(&"upgrade".into()),
                || request.show(),
            )
        },
    ),
    case(
        "switches",
        "9110 7.8",
        "after a 101 octets flow both ways",
        |s| {
            let (client, origin) = switched(s)?;
            client.send("\x01from client\0");
            check(origin.bytes(13)? == b"\x01from client\0", || {
                "other bytes".into()
            })?;
            origin.send("from origin\r\n\r\n");
            check(client.bytes(15)? == b"from origin\r\n\r\n", || {
                "other bytes".into()
            })
        },
    ),
    case(
        "answer_keeps_fields",
        "9110 7.8",
        "the client's 101 has Upgrade and its connection option",
        |s| {
            let client = s.send(get(ASK))?;
            let (origin, _) = s.request()?;
            origin.send(YES);
            let answer = client.response()?;
            let named = answer.fields.list("connection").contains(&"upgrade".into());
            check(
                answer.status() == 101 && answer.get("upgrade") == Some("websocket") && named,
                || answer.show(),
            )
        },
    ),
    case(
        "data_with_the_101",
        "9110 7.8",
        "octets right behind the 101 are not lost",
        |s| {
            let client = s.send(get(ASK))?;
            let (origin, _) = s.request()?;
            origin.send([YES, "first bytes"].concat());
            is_one_of(&client.response()?, &[101])?;
            check(client.bytes(11)? == b"first bytes", || "other bytes".into())
        },
    ),
    case(
        "origin_ends",
        "9110 9.3.6",
        "what the origin sent before it closed reaches the client, then the end",
        |s| {
            let (client, origin) = switched(s)?;
            origin.send("last words");
            origin.finish();
            check(client.bytes(10)? == b"last words", || "other bytes".into())?;
            client.closed()
        },
    ),
    case(
        "client_ends",
        "9110 9.3.6",
        "what the client sent before it closed reaches the origin, then the end",
        |s| {
            let (client, origin) = switched(s)?;
            client.send("last words");
            client.finish();
            check(origin.bytes(10)? == b"last words", || "other bytes".into())?;
            origin.closed()
        },
    ),
    case(
        "declined",
        "9110 7.8",
        "an origin may ignore Upgrade; the connection stays HTTP",
        |s| {
            let client = s.send(get(ASK))?;
            let (_, answer) = s.answer(&client, OK)?;
            is_one_of(&answer, &[200])?;
            client.send(get(""));
            s.answer(&client, OK).map(drop)
        },
    ),
    case(
        "unasked",
        "9110 7.8",
        "a 101 to a request without Upgrade is no switch",
        |s| {
            let client = s.send(get(""))?;
            let (origin, _) = s.request()?;
            origin.send([YES, OK].concat());
            let answer = client.response()?;
            check(answer.status() == 502, || answer.show())
        },
    ),
    case(
        "other_protocol",
        "9110 7.8",
        "a 101 to a protocol the client did not name is no switch",
        |s| {
            let client = s.send(get(ASK))?;
            let (origin, _) = s.request()?;
            origin.send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: frob/9\r\n\r\n");
            is_one_of(&client.response()?, &[502])
        },
    ),
    case(
        "required",
        "9110 15.5.22",
        "the Upgrade field of a 426 reaches the client",
        |s| {
            let answer = "HTTP/1.1 426 Upgrade\r\nConnection: Upgrade\r\nUpgrade: frob/2\r\nContent-Length: 0\r\n\r\n";
            let (_, answer) = s.exchange(get(""), answer)?;
            check(
                answer.status() == 426 && answer.get("upgrade") == Some("frob/2"),
                || answer.show(),
            )
        },
    ),
    case(
        "with_body",
        "9110 7.8",
        "a body that comes with Upgrade is read before the switch",
        |s| {
            let client = s.send(post(&format!("{ASK}Content-Length: 5\r\n"), "hello"))?;
            match s.fate(&client)? {
                Fate::Relayed(_, origin, request) => {
                    check(request.body == b"hello", || request.show())?;
                    origin.send(OK);
                    is_one_of(&client.response()?, &[200])
                }
                Fate::Refused(answer) => is_one_of(&answer, &[400, 501]),
                Fate::Dropped => Err("closed without an answer".into()),
            }
        },
    ),
];

/// A client and an origin after their 101.
fn switched(s: &Scene) -> Result<(Wire, Wire), String> {
    let client = s.send(get(ASK))?;
    let (origin, _) = s.request()?;
    origin.send(YES);
    is_one_of(&client.response()?, &[101])?;
    Ok((client, origin))
}
