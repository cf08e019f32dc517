//! A handover on one interface moved the virtual router with the same number on another as well:
//! it had two masters until the one that was not asked spoke up.

use std::net::SocketAddr;
use std::time::Duration;

use lb_vrrp::Vrrp;
use lb_vrrp::driver::{Driver, Said};
use lb_vrrp::link::PeerLink;
use lb_vrrp::machine::State;
use lb_vrrp::mock::Hub;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{becomes, instance, ip, settings};

/// Two addresses of this host that are free now.
fn free() -> [SocketAddr; 2] {
    let free = |ip: [u8; 4]| {
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::from(ip), 0)).unwrap();
        listener.local_addr().unwrap()
    };
    [free([127, 0, 0, 1]), free([127, 0, 0, 2])]
}

/// The same virtual router on both networks; says when it is linked.
fn node(
    hubs: &[Hub; 2],
    last: u8,
    priority: u8,
    [bind, peer]: [SocketAddr; 2],
) -> ([Vrrp; 2], mpsc::UnboundedReceiver<()>) {
    let mut driver = Driver::new();
    let routers = [0, 1].map(|at: u8| {
        // No address is on two networks.
        let source = ip(last + 10 * at);
        let settings = settings(1, priority).build().unwrap();
        driver.add(instance(&hubs[usize::from(at)], source, settings))
    });
    let link = PeerLink::builder().bind(bind).peer(peer);
    let link = link.key("at least sixteen octets").build().unwrap();
    driver.link(link.open().unwrap());
    let (up, linked) = mpsc::unbounded_channel();
    driver.observe(move |report| {
        if report.said == Said::Notice("linked".to_owned()) {
            let _ = up.send(());
        }
    });
    tokio::spawn(driver.run());
    (routers, linked)
}

#[tokio::test]
async fn a_handover_moves_the_one_that_is_meant() {
    let hubs = [Hub::new(), Hub::new()];
    let [a, b] = free();
    let (left, mut linked) = node(&hubs, 1, 150, [a, b]);
    let (right, mut linked_too) = node(&hubs, 2, 100, [b, a]);
    for linked in [&mut linked, &mut linked_too] {
        let up = timeout(Duration::from_secs(30), linked.recv()).await;
        up.unwrap().unwrap();
    }
    for (vrrp, other) in left.iter().zip(&right) {
        becomes(vrrp, State::Master).await;
        let mut status = other.watch();
        let follows = status.wait_for(|status| status.master.is_some());
        timeout(Duration::from_secs(30), follows)
            .await
            .unwrap()
            .unwrap();
    }

    left[0].hand_over().unwrap();
    becomes(&right[0], State::Master).await;
    becomes(&left[0], State::Backup).await;
    // As long as whoever was asked in error would take to be heard.
    left[0].inspect().await.unwrap();
    assert_eq!(
        &*right[0].status().reason,
        "192.0.2.1 hands over",
        "by the link"
    );
    let other = right[1].inspect().await.unwrap().statistics;
    assert_eq!(other.master_transitions, 0);
    assert!(left[1].is_master());
}
