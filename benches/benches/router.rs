//! The cost of choosing among many `use_backend` on `Host`: `list` tries one after another, as HAProxy does, `router`
//! looks the host up. The host is that of the last rule.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::Request;
use lb_core::condition::{Condition, Scope};
use lb_http::{
    fetch::{HttpExpr, HttpVocabulary, View},
    rules::Router,
};

fn conditions(count: usize) -> Vec<Condition<HttpExpr>> {
    let (scope, _) = Scope::builder(HttpVocabulary::default()).build();
    let compile = |n| {
        let text = format!("{{ hdr(host) -i host-{n}.example }}");
        scope.terms(&text).expect("a condition")
    };
    (0..count).map(compile).collect()
}

fn choose(c: &mut Criterion) {
    let mut group = c.benchmark_group("use_backend");
    for count in [1, 10, 100, 1000] {
        let list = conditions(count);
        let router = Router::new(list.iter().map(|c| Some((false, c.clone()))));
        let host = format!("host-{}.example", count - 1);
        let request = Request::get("/").header("host", host).body(());
        let request = request.expect("a request");
        let view = View::of(&request);
        group.bench_function(BenchmarkId::new("list", count), |b| {
            b.iter(|| list.iter().position(|c| c.eval(black_box(&view))));
        });
        group.bench_function(BenchmarkId::new("router", count), |b| {
            b.iter(|| router.first(black_box(&view)));
        });
    }
    group.finish();
}

criterion_group!(benches, choose);
criterion_main!(benches);
