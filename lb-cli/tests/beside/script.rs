//! What happens on the site, one thing after the other.

use std::{future::Future, pin::Pin};

use crate::{
    Line,
    common::{until, wire::Wire},
    site::Site,
};

/// One thing that happens.
pub(crate) struct Act {
    name: &'static str,
    /// Lines of requests that come of it.
    lines: usize,
    /// Fields that differ on purpose, and why.
    differs: &'static [(&'static str, &'static str)],
    play: for<'a> fn(&'a Site) -> Pin<Box<dyn Future<Output = String> + 'a>>,
}

/// What came of it.
pub(crate) struct Outcome {
    act: &'static Act,
    /// What the client saw.
    seen: String,
    lines: Vec<(String, Line)>,
}

impl Outcome {
    pub(crate) fn differences(&self, theirs: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut differ = |what: &str, ours: &str, theirs: &str| {
            if ours != theirs && !self.act.differs.iter().any(|(field, _)| *field == what) {
                found.push(format!("{}: {what} {ours}, not {theirs}", self.act.name));
            }
        };
        differ("seen", &self.seen, &theirs.seen);
        let counts = [self, theirs].map(|of| of.lines.len().to_string());
        differ("lines", &counts[0], &counts[1]);
        for ((level, ours), (their_level, theirs)) in self.lines.iter().zip(&theirs.lines) {
            differ("level", level, their_level);
            for (field, ours, theirs) in ours.differences(theirs) {
                differ(field, &ours, &theirs);
            }
        }
        found
    }
}

/// Everything, in order.
pub(crate) async fn play(site: &mut Site, acts: &'static [Act]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut before = site.requests().len();
    for act in acts {
        let seen = (act.play)(site).await;
        let lines = until(&format!("{} lines of {}", act.lines, act.name), || {
            let lines = site.requests();
            (lines.len() >= before + act.lines).then_some(lines)
        })
        .await;
        site.settle().await;
        let lines: Vec<_> = lines[before..]
            .iter()
            .map(|(level, text)| (level.clone(), Line::parse(text).unwrap().untimed()))
            .collect();
        before += lines.len();
        outcomes.push(Outcome { act, seen, lines });
    }
    outcomes
}

/// A GET of a page of one of the sites.
fn get(host: &str, target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")
}

/// The status, the cookie and the place that a client was sent to, and the length of what it got.
async fn see(mut client: Wire) -> String {
    let answer = client.response().await;
    let of = |name| answer.get(name).unwrap_or("-").to_owned();
    let (cookie, location) = (of("set-cookie"), of("location"));
    let control = of("cache-control");
    // The text of a page is each program's own.
    let length = match answer.status() {
        200 => answer.body.len(),
        _ => 0,
    };
    format!("{} {cookie} {location} {control} {length}", answer.status())
}

const WEB: &str = "www.itnihao.cn";
const BLOG: &str = "blog.itnihao.cn";
const BBS: &str = "bbs.itnihao.cn";

/// HAProxy's manual counts part of a head as `junk-response`, HAProxy as `empty-response`.
const CUT: &str = "what was cut is junk and not asked for again";

macro_rules! act {
    ($name:literal, $lines:literal, |$site:ident| $play:expr $(, $field:literal: $why:expr)*) => {
        Act {
            name: $name,
            lines: $lines,
            differs: &[$(($field, $why)),*],
            play: |$site| Box::pin(async move { $play }),
        }
    };
}

/// Of which both have the same counts.
pub(crate) const ACTS: &[Act] = &[
    act!("default", 1, |s| see(s.send(get(BBS, "/", "")).await).await),
    act!("web", 1, |s| see(s.send(get(WEB, "/", "")).await).await),
    act!("web in capitals", 1, |s| see(s
        .send(get("WW1.Itnihao.CN", "/", ""))
        .await)
    .await),
    act!("web again", 1, |s| see(s.send(get(WEB, "/2", "")).await)
        .await),
    act!("web a fourth time", 1, |s| see(s
        .send(get(WEB, "/3", ""))
        .await)
    .await),
    act!("blog", 1, |s| see(s
        .send(get(BLOG, "/", "Referer: http://www.itnihao.cn/a?b|c\r\n"))
        .await)
    .await),
    act!("sub-domain of blog", 1, |s| see(s
        .send(get("a.blog.itnihao.cn:80", "/", ""))
        .await)
    .await),
    act!("post without length", 1, |s| {
        see(s
            .send("POST /form HTTP/1.1\r\nHost: bbs.itnihao.cn\r\n\r\n")
            .await)
        .await
    }),
    act!("post in chunks", 1, |s| {
        let text = "POST /form HTTP/1.1\r\nHost: bbs.itnihao.cn\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        see(s.send(text).await).await
    }),
    act!("post", 1, |s| {
        let text = "POST /form HTTP/1.1\r\nHost: bbs.itnihao.cn\r\nContent-Length: 5\r\n\r\nhello";
        see(s.send(text).await).await
    }),
    act!("killall", 1, |s| see(s
        .send(get(BBS, "/cgi?KillAll=1", ""))
        .await)
    .await),
    act!("killall allowed", 1, |s| see(s
        .send(get(BBS, "/allow/killall", ""))
        .await)
    .await),
    act!("redirect", 1, |s| see(s
        .send(get("oldblog.itnihao.cn", "/a?b=c", ""))
        .await)
    .await),
    act!("cookie valid", 1, |s| see(s
        .send(get(WEB, "/", "Cookie: SERVERID=web1\r\n"))
        .await)
    .await),
    act!("cookie of another backend", 1, |s| see(s
        .send(get(WEB, "/", "Cookie: SERVERID=bbs1\r\n"))
        .await)
    .await),
    act!("cookie empty", 1, |s| see(s
        .send(get(WEB, "/", "Cookie: a=b; SERVERID=; c=d\r\n"))
        .await)
    .await),
    act!("head", 1, |s| {
        let mut client = s
            .send("HEAD / HTTP/1.1\r\nHost: bbs.itnihao.cn\r\nCookie: SERVERID=bbs1\r\n\r\n")
            .await;
        client.head_response().await.status().to_string()
    }),
    act!("not modified", 1, |s| see(s
        .send(get(
            BBS,
            "/304",
            "Cookie: SERVERID=bbs1\r\nIf-None-Match: \"1\"\r\n"
        ))
        .await)
    .await),
    act!("not found", 1, |s| see(s.send(get(BBS, "/none", "")).await)
        .await),
    act!("wrong", 1, |s| see(s.send(get(BBS, "/wrong", "")).await)
        .await),
    act!("large", 1, |s| see(s.send(get(BBS, "/large", "")).await)
        .await),
    act!("http/1.0", 1, |s| see(s
        .send("GET /old HTTP/1.0\r\n\r\n")
        .await)
    .await),
    act!("two on a connection", 2, |s| {
        let mut client = s.send(get(BBS, "/1", "")).await;
        let first = client.response().await.status();
        client
            .send(get(WEB, "/2", "Cookie: SERVERID=web2\r\n"))
            .await;
        format!("{first} {}", see(client).await)
    }),
    act!("two at once", 2, |s| {
        let both = [
            get(BBS, "/1", "Cookie: SERVERID=bbs2\r\n"),
            get(BLOG, "/2", "Cookie: SERVERID=blog2\r\n"),
        ];
        let mut client = s.send(both.concat()).await;
        let first = client.response().await.status();
        format!("{first} {}", see(client).await)
    }),
    act!("denied on a connection that goes on", 2, |s| {
        let mut client = s.send(get(BBS, "/killall", "")).await;
        let first = client.response().await.status();
        client
            .send(get(BBS, "/2", "Cookie: SERVERID=bbs2\r\n"))
            .await;
        let second = client.try_response().await.map(|answer| answer.status());
        format!("{first} {second:?}")
    }),
    act!("client reset while the server works", 1, |s| {
        let client = s.send(get(BBS, "/hang", "Cookie: SERVERID=bbs1\r\n")).await;
        until("the request", || s.server("bbs1").busy().then_some(())).await;
        client.reset();
        String::new()
    }),
    act!("server closes in the middle", 1, |s| {
        let mut client = s.send(get(BBS, "/cut", "Cookie: SERVERID=bbs1\r\n")).await;
        client.up_to(b"this is").await;
        client.rest().await;
        String::new()
    }),
    act!("no request", 1, |s| {
        see(s.send("no request\r\n\r\n").await).await
    }),
    act!("half a request", 1, |s| {
        let mut client = s.send("GET / HTTP/1.1\r\nHost: bbs").await;
        client.finish().await;
        see(client).await
    }),
    act!("an empty connection", 0, |s| {
        let mut client = s.send("").await;
        client.finish().await;
        client.rest().await;
        String::new()
    }),
    act!("monitored", 0, |s| see(Wire::send_to(
        s.monitor,
        get(BBS, "/site_status", "")
    )
    .await)
    .await),
    act!("beside the monitor", 1, |s| see(Wire::send_to(
        s.monitor,
        get(BBS, "/other", "")
    )
    .await)
    .await),
    act!("statistics without a password", 1, |s| {
        see(Wire::send_to(s.stats, get(BBS, "/admin?stats", "")).await).await
    }, "status": "HAProxy logs a 400 where it sent a 401", "Tr": "nor any response"),
    act!("statistics", 1, |s| {
        let fields = "Authorization: Basic YWRtaW46YWRtaW4=\r\n";
        let mut client = Wire::send_to(s.stats, get(BBS, "/admin?stats;csv", fields)).await;
        client.response().await.status().to_string()
    }),
    act!("beside the statistics", 1, |s| see(Wire::send_to(
        s.stats,
        get(BBS, "/", "")
    )
    .await)
    .await),
    // Before anybody knows that it is dead.
    act!("cookie of a server that has died", 1, |s| {
        s.kill("web1").await;
        see(s.send(get(WEB, "/", "Cookie: SERVERID=web1\r\n")).await).await
    }),
    act!("cookie of a server that is down", 1, |s| {
        s.reaches(["server_web", "web1", "status"], "DOWN").await;
        see(s.send(get(WEB, "/", "Cookie: SERVERID=web1\r\n")).await).await
    }),
    act!("monitor of a site with a server down", 0, |s| {
        see(Wire::send_to(s.monitor, get(BBS, "/site_status", "")).await).await
    }),
    act!("all servers down", 1, |s| {
        s.kill("blog1").await;
        s.kill("blog2").await;
        for server in ["blog1", "blog2"] {
            s.reaches(["server_blog", server, "status"], "DOWN").await;
        }
        see(s.send(get(BLOG, "/", "Cookie: SERVERID=blog1\r\n")).await).await
    }),
    act!("all servers down, without a cookie", 1, |s| see(s
        .send(get(BLOG, "/", ""))
        .await)
    .await),
    act!("a server comes back", 1, |s| {
        s.server("web1").revive().await;
        s.reaches(["server_web", "web1", "status"], "UP").await;
        see(s.send(get(WEB, "/", "Cookie: SERVERID=web1\r\n")).await).await
    }),
];

/// What is counted otherwise, as it ends otherwise; HAProxy counts a retry of a request that has been sent several times.
pub(crate) const OTHERS: &[Act] = &[
    act!("client gone while the server works", 1, |s| {
        let client = s.send(get(BBS, "/hang", "Cookie: SERVERID=bbs1\r\n")).await;
        until("the request", || s.server("bbs1").busy().then_some(())).await;
        drop(client);
        String::new()
    }, "status": "nothing is sent to a client that has gone"),
    act!("client gone in the middle of its body", 1, |s| {
        let text = "POST /form HTTP/1.1\r\nHost: bbs.itnihao.cn\r\nCookie: SERVERID=bbs1\r\nContent-Length: 50\r\n\r\nhello";
        let before = s.server("bbs1").connections();
        let client = s.send(text).await;
        until("the request", || (s.server("bbs1").connections() > before).then_some(())).await;
        drop(client);
        String::new()
    }, "status": "a client that has closed its half only may still read why it failed"),
    act!("server closes without an answer", 1, |s| see(s
        .send(get(BBS, "/close", "Cookie: SERVERID=bbs1\r\n"))
        .await)
    .await),
    act!("server closes in its head", 1, |s| {
        see(s.send(get(BBS, "/cut-head", "Cookie: SERVERID=bbs1\r\n")).await).await
    }, "server": CUT, "termination": CUT, "retries": CUT),
];
