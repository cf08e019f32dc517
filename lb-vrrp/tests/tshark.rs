//! What Wireshark's dissector makes of our packets: every field, a right checksum, no complaint.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use lb_vrrp::packet::{
    Authentication, ChecksumPolicy, Codec, Delivery, Format, FormatBuilder, PROTOCOL, Password, TTL,
};
use lb_vrrp::{Advertisement, Family, Interval, Priority, Version, VirtualRouterId};

/// Link type 101: packets begin with their IP header.
const RAW_IP: u32 = 101;

/// Fields in the order of the columns below; a status of 1 is a good checksum.
const FIELDS: [&str; 12] = [
    "vrrp.version",
    "vrrp.type",
    "vrrp.virt_rtr_id",
    "vrrp.prio",
    "vrrp.addr_count",
    "vrrp.adver_int",
    "vrrp.short_adver_int",
    "vrrp.auth_type",
    "vrrp.auth_string",
    "vrrp.checksum.status",
    "vrrp.ip_addr",
    "vrrp.ipv6_addr",
];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn format(version: Version, family: Family) -> FormatBuilder {
    Format::builder(version, family, VirtualRouterId::new(88).unwrap())
}

/// The packet of an advertisement of `centiseconds`, sent by `format` with the IP header that a
/// driver puts before it.
fn packet(
    format: FormatBuilder,
    priority: u8,
    centiseconds: u16,
    addresses: &[&str],
    (source, destination): (&str, &str),
) -> Vec<u8> {
    let format = format.build().unwrap();
    let version = format.version();
    let advertisement = Advertisement {
        version,
        id: format.id(),
        priority: Priority(priority),
        interval: Interval::from_centiseconds(version, centiseconds).unwrap(),
        addresses: addresses.iter().copied().map(ip).collect(),
    };
    let (source, destination) = (ip(source), ip(destination));
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let mut message = Vec::new();
    Codec::new(format)
        .write(&advertisement, source, destination, now, &mut message)
        .unwrap();
    let length = message.len() as u16;
    let mut packet = Vec::new();
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            packet.extend([0x45, 0xc0]);
            packet.extend((20 + length).to_be_bytes());
            packet.extend([0, 1, 0, 0, TTL, PROTOCOL, 0, 0]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            packet.extend([0x6c, 0, 0, 0]);
            packet.extend(length.to_be_bytes());
            packet.extend([PROTOCOL, TTL]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
        }
        _ => unreachable!("one family"),
    }
    packet.extend(message);
    packet
}

/// A capture file of `packets` (pcap-savefile(5)).
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4, 0x0002_0004, 0, 0, 65_535, RAW_IP] {
        file.extend(u32::to_be_bytes(word));
    }
    for (second, packet) in packets.iter().enumerate() {
        let length = packet.len() as u32;
        for word in [second as u32, 0, length, length] {
            file.extend(word.to_be_bytes());
        }
        file.extend(packet);
    }
    file
}

fn tshark(capture: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(capture)
        .args(["-o", "ip.check_checksum:FALSE"])
        .args(arguments)
        .output()
        .expect("tshark runs: apt-get install tshark");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tshark_reads_what_we_write() {
    let group = ("10.77.0.1", "224.0.0.18");
    let unicast = || Delivery::Unicast { ttl: None };
    let password = Authentication::Simple(Password::new("abc12").unwrap());
    let v2 = || format(Version::V2, Family::V4);
    let v3 = || format(Version::V3, Family::V4);
    let v6 = || format(Version::V3, Family::V6);
    let packets = [
        packet(v2(), 100, 100, &["10.77.0.100"], group),
        packet(
            v2().authentication(password),
            254,
            25_500,
            &["10.77.0.100", "10.77.0.101"],
            group,
        ),
        packet(v3(), 0, 1, &["10.77.0.100"], group),
        packet(v3(), 255, 4095, &["10.77.0.100", "10.77.0.101"], group),
        packet(
            v3().delivery(unicast()),
            100,
            100,
            &["10.77.0.100"],
            ("10.77.0.1", "10.77.0.2"),
        ),
        packet(
            v6(),
            100,
            10,
            &["fe80::88", "fd77::100"],
            ("fe80::1", "ff02::12"),
        ),
        packet(
            v6().delivery(unicast()),
            100,
            100,
            &["fe80::88"],
            ("fd77::1", "fd77::2"),
        ),
        // The form of RFC 9568, which this dissector does not know: all is read but the checksum.
        packet(
            v3().checksum(ChecksumPolicy::Message),
            100,
            100,
            &["10.77.0.100"],
            group,
        ),
    ];
    let directory = tempfile::tempdir().unwrap();
    let capture = directory.path().join("vrrp.pcap");
    std::fs::write(&capture, pcap(&packets)).unwrap();

    let mut arguments = vec!["-T", "fields", "-E", "separator=|"];
    arguments.extend(FIELDS.iter().flat_map(|field| ["-e", field]));
    let fields = tshark(&capture, &arguments);
    let expected = [
        "2|1|88|100|1|1||0||1|10.77.0.100|",
        "2|1|88|254|2|255||1|abc12|1|10.77.0.100,10.77.0.101|",
        "3|1|88|0|1||1|||1|10.77.0.100|",
        "3|1|88|255|2||4095|||1|10.77.0.100,10.77.0.101|",
        "3|1|88|100|1||100|||1|10.77.0.100|",
        "3|1|88|100|2||10|||1||fe80::88,fd77::100",
        "3|1|88|100|1||100|||1||fe80::88",
        "3|1|88|100|1||100|||0|10.77.0.100|",
    ];
    assert_eq!(fields.lines().collect::<Vec<_>>(), expected);

    let complaints = [
        "-Y",
        "_ws.expert || _ws.malformed",
        "-T",
        "fields",
        "-e",
        "frame.number",
    ];
    let complaints = tshark(
        &capture,
        &[&complaints[..], &["-e", "_ws.expert.message"]].concat(),
    );
    let complaints: Vec<_> = complaints.lines().collect();
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(
        complaints[0].starts_with("8\tBad checksum"),
        "{complaints:?}"
    );
}
