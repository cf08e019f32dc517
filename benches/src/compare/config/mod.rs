//! The configuration of each server of the run, as text in its own language.
//!
//! Each proxy gets what suits it best: connection reuse without restriction, timeouts out of the way, one worker.

mod haproxy;
mod lb;
mod nginx;

use std::{net::SocketAddr, path::Path};

pub(super) use nginx::origin;

use super::options::{Case, Proxy};

/// Client connections a proxy is set up for: above the idle case's, below HAProxy's own bound for 20,000 descriptors.
const MAX_CONNECTIONS: u32 = 9_000;

/// What a proxy is to serve, and from where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The two origins.
    pub origins: [SocketAddr; 2],
    /// Where the full case's log lines go.
    pub syslog: SocketAddr,
    /// Decides which features are on.
    pub case: Case,
    /// The run's directory, for what a proxy needs besides its configuration.
    pub directory: &'a Path,
}

impl Site<'_> {
    /// The configuration file of `proxy`.
    pub(super) fn config(&self, proxy: Proxy) -> String {
        match proxy {
            Proxy::Lb => lb::config(self),
            Proxy::Haproxy => haproxy::config(self),
            Proxy::Nginx => nginx::config(self),
        }
    }

    fn full(&self) -> bool {
        self.case == Case::Full
    }
}

/// What follows the program's name on its command line.
pub(super) fn arguments(proxy: Proxy) -> &'static [&'static str] {
    match proxy {
        Proxy::Lb => &["serve"],
        Proxy::Haproxy => &["-db", "-f"],
        Proxy::Nginx => &["-e", "stderr", "-c"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs(case: Case) -> [String; 3] {
        let site = Site {
            listen: "127.0.0.1:8000".parse().unwrap(),
            origins: [
                "127.0.0.1:8001".parse().unwrap(),
                "127.0.0.1:8002".parse().unwrap(),
            ],
            syslog: "127.0.0.1:8003".parse().unwrap(),
            case,
            directory: Path::new("/run"),
        };
        [Proxy::Lb, Proxy::Haproxy, Proxy::Nginx].map(|proxy| site.config(proxy))
    }

    #[test]
    fn every_proxy_names_its_listener_and_both_origins() {
        for config in Case::ALL.into_iter().flat_map(configs) {
            for port in ["127.0.0.1:8000", "127.0.0.1:8001", "127.0.0.1:8002"] {
                assert!(config.contains(port), "{port} in\n{config}");
            }
        }
    }

    #[test]
    fn the_five_conditions_and_the_log_are_in_the_full_case_only() {
        let markers = [
            "/never",
            "never.example",
            "10.0.0.0/8",
            "SRV",
            "127.0.0.1:8003",
        ];
        for config in configs(Case::Full) {
            assert!(
                markers.iter().all(|marker| config.contains(marker)),
                "{config}"
            );
        }
        for config in configs(Case::Small) {
            assert!(
                !markers.iter().any(|marker| config.contains(marker)),
                "{config}"
            );
        }
    }
}
