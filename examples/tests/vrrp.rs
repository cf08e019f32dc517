//! What the example `vrrp` shows.

#[allow(dead_code, reason = "its main is not run")]
#[path = "../examples/vrrp.rs"]
mod example;

#[tokio::test(start_paused = true)]
async fn the_address_is_always_served_by_one_of_two_nodes() {
    let b = "eth0 90 MASTER priority 100 id 90 on eth0";
    let backup = "eth0 90 BACKUP priority 100 id 90 on eth0";
    assert_eq!(
        example::story().await.unwrap(),
        [
            "200 a greets".to_owned(),
            "503 ".to_owned(),
            "b greets".to_owned(),
            format!("{b}: no advertisement from 192.0.2.1 for 0.36 s"),
            "a greets".to_owned(),
            format!("{backup}: 192.0.2.1 is master with priority 150, above own 100"),
            "b greets".to_owned(),
            format!("{b}: 192.0.2.1 stops (priority 0)"),
        ]
    );
}
