//! What the example `discover` shows.

#[allow(dead_code, reason = "its main is not run")]
#[path = "../examples/discover.rs"]
mod example;

#[tokio::test(start_paused = true)]
async fn servers_come_and_go_and_health_goes_on_to_tower() {
    assert_eq!(
        example::story().await,
        [
            r#"a, b and c: ["a", "a", "b", "b", "c", "c"]"#,
            r#"b has left: ["a", "a", "c", "c"]"#,
            r#"a is DOWN: ["c", "c"]"#,
            r#"so tower says: ["c", "c"]"#,
            "registry: connection lost",
            r#"c serves on: ["c", "c"]"#,
        ]
    );
}
