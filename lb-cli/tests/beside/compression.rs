//! Which responses both compress, what becomes of their fields, and what both count of it.

use std::{io::Read as _, net::SocketAddr, path::PathBuf};

use flate2::read::GzDecoder;

use crate::{
    admin::{Csv, socket},
    common::{
        address,
        message::Message,
        origin::{Answer, Origin},
        process::Process,
        wire::Wire,
    },
};

/// A request and its response.
struct Case {
    name: &'static str,
    /// `GET` or `HEAD`, and the version.
    request: [&'static str; 2],
    fields: &'static str,
    /// Status line and fields without those of the framing.
    response: &'static str,
    framing: Framing,
    /// Why `lb` does otherwise, if it does.
    differs: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    /// The body ends where the connection does.
    Close,
    /// There is none.
    None,
}

const BODY: &str = "All work and no play makes Jack a dull boy. ";

const fn case(name: &'static str, fields: &'static str, response: &'static str) -> Case {
    Case {
        name,
        request: ["GET", "HTTP/1.1"],
        fields,
        response,
        framing: Framing::Length,
        differs: None,
    }
}

/// What a client says that takes gzip, and what a server says of a text.
const GZIP: &str = "Accept-Encoding: gzip\r\n";
const TEXT: &str = "200 OK\r\nContent-Type: text/html\r\n";

#[rustfmt::skip]
const CASES: &[Case] = &[
    case("text", GZIP, TEXT),
    case("charset", GZIP, "200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"),
    case("type in capitals", GZIP, "200 OK\r\nContent-Type: TEXT/HTML\r\n"),
    case("type that is not listed", GZIP, "200 OK\r\nContent-Type: image/png\r\n"),
    case("multipart", GZIP, "200 OK\r\nContent-Type: multipart/mixed; boundary=a\r\n"),
    case("no type", GZIP, "200 OK\r\n"),
    case("no field", "", TEXT),
    case("empty field", "Accept-Encoding:\r\n", TEXT),
    case("identity", "Accept-Encoding: identity\r\n", TEXT),
    case("another coding", "Accept-Encoding: br\r\n", TEXT),
    case("any coding", "Accept-Encoding: *\r\n", TEXT),
    Case { differs: Some("gzip is refused: RFC 9110, 12.5.3"), ..case("any coding but gzip", "Accept-Encoding: gzip;q=0, *\r\n", TEXT) },
    case("in a list", "Accept-Encoding: br, deflate, gzip\r\n", TEXT),
    case("on the second line", "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n", TEXT),
    case("in capitals", "Accept-Encoding: GZIP\r\n", TEXT),
    Case { differs: Some("it is gzip: RFC 9110, 8.4.1.3"), ..case("x-gzip", "Accept-Encoding: x-gzip\r\n", TEXT) },
    case("weighed", "Accept-Encoding: gzip;q=0.5\r\n", TEXT),
    case("refused", "Accept-Encoding: gzip;q=0\r\n", TEXT),
    case("refused to the letter", "Accept-Encoding: gzip;q=0.000\r\n", TEXT),
    Case { differs: Some("the client would rather have it plain: RFC 9110, 12.5.3"), ..case("rather none", "Accept-Encoding: gzip;q=0.2, identity;q=0.9\r\n", TEXT) },
    case("201", GZIP, "201 Created\r\nContent-Type: text/html\r\n"),
    case("203", GZIP, "203 Other\r\nContent-Type: text/html\r\n"),
    case("206", GZIP, "206 Partial\r\nContent-Range: bytes 0-4399/9999\r\nContent-Type: text/html\r\n"),
    case("404", GZIP, "404 Not Found\r\nContent-Type: text/html\r\n"),
    case("500", GZIP, "500 Wrong\r\nContent-Type: text/html\r\n"),
    Case { framing: Framing::None, ..case("204", GZIP, "204 No\r\nContent-Type: text/html\r\n") },
    Case { framing: Framing::None, ..case("304", GZIP, "304 No\r\nContent-Type: text/html\r\nETag: \"1\"\r\n") },
    Case { request: ["HEAD", "HTTP/1.1"], ..case("head", GZIP, TEXT) },
    Case { request: ["GET", "HTTP/1.0"], ..case("client of 1.0", GZIP, TEXT) },
    Case { framing: Framing::Chunked, ..case("chunked", GZIP, TEXT) },
    Case { differs: Some("it can be chunked"), framing: Framing::Close, ..case("closed", GZIP, TEXT) },
    case("strong tag", GZIP, "200 OK\r\nContent-Type: text/html\r\nETag: \"1\"\r\n"),
    case("weak tag", GZIP, "200 OK\r\nContent-Type: text/html\r\nETag: W/\"1\"\r\n"),
    case("two tags", GZIP, "200 OK\r\nContent-Type: text/html\r\nETag: \"1\"\r\nETag: \"2\"\r\n"),
    case("no tag at all", GZIP, "200 OK\r\nContent-Type: text/html\r\nETag: 1\r\n"),
    case("no-transform", GZIP, "200 OK\r\nContent-Type: text/html\r\nCache-Control: no-transform\r\n"),
    case("no-transform among others", GZIP, "200 OK\r\nContent-Type: text/html\r\nCache-Control: max-age=3, no-transform\r\n"),
    case("other directives", GZIP, "200 OK\r\nContent-Type: text/html\r\nCache-Control: no-store\r\n"),
    case("encoded", GZIP, "200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\n"),
    case("vary", GZIP, "200 OK\r\nContent-Type: text/html\r\nVary: Accept\r\n"),
    Case { differs: Some("ranges of what the server has are none of what is sent"), ..case("ranges", GZIP, "200 OK\r\nContent-Type: text/html\r\nAccept-Ranges: bytes\r\n") },
    Case { differs: Some("who asks for gzip can read it"), ..case("old browser", "Accept-Encoding: gzip\r\nUser-Agent: Mozilla/4.0 (compatible; MSIE 5.5)\r\n", TEXT) },
];

fn answer(request: &Message) -> Answer {
    let case = &CASES[request.target()[1..].parse::<usize>().unwrap()];
    let body = BODY.repeat(100);
    let body = match request.method() {
        "HEAD" => "",
        _ => body.as_str(),
    };
    let length = BODY.len() * 100;
    let head = format!("HTTP/1.1 {}", case.response);
    match case.framing {
        Framing::Length => {
            Answer::Send(format!("{head}Content-Length: {length}\r\n\r\n{body}").into())
        }
        Framing::Chunked => {
            let chunks = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
            Answer::Send(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}").into())
        }
        Framing::Close => Answer::Cut(format!("{head}\r\n{body}").into()),
        Framing::None => Answer::Send(format!("{head}\r\n").into()),
    }
}

fn cases_with(framing: Framing) -> u64 {
    let cases = CASES
        .iter()
        .filter(|case| case.framing == framing && case.differs.is_none());
    cases.count() as u64
}

/// A proxy that compresses where its frontend and its backend say so.
struct Scene {
    _proxy: Process,
    front: SocketAddr,
    socket: PathBuf,
    _origin: Origin,
}

impl Scene {
    async fn new(is_lb: bool, [frontend, backend]: [bool; 2]) -> Self {
        let (origin, front) = (Origin::start(answer).await, address::free());
        let server = origin.address();
        let socket = socket(&format!("compression-{is_lb}-{frontend}-{backend}"));
        let path = socket.display();
        let proxy = if is_lb {
            let says = |here| match here {
                true => {
                    "compression = { algorithms = [\"gzip\"], types = [\"text/html\"], min_size = \"0B\" }\n"
                }
                false => "",
            };
            let config = format!(
                "[global]\nadmin = {{ socket = \"{path}\" }}\n\
                 [frontend.web]\nbind = [\"{front}\"]\ndefault_backend = \"app\"\n{}\
                 [backend.app]\n{}server = [{{ name = \"s\", address = \"{server}\" }}]\n",
                says(frontend),
                says(backend)
            );
            Process::quiet_lb(&config, &[front]).await
        } else {
            let says = |here| match here {
                true => "  compression algo gzip\n  compression type text/html\n",
                false => "",
            };
            let config = format!(
                "global\n  stats socket {path}\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 50s\n  timeout server 50s\n\
                 frontend web\n  bind {front}\n  default_backend app\n{}\
                 backend app\n{}  server s {server}\n",
                says(frontend),
                says(backend)
            );
            Process::haproxy(&config, &[front]).await
        };
        Self {
            _proxy: proxy,
            front,
            socket,
            _origin: origin,
        }
    }

    /// What the clients have got of these cases, and the octets that were compressed.
    async fn play(&self, cases: impl Fn(&Case) -> bool) -> (Vec<String>, usize) {
        let (mut seen, mut octets) = (Vec::new(), 0);
        for (at, case) in CASES.iter().enumerate().filter(|(_, case)| cases(case)) {
            let [method, version] = case.request;
            let request = format!("{method} /{at} {version}\r\nHost: a\r\n{}\r\n", case.fields);
            let mut client = Wire::send_to(self.front, request).await;
            let answer = match method {
                "HEAD" => client.head_response().await,
                _ => client.response().await,
            };
            if answer.has("content-encoding") && !answer.body.is_empty() && case.name != "encoded" {
                octets += answer.body.len();
            }
            seen.push(see(&answer));
        }
        (seen, octets)
    }

    /// The statistics, when nobody is connected any more.
    async fn statistics(&self) -> Csv {
        loop {
            let csv = Csv::of(&self.socket).await;
            if csv.get(["web", "FRONTEND", "scur"]) == "0" {
                return csv;
            }
        }
    }
}

/// What matters of a response: the fields that compression touches, and whether its body is whole.
fn see(answer: &Message) -> String {
    let mut text = answer.status().to_string();
    for name in [
        "content-encoding",
        "vary",
        "etag",
        "accept-ranges",
        "cache-control",
    ] {
        let values = answer.fields.all(name).join(", ");
        if !values.is_empty() {
            text = format!("{text} {name}: {values}");
        }
    }
    let mut plain = Vec::new();
    let is_gzip = answer.body.starts_with(b"\x1f\x8b");
    match is_gzip {
        true => drop(
            GzDecoder::new(&*answer.body)
                .read_to_end(&mut plain)
                .unwrap(),
        ),
        false => plain.clone_from(&answer.body),
    }
    let whole = plain == BODY.repeat(100).as_bytes();
    // Where nothing is compressed the length stays.
    let length = answer.get("content-length").unwrap_or("-");
    format!("{text} length: {length} gzip: {is_gzip} whole: {whole}")
}

#[tokio::test]
async fn what_is_compressed_is_what_haproxy_compresses() {
    let mut different = Vec::new();
    for places in [[true, false], [false, true], [true, true]] {
        let (ours, theirs) = tokio::join!(Scene::new(true, places), Scene::new(false, places));
        let same = |case: &Case| case.differs.is_none();
        let ((our, our_octets), (their, their_octets)) =
            tokio::join!(ours.play(same), theirs.play(same));
        let cases = CASES.iter().filter(|case| same(case));
        for (case, (our, their)) in cases.zip(our.iter().zip(&their)) {
            if our != their {
                different.push(format!("{places:?} {}: {our}, not {their}", case.name));
            }
        }
        let (our, their) = (ours.statistics().await, theirs.statistics().await);
        for row in [["web", "FRONTEND"], ["app", "BACKEND"]] {
            let number = |csv: &Csv, column| csv.number([row[0], row[1], column]);
            let mut differ = |column: &str, ours: u64, theirs: u64| {
                if ours != theirs {
                    different.push(format!("{places:?} {row:?} {column}: {ours}, not {theirs}"));
                }
            };
            for column in ["comp_byp", "comp_rsp"] {
                differ(column, number(&our, column), number(&their, column));
            }
            // HAProxy counts the end of a chunked body as an octet of it.
            let ends = cases_with(Framing::Chunked);
            differ(
                "comp_in",
                number(&our, "comp_in") + ends,
                number(&their, "comp_in"),
            );
            // Each has its own compressor.
            differ("comp_out", number(&our, "comp_out"), our_octets as u64);
            differ(
                "comp_out of HAProxy",
                number(&their, "comp_out"),
                their_octets as u64 + ends,
            );
        }
        let others = |case: &Case| case.differs.is_some();
        let ((our, _), (their, _)) = tokio::join!(ours.play(others), theirs.play(others));
        let cases = CASES.iter().filter(|case| others(case));
        for (case, (our, their)) in cases.zip(our.iter().zip(&their)) {
            if our == their {
                different.push(format!("{}: nothing differs: {our}", case.name));
            }
        }
    }
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}
