//! One virtual router in an app, without a configuration file.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use thiserror::Error;

use crate::driver::{Driver, Instance, Vrrp};
#[cfg(target_os = "linux")]
use crate::linux::{LinuxNetwork, OpenError};
use crate::machine::{Settings, SettingsError};
use crate::network::Network;
use crate::packet::{Authentication, Format, FormatError, Password, PasswordError};
use crate::{Interval, IntervalError, Priority, Version, VirtualAddress, VirtualRouterId};

/// Makes a [`Vrrp`]; see [`Vrrp::builder`].
#[derive(Clone, Debug)]
pub struct VrrpBuilder {
    interface: String,
    id: u8,
    version: Version,
    priority: u8,
    interval: Duration,
    preempt: bool,
    password: Option<Result<Password, PasswordError>>,
    addresses: Vec<VirtualAddress>,
}

impl Vrrp {
    /// A virtual router with number `id` on `interface`. By default it speaks version 2 with
    /// priority 100 and advertises every second.
    ///
    /// ```no_run
    /// use lb_vrrp::Vrrp;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let vrrp = Vrrp::builder("eth0", 90)
    ///     .priority(150)
    ///     .address("192.0.2.100/24".parse()?)
    ///     .build()?; // needs CAP_NET_ADMIN and CAP_NET_RAW
    /// tokio::spawn(vrrp.run());
    /// let mut status = vrrp.watch();
    /// while status.changed().await.is_ok() {
    ///     println!("{}", *status.borrow());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(interface: impl Into<String>, id: u8) -> VrrpBuilder {
        VrrpBuilder {
            interface: interface.into(),
            id,
            version: Version::V2,
            priority: Priority::DEFAULT.0,
            interval: Interval::DEFAULT.duration(),
            preempt: true,
            password: None,
            addresses: Vec::new(),
        }
    }
}

impl VrrpBuilder {
    /// Speaks version 3 (RFC 9568), which IPv6 and intervals below a second need.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// 1 to 255; who has the highest is master. 255 is for the owner of the addresses.
    #[must_use]
    pub const fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    /// How often the master advertises: whole seconds in version 2, 10 ms to 40.95 s in 3.
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Whether it takes over from a living master of lower priority; `true` by default.
    #[must_use]
    pub const fn preempt(mut self, preempt: bool) -> Self {
        self.preempt = preempt;
        self
    }

    /// A password in the clear, at most 8 octets; version 2 only.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        let password: String = password.into();
        self.password = Some(Password::new(password));
        self
    }

    /// Adds a virtual address.
    #[must_use]
    pub fn address(mut self, address: VirtualAddress) -> Self {
        self.addresses.push(address);
        self
    }

    /// The virtual router, on this machine's network. Its future is [`Vrrp::run`].
    ///
    /// # Errors
    /// Settings that cannot be, or sockets that the system refuses.
    #[cfg(target_os = "linux")]
    pub fn build(self) -> Result<Vrrp, BuildError> {
        let (settings, format) = self.check()?;
        let (family, id) = (settings.family(), settings.id());
        let network = LinuxNetwork::builder(&self.interface, family, id)
            .addresses(self.addresses.iter().cloned())
            .open()?;
        Ok(self.assemble(settings, format, network))
    }

    /// The virtual router on another network: [`mock`](crate::mock)'s, which needs no privilege.
    ///
    /// # Errors
    /// Settings that cannot be.
    pub fn build_on(self, network: impl Network + 'static) -> Result<Vrrp, BuildError> {
        let (settings, format) = self.check()?;
        Ok(self.assemble(settings, format, network))
    }

    fn check(&self) -> Result<(Settings, Format), BuildError> {
        let id = VirtualRouterId::new(self.id).ok_or(BuildError::Id)?;
        let settings = Settings::builder(id)
            .version(self.version)
            .priority(Priority(self.priority))
            .interval(Interval::new(self.version, self.interval)?)
            .preempt(self.preempt)
            .addresses(self.addresses.iter().map(VirtualAddress::ip))
            .build()?;
        let authentication = match &self.password {
            Some(password) => Authentication::Simple(password.clone()?),
            None => Authentication::None,
        };
        let format = Format::builder(self.version, settings.family(), id)
            .authentication(authentication)
            .build()?;
        Ok((settings, format))
    }

    fn assemble(self, settings: Settings, format: Format, network: impl Network + 'static) -> Vrrp {
        let name: Arc<str> = format!("{} {}", self.interface, self.id).into();
        let instance = Instance::new(
            name,
            self.interface,
            settings,
            format,
            self.addresses,
            network,
        );
        let mut driver = Driver::new();
        let vrrp = driver.add(instance);
        vrrp.with_driver(Arc::new(Mutex::new(Some(driver))))
    }
}

/// A virtual router that cannot be.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The number is 0.
    #[error("virtual router 0: use 1 to 255")]
    Id,
    /// The version cannot carry the interval.
    #[error(transparent)]
    Interval(#[from] IntervalError),
    /// The password does not fit.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Settings that no virtual router can have.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Settings that go not together.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The system refuses its sockets; it takes CAP_NET_ADMIN and CAP_NET_RAW.
    #[cfg(target_os = "linux")]
    #[error("cannot open the network")]
    Open(#[from] OpenError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_password_is_not_shown() {
        let builder = Vrrp::builder("eth0", 90).password("5ecret");
        assert!(!format!("{builder:?}").contains("5ecret"));
    }
}
