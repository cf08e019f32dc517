//! The same of this crate.

use std::{net::SocketAddr, path::Path, sync::Arc};

use http::{Request, Response, Uri};
use lb_core::{
    Pool, Server,
    condition::{ConditionError, Word, words},
    policy::RoundRobin,
};
use lb_http::{
    Client, Upstream,
    fetch::{HttpExpr, HttpVocabulary, Place, Registry, ResponseView, View},
    transaction::{Slot, Transaction},
    users::{Password, UserList},
};

pub(crate) struct Here {
    registry: Arc<Registry>,
    directory: String,
}

impl Here {
    pub(crate) fn new(directory: &Path) -> Self {
        let target = || Upstream::from(SocketAddr::from(([127, 0, 0, 1], 1)));
        let pool = Pool::builder()
            .with(Server::new("a", target()))
            .with(Server::new("b", target()).weight(5))
            .build(RoundRobin::new())
            .expect("two servers");
        let crypt = |text| Password::crypt(text).expect("a hash");
        let users = UserList::builder()
            .user("alice", Password::plain("wonderland"))
            .user("bob", Password::plain("secret"))
            .group("admins", ["alice"])
            .group("all", ["alice", "bob"])
            .user("carol", crypt("$1$saltsalt$/jkPlMLBgXfPMvVeXb86N0"))
            .user("dave", crypt("$6$saltsalt$W/jiUV33dYn/cXMzKd3V/qK7R0gXNlIkzvZQwrFh1OEVqfGBCG0/KBAwzxKlekMsd8d7Btk1XKIj2gjbuwyo80"))
            .build();
        let registry = Registry::new()
            .backend("idle", Arc::new(pool))
            .servers("idle", ["a".into(), "b".into()])
            .users("users", users);
        Self {
            registry: Arc::new(registry),
            directory: format!("{}/", directory.display()),
        }
    }

    fn compile(&self, expression: &str, place: Place) -> Result<HttpExpr, ConditionError> {
        let text = expression.replace("@/", &self.directory);
        let words: Vec<Word> = words(&text)?;
        assert_eq!(words.len(), 1, "{text}");
        HttpVocabulary::new(place, self.registry.clone()).expr(&words[0])
    }

    pub(crate) fn refuses(&self, expression: &str) -> bool {
        self.compile(expression, Place::Request).is_err()
    }

    /// What rules before have kept.
    fn transaction(&self, request: &Request<()>) -> Transaction {
        let transaction = Transaction::of(request, true);
        let view = View::of(request).transaction(&transaction);
        for setting in [
            "int(7),set-var(txn.num)",
            "str(text),set-var(txn.text)",
            "ipv4(10.1.2.3),set-var(txn.ip)",
            "str(HS256),set-var(txn.alg)",
        ] {
            let setting = self.compile(setting, Place::Request).expect("a setting");
            setting.with_sample(&view, |_| ()).expect("a sample");
        }
        transaction
    }

    pub(crate) fn of_request(&self, expression: &str, line: &str) -> Option<String> {
        let expr = self
            .compile(expression, Place::Request)
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
        let request = request(line);
        let transaction = self.transaction(&request);
        text(&expr, &View::of(&request).transaction(&transaction))
    }

    pub(crate) fn of_response(&self, expression: &str) -> Option<String> {
        let expr = self
            .compile(expression, Place::Response)
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
        let request = request("GET /p?a=1 HTTP/1.1 | host: h.example");
        let mut transaction = self.transaction(&request);
        transaction.captures.fill(Slot::Request(0), b"kept", 10);
        transaction.forget(lb_http::transaction::VariableScope::Request);
        let (head, ()) = Response::builder()
            .status(201)
            .header("x", "1, 2")
            .header("x", "3")
            .header("y", "12")
            .header("z", "192.0.2.5")
            .header("set-cookie", "a=1; path=/")
            .header("set-cookie", "b=2")
            .header("set-cookie", "n=17; secure")
            .body(())
            .unwrap()
            .into_parts();
        let client = client();
        let mut view = View::default()
            .client(Some(&client))
            .transaction(&transaction);
        view.response = Some(ResponseView::new(&head));
        text(&expr, &view)
    }
}

fn text(expr: &HttpExpr, view: &View<'_>) -> Option<String> {
    expr.with_sample(view, |sample| {
        sample.with_text(|text| String::from_utf8(text.to_vec()).expect("printable"))
    })
}

fn client() -> Client {
    Client::new(
        SocketAddr::from(([127, 0, 0, 1], 40000)),
        SocketAddr::from(([127, 0, 0, 1], 80)),
    )
}

fn request(line: &str) -> Request<()> {
    let mut parts = line.split(" | ");
    let mut words = parts.next().expect("a request line").split(' ');
    let mut word = || words.next().expect("three words");
    let mut builder = Request::builder()
        .method(word())
        .uri(word().parse::<Uri>().expect("a target"))
        .extension(client());
    for field in parts {
        let (name, value) = field.split_once(": ").expect("a field");
        builder = builder.header(name, value.trim());
    }
    builder.body(()).expect("a request")
}
