//! What one virtual router is told before it starts.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::{Family, Interval, Priority, Version, VirtualRouterId};

/// What an answered probe before a takeover means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Probe {
    /// Take the addresses, and say so: the default.
    #[default]
    Alarm,
    /// Do not take them while somebody answers.
    Hold,
    /// Do not ask.
    Off,
}

/// The settings of one virtual router, valid by construction.
///
/// ```
/// use lb_vrrp::machine::Settings;
/// use lb_vrrp::{Priority, VirtualRouterId};
///
/// let id = VirtualRouterId::new(90).expect("not 0");
/// let settings = Settings::builder(id)
///     .priority(Priority(150))
///     .addresses(["192.0.2.100".parse()?])
///     .build()?;
/// assert_eq!(settings.priority(), Priority(150));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) version: Version,
    pub(super) id: VirtualRouterId,
    pub(super) family: Family,
    pub(super) priority: Priority,
    pub(super) interval: Interval,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) preempt: bool,
    pub(super) preempt_delay: Duration,
    pub(super) start_as_master: bool,
    pub(super) missed: u8,
    pub(super) probe: Probe,
    pub(super) schedule: Vec<Duration>,
    pub(super) refresh: Option<Duration>,
}

impl Settings {
    /// Settings with the defaults of both RFCs, but for the addresses.
    pub fn builder(id: VirtualRouterId) -> Builder {
        let schedule = SCHEDULE_MS.map(Duration::from_millis).to_vec();
        Builder(Self {
            version: Version::V2,
            id,
            family: Family::V4,
            priority: Priority::DEFAULT,
            interval: Interval::DEFAULT,
            addresses: Vec::new(),
            preempt: true,
            preempt_delay: Duration::ZERO,
            start_as_master: false,
            missed: 3,
            probe: Probe::Alarm,
            schedule,
            refresh: None,
        })
    }

    /// The version it speaks.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Its number.
    pub const fn id(&self) -> VirtualRouterId {
        self.id
    }

    /// The family of its addresses.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Its priority before anything it tracks is counted.
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// How often it advertises.
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// The addresses it advertises.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
}

/// When addresses are announced after a takeover: at once for who listens, then again for
/// switches and hosts that were busy, whose port came up late, or whom another master misled.
const SCHEDULE_MS: [u64; 8] = [0, 20, 60, 150, 400, 1000, 2000, 5000];

/// Makes [`Settings`].
#[derive(Clone, Debug)]
pub struct Builder(Settings);

impl Builder {
    /// The version; 2 by default.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.0.version = version;
        self
    }

    /// 1 to 255; 100 by default, 255 for the owner of the addresses.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.0.priority = priority;
        self
    }

    /// How often it advertises; 1 s by default.
    #[must_use]
    pub fn interval(mut self, interval: Interval) -> Self {
        self.0.interval = interval;
        self
    }

    /// The addresses it advertises, all of one family.
    #[must_use]
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.0.addresses = addresses.into_iter().collect();
        self
    }

    /// Whether it takes over from a master of lower priority; `true` by default (Keepalived's
    /// `nopreempt` is `false`).
    #[must_use]
    pub fn preempt(mut self, preempt: bool) -> Self {
        self.0.preempt = preempt;
        self
    }

    /// How long it waits before it does; none by default.
    #[must_use]
    pub fn preempt_delay(mut self, delay: Duration) -> Self {
        self.0.preempt_delay = delay;
        self
    }

    /// Starts as Keepalived's `state MASTER` promises: as a backup whose first wait is its skew
    /// time, but 20 ms at least, and who takes the addresses then unless somebody answers a probe
    /// or advertises a priority that is not below its own. With [`Probe::Off`] it may be master
    /// beside a better one until that one speaks.
    #[must_use]
    pub fn start_as_master(mut self, yes: bool) -> Self {
        self.0.start_as_master = yes;
        self
    }

    /// How many advertisements are missed before the master counts as gone, 1 to 100; 3 by
    /// default (Keepalived's `down_timer_adverts`).
    #[must_use]
    pub fn down_timer_adverts(mut self, missed: u8) -> Self {
        self.0.missed = missed;
        self
    }

    /// What an answered probe means.
    #[must_use]
    pub fn probe(mut self, probe: Probe) -> Self {
        self.0.probe = probe;
        self
    }

    /// When the addresses are announced after a takeover, ascending, and how often after that
    /// (Keepalived's `garp_master_refresh`; never by default).
    #[must_use]
    pub fn announcements(
        mut self,
        schedule: impl IntoIterator<Item = Duration>,
        refresh: Option<Duration>,
    ) -> Self {
        self.0.schedule = schedule.into_iter().collect();
        self.0.refresh = refresh;
        self
    }

    /// The settings.
    ///
    /// # Errors
    /// The first of them that no virtual router can have.
    pub fn build(mut self) -> Result<Settings, SettingsError> {
        let settings = &mut self.0;
        let first = *settings.addresses.first().ok_or(SettingsError::NoAddress)?;
        settings.family = Family::of(first);
        let count = settings.addresses.len();
        if count > 255 {
            return Err(SettingsError::TooManyAddresses(count));
        }
        let stranger = |ip: &&IpAddr| Family::of(**ip) != settings.family;
        if let Some(other) = settings.addresses.iter().find(stranger) {
            return Err(SettingsError::MixedFamilies(first, *other));
        }
        if let IpAddr::V6(first) = first {
            if settings.version == Version::V2 {
                return Err(SettingsError::Ipv6InVersion2);
            }
            if !first.is_unicast_link_local() {
                return Err(SettingsError::FirstNotLinkLocal(first.into()));
            }
        }
        if settings.priority.is_stop() {
            return Err(SettingsError::PriorityZero);
        }
        let centiseconds = settings.interval.centiseconds();
        if Interval::from_centiseconds(settings.version, centiseconds).is_none() {
            return Err(SettingsError::Interval(settings.interval, settings.version));
        }
        if !(1..=100).contains(&settings.missed) {
            return Err(SettingsError::DownTimerAdverts(settings.missed));
        }
        if !settings.schedule.is_sorted() {
            return Err(SettingsError::ScheduleNotAscending);
        }
        if settings
            .refresh
            .is_some_and(|every| every < SHORTEST_REFRESH)
        {
            return Err(SettingsError::RefreshTooOften);
        }
        if settings.start_as_master && !settings.preempt {
            return Err(SettingsError::MasterWithoutPreempt);
        }
        Ok(self.0)
    }
}

/// More often than this is a flood, not a refresh.
const SHORTEST_REFRESH: Duration = Duration::from_millis(100);

/// Settings that no virtual router can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is nothing to take over.
    #[error("no virtual address")]
    NoAddress,
    /// One octet counts them.
    #[error("{0} virtual addresses: an advertisement carries at most 255")]
    TooManyAddresses(usize),
    /// One virtual router has one family.
    #[error("{0} and {1} are of two families: make a virtual router of each")]
    MixedFamilies(IpAddr, IpAddr),
    /// RFC 3768 is IPv4 only.
    #[error("version 2 has no IPv6: use version 3")]
    Ipv6InVersion2,
    /// RFC 9568 §5.2.9.
    #[error("the first IPv6 address must be link-local, as fe80::100, and {0} is not")]
    FirstNotLinkLocal(IpAddr),
    /// 0 says "I stop".
    #[error("priority 0 means that a master stops: use 1 to 255")]
    PriorityZero,
    /// The version cannot carry it.
    #[error("an interval of {0} cannot be carried by version {1}")]
    Interval(Interval, Version),
    /// 1 to 100.
    #[error("{0} missed advertisements: 1 to 100")]
    DownTimerAdverts(u8),
    /// Times of announcements must ascend.
    #[error("the times of announcements are not ascending")]
    ScheduleNotAscending,
    /// It would be a flood.
    #[error("announcements cannot be refreshed more often than every 100 ms")]
    RefreshTooOften,
    /// A master at start that never preempts contradicts itself.
    #[error("to start as master and not to preempt contradict each other")]
    MasterWithoutPreempt,
}
