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
        names.push(seen(&client.get("/seen", "").await?).name);
    }
    let alternates = names[0] != names[1] && names[0] == names[2] && names[1] == names[3];
    expect(alternates, "the servers take turns", || names.join(", "))
}

async fn full(proxy: SocketAddr) -> Result<(), VerifyError> {
    let mut client = Client::connect(proxy).await?;
    let reply = client.get("/seen", "Cookie: theme=dark\r\n").await?;
    let first = seen(&reply);
    expect(
        first.client == "127.0.0.1",
        "X-Forwarded-For is the client",
        || first.client.clone(),
    )?;
    expect(first.cookie == "theme=dark", "other cookies pass", || {
        first.cookie.clone()
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
        let reply = client.get("/seen", &cookie).await?;
        let again = seen(&reply);
        expect(again.name == first.name, "the cookie leads back", || {
            again.name.clone()
        })?;
        expect(
            again.cookie == "theme=dark",
            "the cookie is taken out",
            || again.cookie.clone(),
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

fn seen(reply: &Reply) -> Seen {
    let mut fields = reply.body.split('|').map(str::to_owned);
    let mut next = || fields.next().unwrap_or_default();
    Seen {
        name: next(),
        client: next(),
        cookie: next(),
    }
}
