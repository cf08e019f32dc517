//! A sample between two converters.

use std::net::{IpAddr, Ipv4Addr};

use lb_core::condition::{Sample, SampleType};
use smallvec::SmallVec;

/// Text under conversion; longer than this it moves to the heap.
pub(in crate::fetch) type Buffer = SmallVec<[u8; 256]>;

/// A sample that converters change.
#[derive(Debug)]
pub(in crate::fetch) struct Work {
    kind: Kind,
    /// What it is, if it is text or bytes.
    pub(in crate::fetch) text: Buffer,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Bool(bool),
    Int(i64),
    Ip(IpAddr),
    Str,
    Bin,
}

impl Work {
    pub(in crate::fetch) fn new(sample: Sample<'_>) -> Self {
        let mut work = Self {
            kind: Kind::Str,
            text: Buffer::new(),
        };
        work.set(sample);
        work
    }

    /// What it has become.
    pub(in crate::fetch) fn sample(&self) -> Sample<'_> {
        match self.kind {
            Kind::Bool(value) => Sample::Bool(value),
            Kind::Int(value) => Sample::Int(value),
            Kind::Ip(value) => Sample::Ip(value),
            Kind::Str => Sample::Str(&self.text),
            Kind::Bin => Sample::Bin(&self.text),
        }
    }

    /// Puts another sample in its place. True, since a sample is there.
    pub(in crate::fetch) fn set(&mut self, sample: Sample<'_>) -> bool {
        self.kind = match sample {
            Sample::Bool(value) => Kind::Bool(value),
            Sample::Int(value) => Kind::Int(value),
            Sample::Ip(value) => Kind::Ip(value),
            Sample::Str(text) => {
                self.fill(text);
                Kind::Str
            }
            Sample::Bin(bytes) => {
                self.fill(bytes);
                Kind::Bin
            }
        };
        true
    }

    /// The text is whole: it is a string now.
    pub(in crate::fetch) fn is_text(&mut self) -> bool {
        self.kind = Kind::Str;
        true
    }

    /// The text is whole: it is bytes now.
    pub(in crate::fetch) fn is_bytes(&mut self) -> bool {
        self.kind = Kind::Bin;
        true
    }

    /// The number of a sample that was cast to one.
    pub(in crate::fetch) fn int(&self) -> i64 {
        self.sample().to_int().unwrap_or(0)
    }

    fn fill(&mut self, text: &[u8]) {
        self.text.clear();
        self.text.extend_from_slice(text);
    }

    /// Turns it into the type that a converter takes; false if this one cannot be turned.
    pub(in crate::fetch) fn cast(&mut self, to: SampleType) -> bool {
        let from = self.sample().sample_type();
        if from == to || to == SampleType::Any {
            return true;
        }
        if !from.casts_to(to) {
            return false;
        }
        match (to, self.kind) {
            (SampleType::Str, Kind::Bin) => self.is_text(),
            (SampleType::Str, _) => {
                let mut text = Buffer::new();
                self.sample()
                    .with_text(|bytes| text.extend_from_slice(bytes));
                self.text = text;
                self.is_text()
            }
            (SampleType::Bin, Kind::Str) => self.is_bytes(),
            (SampleType::Bin, kind) => {
                match kind {
                    Kind::Bool(value) => self.fill(&i64::from(value).to_be_bytes()),
                    Kind::Int(value) => self.fill(&value.to_be_bytes()),
                    Kind::Ip(IpAddr::V4(ip)) => self.fill(&ip.octets()),
                    Kind::Ip(IpAddr::V6(ip)) => self.fill(&ip.octets()),
                    Kind::Str | Kind::Bin => {}
                }
                self.is_bytes()
            }
            (SampleType::Int, Kind::Ip(ip)) => match v4(ip) {
                Some(ip) => self.set(Sample::Int(u32::from(ip).into())),
                None => false,
            },
            (SampleType::Ip, Kind::Int(value)) => {
                // The low 32 bits, as HAProxy takes them.
                self.set(Sample::Ip(Ipv4Addr::from(value as u32).into()))
            }
            (SampleType::Int, _) => match self.sample().to_int() {
                Some(value) => self.set(Sample::Int(value)),
                None => false,
            },
            (SampleType::Bool, _) => match self.sample().to_int() {
                Some(value) => self.set(Sample::Bool(value != 0)),
                None => false,
            },
            (SampleType::Ip, _) => match self.sample().to_ip() {
                Some(ip) => self.set(Sample::Ip(ip)),
                None => false,
            },
            (SampleType::Any, _) => true,
        }
    }
}

/// An IPv4 address, also one that is mapped into IPv6.
pub(in crate::fetch) fn v4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped(),
    }
}
