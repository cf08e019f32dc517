//! One virtual router in the words of each daemon.

use std::{fmt::Write as _, path::Path};

use super::{
    place::{Node, VIRTUAL_LINK_LOCAL, VIRTUAL_ROUTER_ID, VIRTUAL_V4, VIRTUAL_V6},
    profile::Profile,
    setup::Setup,
};

/// Where the service of a node listens when Keepalived guards it, and `lb` when that does.
pub(super) const HTTP: u16 = 80;
/// Where it listens behind `lb`.
pub(super) const BACKEND: u16 = 8080;
/// Of the peer link.
const LINK: u16 = 5405;

/// `keepalived.conf`.
pub(super) fn keepalived(node: Node, peers: &[Node], profile: &Profile, setup: &Setup) -> String {
    let mut lines = String::new();
    let mut add = |line: String| lines.extend(["  ", &line, "\n"]);
    // With the other word, `nopreempt` would be ignored.
    add("state BACKUP".into());
    add("interface eth0".into());
    add(format!("virtual_router_id {VIRTUAL_ROUTER_ID}"));
    add(format!("priority {}", setup.priority));
    add(format!("advert_int {}", profile.interval.as_secs_f64()));
    if !setup.preempt {
        add("nopreempt".into());
    }
    if let Some(password) = profile.password {
        add(format!(
            "authentication {{\n    auth_type PASS\n    auth_pass {password}\n  }}"
        ));
    }
    if profile.unicast {
        add(format!("unicast_src_ip {}", node.v4()));
        let peers: Vec<String> = peers.iter().map(|peer| peer.v4().to_string()).collect();
        add(format!(
            "unicast_peer {{\n    {}\n  }}",
            peers.join("\n    ")
        ));
    }
    if setup.track_service {
        add("track_script {\n    service\n  }".into());
    }
    add(format!(
        "virtual_ipaddress {{\n    {}\n  }}",
        addresses(profile).join("\n    ")
    ));
    add(setup.extra.clone());
    // Bash opens the connection itself; its file is root's, as Keepalived asks of a script.
    let script = if setup.track_service {
        format!(
            "vrrp_script service {{\n  script \"/bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/{HTTP}'\"\n  interval 1\n}}\n"
        )
    } else {
        String::new()
    };
    format!(
        "global_defs {{\n  router_id {node}\n  vrrp_version {}\n  script_user root\n}}\n{script}vrrp_instance VI {{\n{lines}}}\n",
        profile.version
    )
}

/// `lb.toml`: the virtual router and a frontend behind it, with the node's service as its only server.
pub(super) fn lb(
    node: Node,
    peers: &[Node],
    profile: &Profile,
    setup: &Setup,
    link: bool,
    admin: &Path,
) -> String {
    let check = if setup.track_service {
        "check = { type = \"tcp\", interval = \"1s\", rise = 1, fall = 1 }\n"
    } else {
        ""
    };
    let mut text = format!(
        "[global]
node = \"{node}\"
admin = {{ socket = {admin:?} }}
{}[frontend.web]
bind = [\"*:{HTTP}\"]
default_backend = \"service\"
[backend.service]
{check}server = [{{ name = \"service\", address = \"127.0.0.1:{BACKEND}\" }}]
[vrrp.VI]
interface = \"eth0\"
virtual_router_id = {VIRTUAL_ROUTER_ID}
version = {}
priority = {}
preempt = {}
advert_interval = \"{}ms\"
virtual_addresses = {:?}
",
        setup.global,
        profile.version,
        setup.priority,
        setup.preempt,
        profile.interval.as_millis(),
        addresses(profile),
    );
    let mut add = |line: String| text.extend([&line, "\n"]);
    if let Some(password) = profile.password {
        add(format!(
            "auth = {{ type = \"pass\", password = \"{password}\" }}"
        ));
    }
    if profile.unicast {
        let peers: Vec<String> = peers.iter().map(|peer| peer.v4().to_string()).collect();
        add(format!("source_address = \"{}\"", node.v4()));
        add(format!("unicast_peers = {peers:?}"));
    }
    if link {
        let peers: Vec<String> = peers
            .iter()
            .map(|peer| format!("{}:{LINK}", peer.v4()))
            .collect();
        // 32 octets in hexadecimal digits.
        let key = "5e".repeat(32);
        add(format!(
            "peer_link = {{ bind = \"{}:{LINK}\", peers = {peers:?}, key = \"{key}\" }}",
            node.v4()
        ));
    }
    if setup.track_service {
        add("track_backends = [{ name = \"service\", min_up = 1 }]".into());
    }
    let _ = write!(text, "{}", setup.extra);
    text
}

fn addresses(profile: &Profile) -> Vec<String> {
    if profile.v6 {
        vec![
            format!("{VIRTUAL_LINK_LOCAL}/64"),
            format!("{VIRTUAL_V6}/64"),
        ]
    } else {
        vec![format!("{VIRTUAL_V4}/24")]
    }
}

#[cfg(test)]
mod tests {
    use super::super::setup::Program;
    use super::*;

    #[test]
    fn keepalived_is_told_what_the_profile_says() {
        let setup = Setup::new(Program::Keepalived, 150).no_preempt();
        let text = keepalived(Node::A, &[Node::B], &Profile::V2, &setup);
        for line in [
            "vrrp_version 2",
            "advert_int 1\n",
            "nopreempt",
            "auth_pass s3cret88",
        ] {
            assert!(text.contains(line), "no {line} in {text}");
        }
        let text = keepalived(Node::B, &[Node::A, Node::C], &Profile::V6, &setup);
        assert!(text.contains("advert_int 0.1\n"), "{text}");
        assert!(
            text.contains("fe80::88/64\n    fd77::100/64"),
            "link-local comes first: {text}"
        );
    }

    #[test]
    fn lb_is_told_the_same_and_of_its_peers() {
        let program = Program::Lb {
            path: "lb".into(),
            link: true,
        };
        let setup = Setup::new(program, 100).track_service();
        let text = lb(
            Node::A,
            &[Node::B, Node::C],
            &Profile::UNICAST,
            &setup,
            true,
            Path::new("/run/a.sock"),
        );
        for line in [
            "admin = { socket = \"/run/a.sock\" }",
            "unicast_peers = [\"10.77.0.2\", \"10.77.0.3\"]",
            "bind = \"10.77.0.1:5405\", peers = [\"10.77.0.2:5405\", \"10.77.0.3:5405\"]",
            "track_backends",
        ] {
            assert!(text.contains(line), "no {line} in {text}");
        }
    }
}
