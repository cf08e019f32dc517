//! Interfaces.

use std::io;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoMacVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};

use super::Netlink;
use crate::network::MacAddress;

/// What is known of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    /// Up, and with a carrier.
    pub(crate) up: bool,
    /// All zeroes where it is no Ethernet.
    pub(crate) mac: MacAddress,
    pub(crate) mtu: u32,
    /// What it lies upon: a macvlan's base.
    pub(crate) base: Option<u32>,
}

impl Link {
    pub(super) fn of(message: &LinkMessage) -> Self {
        let flags = message.header.flags;
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            up: flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
            mac: MacAddress([0; 6]),
            mtu: 0,
            base: None,
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name.clone_from(name),
                LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
                LinkAttribute::Link(base) => link.base = Some(*base),
                LinkAttribute::Address(octets) => {
                    if let Ok(octets) = octets.as_slice().try_into() {
                        link.mac = MacAddress(octets);
                    }
                }
                _ => {}
            }
        }
        link
    }
}

impl Netlink {
    /// The interface called `name`, if there is one.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn link(&mut self, name: &str) -> io::Result<Option<Link>> {
        let mut message = LinkMessage::default();
        message
            .attributes
            .push(LinkAttribute::IfName(name.to_owned()));
        match self.get(RouteNetlinkMessage::GetLink(message)) {
            Ok(Some(RouteNetlinkMessage::NewLink(message))) => Ok(Some(Link::of(&message))),
            Ok(_) => Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every interface.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn links(&mut self) -> io::Result<Vec<Link>> {
        let answer = self.dump(&RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
        let link = |message| match message {
            RouteNetlinkMessage::NewLink(message) => Some(Link::of(&message)),
            _ => None,
        };
        Ok(answer.into_iter().filter_map(link).collect())
    }

    /// Makes a macvlan of mode private, which is down at first.
    ///
    /// # Errors
    /// The kernel's answer: `EEXIST` where the name is taken, `EOPNOTSUPP` without macvlan.
    pub(crate) fn add_macvlan(&mut self, name: &str, base: u32, mac: MacAddress) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::Link(base),
            LinkAttribute::Address(mac.0.to_vec()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::MacVlan),
                LinkInfo::Data(InfoData::MacVlan(vec![InfoMacVlan::Mode(
                    MacVlanMode::Private,
                )])),
            ]),
        ];
        let message = RouteNetlinkMessage::NewLink(message);
        self.request(message, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Sets an interface up.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn set_up(&mut self, index: u32) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        self.request(RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Removes an interface; one that is gone is none the worse.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(crate) fn remove_link(&mut self, index: u32) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        match self.request(RouteNetlinkMessage::DelLink(message), 0) {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(()),
            result => result,
        }
    }
}
