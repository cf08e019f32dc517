//! `garp`: when a new master tells its neighbours where the addresses are.

use std::time::Duration;

use crate::config::{
    print::{ToToml, inline},
    section::{Place, Section},
    types::FromValue as _,
};

/// When gratuitous ARP requests, or unsolicited neighbour advertisements, are sent. Keepalived sends two bursts 5 s apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garp {
    /// After becoming master, ascending. 0 s, 20 ms, 60 ms, 150 ms, 400 ms, 1 s, 2 s, 5 s.
    pub schedule: Vec<Duration>,
    /// And then again and again while master; `None`: not. Keepalived's `garp_master_refresh`.
    pub refresh: Option<Duration>,
}

/// In milliseconds. A neighbour that has missed one, or heard the former master last, gets another.
const SCHEDULE: [u64; 8] = [0, 20, 60, 150, 400, 1000, 2000, 5000];

const SHORTEST_REFRESH: Duration = Duration::from_millis(100);

impl Default for Garp {
    fn default() -> Self {
        Self {
            schedule: SCHEDULE.map(Duration::from_millis).to_vec(),
            refresh: None,
        }
    }
}

impl Garp {
    pub(super) fn read(owner: &Section<'_>) -> Self {
        let mut garp = Self::default();
        let Some(section) = owner.section("garp", Place::Plain) else {
            return garp;
        };
        if let Some(schedule) = section.get::<Vec<Duration>>("schedule") {
            let value = section.value("schedule");
            let stated = value.map_or(0, |value| value.one_or_more().len());
            let ascending = schedule.windows(2).all(|pair| pair[0] < pair[1]);
            match value {
                Some(value) if stated == 0 => {
                    let help = "leave it out for the usual times, or write [\"0s\"]";
                    value.fail_with::<()>("`schedule` is empty: nobody would be told", help);
                }
                Some(value) if !ascending => {
                    value.fail::<()>("the times of `schedule` do not ascend");
                }
                _ => garp.schedule = schedule,
            }
        }
        garp.refresh = section.value("refresh").and_then(|value| {
            let refresh = Duration::from_value(&value)?;
            if refresh < SHORTEST_REFRESH {
                return value.fail("`refresh` is at least \"100ms\": more often is a flood");
            }
            Some(refresh)
        });
        section.finish(&[]);
        garp
    }
}

impl ToToml for Garp {
    fn to_toml(&self) -> String {
        inline([
            ("schedule", Some(self.schedule.to_toml())),
            ("refresh", self.refresh.map(|time| time.to_toml())),
        ])
    }
}
