//! A sample that is kept: in a variable, a map, a table, or between two converters.

use std::net::IpAddr;

use super::sample::{Sample, SampleType};

/// A [`Sample`] of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An address.
    Ip(IpAddr),
    /// Text, as bytes.
    Str(Box<[u8]>),
    /// Other bytes.
    Bin(Box<[u8]>),
}

impl Value {
    /// Its type.
    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        self.as_sample().sample_type()
    }

    /// The value, borrowed.
    #[must_use]
    pub fn as_sample(&self) -> Sample<'_> {
        match self {
            Self::Bool(value) => Sample::Bool(*value),
            Self::Int(value) => Sample::Int(*value),
            Self::Ip(value) => Sample::Ip(*value),
            Self::Str(bytes) => Sample::Str(bytes),
            Self::Bin(bytes) => Sample::Bin(bytes),
        }
    }
}

impl From<Sample<'_>> for Value {
    fn from(sample: Sample<'_>) -> Self {
        match sample {
            Sample::Bool(value) => Self::Bool(value),
            Sample::Int(value) => Self::Int(value),
            Sample::Ip(value) => Self::Ip(value),
            Sample::Str(bytes) => Self::Str(bytes.into()),
            Sample::Bin(bytes) => Self::Bin(bytes.into()),
        }
    }
}
