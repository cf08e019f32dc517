//! A look through the proxy before it is measured: a proxy that skips what its case asks for would win by it.

use std::{io, net::SocketAddr};

use super::{
    options::Case,
    probe::{Client, Reply},
};

/// Why a proxy's figures would not be comparable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum VerifyError {
    /// A request of the check failed.
    #[error("the check before the load got no answer")]
    Exchange(#[from] io::Error),
    /// It answers, but not as it was configured.
    #[error("not doing what the case asks for: {expected}, but {seen}")]
    Differs {
        /// What should be.
        expected: &'static str,
        /// What came.
        seen: String,
    },
}

/// Asks for `/seen`, where an origin says `NAME|X-Forwarded-For|Cookie`, and compares with what `case` is to do.
pub(super) async fn verify(proxy: SocketAddr, case: Case) -> Result<(), VerifyError> {
    if case == Case::Full {
        full(proxy).await
    } else {
        round_robin(proxy).await
    }
}

async fn round_robin(proxy: SocketAddr) -> Result<(), VerifyError> {
    let mut client = Client::connect(proxy).await?;
    let mut names = Vec::new();
    for _ in 0..4 {
        names.push(ask(&mut client, "").await?.1.name);
    }
    let alternates = names[0] != names[1] && names[0] == names[2] && names[1] == names[3];
    expect(alternates, "the servers take turns", || names.join(", "))
}

async fn full(proxy: SocketAddr) -> Result<(), VerifyError> {
    let mut client = Client::connect(proxy).await?;
    let (reply, first) = ask(&mut client, "Cookie: theme=dark\r\n").await?;
    expect(
        first.client == "127.0.0.1",
        "X-Forwarded-For is the client",
        || reply.body.clone(),
    )?;
    expect(first.cookie == "theme=dark", "other cookies pass", || {
        reply.body.clone()
    })?;
    let inserted = reply.header("set-cookie").unwrap_or_default();
    let wanted = format!("SRV={}", first.name);
    expect(
        inserted.starts_with(&wanted),
        "the server's cookie is inserted",
        || reply.head.clone(),
    )?;

    for _ in 0..3 {
        let cookie = format!("Cookie: theme=dark; {wanted}\r\n");
        let (reply, again) = ask(&mut client, &cookie).await?;
        expect(again.name == first.name, "the cookie leads back", || {
            reply.body.clone()
        })?;
        expect(
            again.cookie == "theme=dark",
            "the cookie is taken out",
            || reply.body.clone(),
        )?;
        let silent = reply.header("set-cookie").is_none();
        expect(silent, "a known client gets no cookie", || {
            reply.head.clone()
        })?;
    }
    Ok(())
}

fn expect(
    holds: bool,
    expected: &'static str,
    seen: impl FnOnce() -> String,
) -> Result<(), VerifyError> {
    if holds {
        Ok(())
    } else {
        Err(VerifyError::Differs {
            expected,
            seen: seen(),
        })
    }
}

struct Seen {
    name: String,
    client: String,
    cookie: String,
}

async fn ask(client: &mut Client, headers: &str) -> Result<(Reply, Seen), VerifyError> {
    let reply = client.get("/seen", headers).await?;
    expect(reply.status == 200, "an origin answers", || {
        reply.head.clone()
    })?;
    let mut fields = reply.body.split('|').map(str::to_owned);
    let mut next = || fields.next().unwrap_or_default();
    let seen = Seen {
        name: next(),
        client: next(),
        cookie: next(),
    };
    Ok((reply, seen))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// What a proxy does for a request with this head: a `Set-Cookie` value, if any, and the body that its origin sent.
    type Answer = fn(request: &str, number: usize) -> (Option<&'static str>, &'static str);

    /// Verifies a proxy that is nothing but its answers.
    async fn verdict(case: Case, answer: Answer) -> Result<(), VerifyError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            for number in 0.. {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    stream.read_buf(&mut request).await.unwrap();
                }
                let (cookie, body) = answer(std::str::from_utf8(&request).unwrap(), number);
                let cookie = cookie.map(|value| format!("Set-Cookie: {value}\r\n"));
                let head = format!("HTTP/1.1 200 OK\r\n{}", cookie.unwrap_or_default());
                let reply = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        };
        tokio::select! {
            verdict = verify(address, case) => verdict,
            () = serve => unreachable!("it serves for ever"),
        }
    }

    fn sticky(request: &str, _: usize) -> (Option<&'static str>, &'static str) {
        let known = request.contains("SRV=s2");
        (
            (!known).then_some("SRV=s2; path=/"),
            "s2|127.0.0.1|theme=dark",
        )
    }

    async fn complaint(case: Case, answer: Answer) -> String {
        verdict(case, answer).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_proxy_that_does_as_asked_passes() {
        verdict(Case::Small, |_, number| {
            (None, ["s1||", "s2||"][number % 2])
        })
        .await
        .unwrap();
        verdict(Case::Full, sticky).await.unwrap();
    }

    #[tokio::test]
    async fn one_server_for_all_is_not_round_robin() {
        let complaint = complaint(Case::Small, |_, _| (None, "s1||")).await;
        assert!(
            complaint.contains("take turns, but s1, s1, s1, s1"),
            "{complaint}"
        );
    }

    #[tokio::test]
    async fn each_feature_left_out_is_noticed() {
        let without: [(Answer, &str); 5] = [
            (|_, _| (Some("SRV=s2"), "s2||theme=dark"), "X-Forwarded-For"),
            (
                |_, _| (None, "s2|127.0.0.1|theme=dark"),
                "cookie is inserted",
            ),
            (
                |_, _| (Some("SRV=s2"), "s2|127.0.0.1|theme=dark"),
                "gets no cookie",
            ),
            (
                |request, _| {
                    let known = request.contains("SRV=s2");
                    let body = if known {
                        "s1|127.0.0.1|theme=dark"
                    } else {
                        "s2|127.0.0.1|theme=dark"
                    };
                    (sticky(request, 0).0, body)
                },
                "leads back",
            ),
            (
                |request, _| {
                    let known = request.contains("SRV=s2");
                    let body = if known {
                        "s2|127.0.0.1|theme=dark; SRV=s2"
                    } else {
                        "s2|127.0.0.1|theme=dark"
                    };
                    (sticky(request, 0).0, body)
                },
                "taken out",
            ),
        ];
        for (answer, expected) in without {
            let complaint = complaint(Case::Full, answer).await;
            assert!(complaint.contains(expected), "{expected}: {complaint}");
        }
    }
}
