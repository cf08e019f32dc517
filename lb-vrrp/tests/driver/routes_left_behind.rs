//! The kernel drops the addresses of a master that was killed, but not its routes: they stayed
//! when it came back as backup.

use lb_vrrp::driver::Instance;
use lb_vrrp::machine::State;
use lb_vrrp::mock::Hub;
use lb_vrrp::network::Network as _;
use lb_vrrp::packet::Format;
use lb_vrrp::{Family, Version, VirtualRoute};

use crate::support::{Node, ip, settings, virtual_address};

#[tokio::test(start_paused = true)]
async fn a_backup_removes_them_when_it_starts() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    a.becomes(State::Master).await;
    let routes: Vec<VirtualRoute> = vec!["198.51.100.0/24 via 192.0.2.254".parse().unwrap()];
    let mut network = hub.attach(ip(2));
    network.add_routes(&routes).unwrap();

    let settings = settings(1, 100).build().unwrap();
    let format = Format::builder(Version::V3, Family::V4, settings.id());
    let format = format.build().unwrap();
    let addresses = vec![virtual_address()];
    let instance = Instance::new("VI_1", "eth0", settings, format, addresses, network);
    let b = Node::start(instance.routes(routes));
    b.becomes(State::Backup).await;
    assert!(hub.routes(ip(2)).is_empty());
}
