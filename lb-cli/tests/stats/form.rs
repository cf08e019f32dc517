//! The form that changes servers, sent by scripts, by browsers and by others.

use std::net::SocketAddr;

use crate::{
    USER,
    common::{
        address,
        message::Message,
        origin::{Answer, Origin},
        process::Process,
        site::get,
        until,
        wire::Wire,
        within,
    },
    fetch,
    table::Table,
    text,
};

struct Site {
    lb: Process,
    front: SocketAddr,
    _origins: [Origin; 2],
}

impl Site {
    async fn new(admin: &str) -> Self {
        let front = address::free();
        let origins = [Origin::named("s1").await, Origin::named("s2").await];
        let config = format!(
            "[global]\nlog = [{{ to = \"stdout\" }}]\n\
             [frontend.web]\nbind = [\"{front}\"]\ndefault_backend = \"app\"\n\
             stats = {{ uri = \"/st\", auth = [\"user:secret\"], {admin} }}\n\
             [backend.app]\ncheck = {{ interval = \"100ms\", timeout = \"10s\", fall = 2, rise = 2 }}\nserver = [\n\
             {{ name = \"s1\", address = \"{}\" }}, {{ name = \"s2\", address = \"{}\" }}]\n",
            origins[0].address(),
            origins[1].address()
        );
        let site = Self {
            lb: Process::lb(&config, &[front]).await,
            front,
            _origins: origins,
        };
        // Before its first check a server is `UP 1/2`.
        for server in ["s1", "s2"] {
            site.reaches(server, "UP").await;
        }
        site
    }

    async fn post(&self, target: &str, fields: &str, form: &str) -> Message {
        let length = form.len();
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\n{USER}{fields}Content-Length: {length}\r\n\r\n{form}",
            self.front
        );
        Wire::send_to(self.front, request).await.response().await
    }

    /// What came of a form, by its code.
    async fn sent(&self, fields: &str, form: &str) -> String {
        let answer = self.post("/st", fields, form).await;
        assert_eq!(answer.status(), 303, "{}", answer.show());
        let location = answer.get("location").unwrap();
        location.strip_prefix("/st;st=").unwrap().to_owned()
    }

    async fn status(&self, server: &str) -> String {
        let table = Table::of(self.front, "/st;csv").await;
        table.get("app", server, "status").to_owned()
    }

    /// Waits for a state: it is changed at once, but reported by the checks.
    async fn reaches(&self, server: &str, state: &str) {
        within(&format!("{server} to be {state}"), async {
            while self.status(server).await != state {}
        })
        .await;
    }
}

/// Only servers with `on_marked_down` know their sessions; with others it is not offered.
#[tokio::test]
async fn sessions_are_killed_where_they_are_known() {
    let front = address::free();
    let origin = Origin::start(|_| Answer::Hang).await;
    let address = origin.address();
    let config = format!(
        "[frontend.web]\nbind = [\"{front}\"]\ndefault_backend = \"app\"\n\
         stats = {{ uri = \"/st\", auth = [\"user:secret\"], admin = \"if TRUE\" }}\n\
         [backend.app]\nretries = 0\nserver = [{{ name = \"s1\", address = \"{address}\", on_marked_down = \"shutdown-sessions\" }}]\n\
         [backend.other]\nserver = [{{ name = \"o1\", address = \"{address}\" }}]\n"
    );
    let site = Site {
        lb: Process::lb(&config, &[front]).await,
        front,
        _origins: [origin, Origin::named("unused").await],
    };
    let page = text(fetch(front, "/st", USER).await);
    assert_eq!(page.matches("value=\"shutdown\"").count(), 1);
    let mut client = Wire::send_to(front, get("/", "")).await;
    within("a session", async {
        while Table::of(front, "/st;csv").await.get("app", "s1", "scur") != "1" {}
    })
    .await;
    assert_eq!(site.sent("", "s=o1&action=shutdown&b=other").await, "ERRP");
    assert_eq!(site.sent("", "s=s1&action=shutdown&b=app").await, "DONE");
    assert_eq!(client.response().await.status(), 503);
}

#[tokio::test]
async fn a_weight_is_set() {
    let site = Site::new("admin = \"if TRUE\"").await;
    let weight = async || {
        Table::of(site.front, "/st;csv")
            .await
            .number("app", "s1", "uweight")
    };
    for (form, outcome, is) in [
        ("s=s1&action=weight&w=40&b=app", "DONE", 40),
        ("s=s1&action=weight&w=300%25&b=app", "DONE", 3),
        ("s=s1&action=weight&w=257&b=app", "ERRP", 3),
        ("s=s1&action=weight&b=app", "ERRP", 3),
        ("s=s1&action=weight&w=0&b=app", "DONE", 0),
    ] {
        assert_eq!(site.sent("", form).await, outcome, "{form}");
        assert_eq!(weight().await, is, "{form}");
    }
    // A server without weight gets no requests.
    for _ in 0..4 {
        assert_eq!(text(fetch(site.front, "/", "").await), "s2");
    }
}

#[tokio::test]
async fn a_script_changes_servers_as_with_haproxy() {
    let site = Site::new("admin = \"if TRUE\"").await;
    assert_eq!(site.sent("", "s=s1&action=drain&b=app").await, "DONE");
    site.reaches("s1", "DRAIN").await;
    for _ in 0..4 {
        assert_eq!(text(fetch(site.front, "/", "").await), "s2");
    }
    assert_eq!(site.sent("", "b=%23app&action=ready&s=s1").await, "ERRP");
    // Sections have numbers: here `web` is 2 and `app` 3, as beside HAProxy's own socket.
    assert_eq!(site.sent("", "b=%233&action=maint&s=s2").await, "DONE");
    site.reaches("s2", "MAINT").await;
    assert_eq!(fetch(site.front, "/", "").await.status(), 503);
    assert_eq!(site.sent("", "s=s1&s=s2&action=ready&b=app").await, "DONE");
    site.reaches("s1", "UP").await;
    site.reaches("s2", "UP").await;
    assert_eq!(site.sent("", "s=s1&action=hdown&b=app").await, "DONE");
    let said = |line: &str| line.contains("Server app/s1 is DOWN, changed from CLI.");
    site.lb.logged("the forced state", said).await;
    site.reaches("s1", "UP").await;
}

#[tokio::test]
async fn a_form_that_asks_for_nothing_sensible_says_so() {
    let site = Site::new("admin = \"if TRUE\"").await;
    for (form, code) in [
        ("", "NONE"),
        ("action=ready&b=app", "NONE"),
        ("s=s1&action=ready", "NONE"),
        ("s=s1&action=&b=app", "NONE"),
        ("s=s1&action=explode&b=app", "ERRP"),
        ("s=s1&action=ready&b=nobody", "ERRP"),
        ("s=s1&action=ready&b=%232", "ERRP"),
        ("s=s1&action=ready&b=%23999", "ERRP"),
        ("s=nobody&action=ready&b=app", "ERRP"),
        ("s=s1&s=nobody&action=ready&b=app", "PART"),
    ] {
        assert_eq!(site.sent("", form).await, code, "{form}");
    }
    let large = format!("s=s1&action=maint&b=app&x={}", "x".repeat(17 * 1024));
    assert_eq!(site.sent("", &large).await, "EXCD");
    assert_eq!(site.status("s1").await, "UP");
    let answer = site.post("/st;norefresh?scope=app", "", "").await;
    let location = answer.get("location");
    assert_eq!(location, Some("/st;st=NONE;norefresh?scope=app"));
}

#[tokio::test]
async fn nobody_changes_anything_who_may_not() {
    let drain = "s=s1&action=drain&b=app";
    let site = Site::new("refresh = \"1s\"").await;
    assert_eq!(site.sent("", drain).await, "DENY");
    assert!(!text(fetch(site.front, "/st", USER).await).contains("<button"));
    let length = drain.len();
    let request =
        format!("POST /st HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{drain}");
    let mut client = Wire::send_to(site.front, request).await;
    assert_eq!(client.response().await.status(), 401);
    assert_eq!(site.status("s1").await, "UP");
    // The condition is of each request.
    let site = Site::new("admin = \"if { req.hdr(x-team) ops }\"").await;
    assert_eq!(site.sent("", drain).await, "DENY");
    assert_eq!(site.sent("X-Team: dev\r\n", drain).await, "DENY");
    assert_eq!(site.status("s1").await, "UP");
    assert_eq!(site.sent("X-Team: ops\r\n", drain).await, "DONE");
    site.reaches("s1", "DRAIN").await;
}

#[tokio::test]
async fn a_browser_sends_the_pages_own_form_and_no_other() {
    let site = Site::new("admin = \"if TRUE\"").await;
    let browser = "User-Agent: Mozilla/5.0\r\n";
    let own = format!(
        "{browser}Origin: http://{0}\r\nReferer: http://{0}/st\r\nSec-Fetch-Site: same-origin\r\n",
        site.front
    );
    let elsewhere =
        format!("{browser}Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n");
    let page = text(fetch(site.front, "/st", USER).await);
    let token = page.split("name=\"t\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    assert_eq!(token.len(), 32);
    let drain = "s=s1&action=drain&b=%233";
    for (fields, form) in [
        (&elsewhere, drain.to_owned()),
        (&elsewhere, format!("{drain}&t={token}")),
        (&own, drain.to_owned()),
        (&own, format!("{drain}&t={}", "0".repeat(32))),
        (&browser.to_owned(), drain.to_owned()),
    ] {
        assert_eq!(site.sent(fields, &form).await, "DENY", "{fields}{form}");
    }
    assert_eq!(site.status("s1").await, "UP");
    assert!(page.contains("name=\"b\" value=\"#3\""), "{page}");
    assert!(page.contains("name=\"s\" value=\"s1\""));
    assert_eq!(site.sent(&own, &format!("{drain}&t={token}")).await, "DONE");
    site.reaches("s1", "DRAIN").await;
    // Whoever sends it a second time on one connection is served, too.
    let mut client = Wire::send_to(site.front, get("/", "")).await;
    assert_eq!(client.response().await.status(), 200);
    until("the line of the change", || {
        let log = site.lb.log();
        log.contains("Server app/s1 enters drain state")
            .then_some(())
    })
    .await;
}
