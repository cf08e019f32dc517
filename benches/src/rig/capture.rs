//! What went over the switch, recorded by `dumpcap` and read by `tshark`.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;

use super::{RigError, command, daemon::Daemon, namespace::Namespace};

/// How long a recording may take to begin and to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A recording under way.
#[derive(Debug)]
pub struct Capture {
    daemon: Daemon,
    file: PathBuf,
}

impl Capture {
    /// Records ARP, ICMPv6 and VRRP on the switch; returns when it does.
    pub(super) fn start(switch: &Namespace, directory: &Path) -> Result<Self, RigError> {
        let file = directory.join("switch.pcapng");
        let mut command = switch.command(Path::new("dumpcap"));
        command
            .args([
                "-q",
                "-i",
                "br0",
                "-f",
                "arp or icmp6 or vrrp or ip6 proto 112",
                "-w",
            ])
            .arg(&file);
        let daemon = Daemon::start(command, directory.join("dumpcap.log"))?;
        // It names the file once the socket is open.
        daemon.until_logged("File: ", PATIENCE)?;
        Ok(Self { daemon, file })
    }

    /// Ends it.
    ///
    /// # Errors
    /// If `dumpcap` does not end when told to.
    pub fn stop(mut self) -> Result<Packets, RigError> {
        self.daemon.signal(Signal::INT);
        self.daemon.until_ended(PATIENCE)?;
        Ok(Packets(self.file.clone()))
    }
}

/// A recording, for as long as its rig lives.
#[derive(Debug)]
pub struct Packets(PathBuf);

impl Packets {
    /// One line for each packet that the display filter keeps: its `fields`, tab-separated.
    ///
    /// # Errors
    /// If tshark cannot be run or dislikes the filter.
    pub fn fields(&self, filter: &str, fields: &[&str]) -> Result<Vec<String>, RigError> {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&self.0);
        // An address that moves is two hosts with one address, which is what we are here for.
        command.args(["-n", "-o", "arp.detect_duplicate_ips:FALSE", "-Y", filter]);
        command.args(["-T", "fields"]);
        for field in fields {
            command.args(["-e", field]);
        }
        let lines = command::run(command, "")?;
        Ok(lines.lines().map(str::to_owned).collect())
    }

    /// How many packets the display filter keeps.
    ///
    /// # Errors
    /// As [`Self::fields`].
    pub fn count(&self, filter: &str) -> Result<usize, RigError> {
        Ok(self.fields(filter, &["frame.number"])?.len())
    }

    /// What the decoder complains about: malformed packets, wrong checksums, anything it calls expert information.
    ///
    /// # Errors
    /// As [`Self::fields`].
    pub fn complaints(&self) -> Result<Vec<String>, RigError> {
        self.fields(
            "_ws.malformed or (_ws.expert and (vrrp or arp or icmpv6))",
            &[
                "frame.number",
                "frame.protocols",
                "ip.src",
                "ipv6.src",
                "_ws.expert.message",
            ],
        )
    }
}
