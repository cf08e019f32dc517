//! Virtual routers as `lb ctl vrrp show` shows them.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use lb_vrrp::{Status, Vrrp, driver::Detail, machine::State, packet::Refused};
use tokio::time::timeout;

use crate::admin::{self, Answer, CommandError};

/// All virtual routers of the process.
pub(super) struct Routers(Vec<Vrrp>);

/// A driver that does not answer within this time hangs.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest an address takes to move: the skew time of priority 1 and a moment, twice.
const HANDOVER: Duration = Duration::from_secs(3);

impl Routers {
    pub(super) const fn new(routers: Vec<Vrrp>) -> Self {
        Self(routers)
    }

    fn find(&self, name: &str) -> Result<&Vrrp, CommandError> {
        let found = self.0.iter().find(|vrrp| *vrrp.status().name == *name);
        found.ok_or_else(|| {
            let names: Vec<_> = self
                .0
                .iter()
                .map(|it| it.status().name.to_string())
                .collect();
            let names = names.join(", ");
            CommandError::Failed(format!("no virtual router `{name}`: there are {names}"))
        })
    }
}

impl admin::Vrrp for Routers {
    fn show(&self, name: Option<&str>) -> Answer {
        let routers = match name {
            Some(name) => self.find(name).map(|vrrp| vec![vrrp.clone()]),
            None => Ok(self.0.clone()),
        };
        Box::pin(async move {
            let mut text = String::new();
            for vrrp in routers? {
                let detail = timeout(PATIENCE, vrrp.inspect()).await;
                let detail = detail.ok().and_then(Result::ok);
                describe(&vrrp.status(), detail.as_ref(), &mut text);
            }
            Ok(text)
        })
    }

    fn hand_over(&self, name: &str) -> Answer {
        let found = self.find(name).cloned();
        Box::pin(async move {
            let vrrp = found?;
            let failed = |text: String| Err(CommandError::Failed(text));
            let before = vrrp.status();
            let name = &before.name;
            if !before.is_master() {
                let state = before.state;
                return failed(format!(
                    "{name} is {state}, and only a master can hand over"
                ));
            }
            let mut status = vrrp.watch();
            if let Err(error) = vrrp.hand_over() {
                return failed(error.to_string());
            }
            let moved = status.wait_for(|status| !status.is_master());
            match timeout(HANDOVER, moved).await {
                Ok(Ok(status)) => Ok(format!("{name} is {} now: {}", status.state, status.reason)),
                Ok(Err(_)) => failed("VRRP is not running".to_owned()),
                // With an interval of seconds it may take longer than anybody waits here.
                Err(_) => failed(format!(
                    "nobody has taken over within {} s: {name} is still master",
                    HANDOVER.as_secs()
                )),
            }
        })
    }
}

fn describe(status: &Status, detail: Option<&Detail>, text: &mut String) {
    let since = SystemTime::now()
        .duration_since(status.since)
        .unwrap_or_default()
        .as_secs();
    let mut line = |words: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{words}");
    };
    line(format!(
        "{} {} for {}, priority {}: {}",
        status.name,
        status.state,
        words(since),
        status.priority,
        status.reason
    ));
    let source = match status.source {
        Some(source) => format!("from {source}"),
        None => "without an address".to_owned(),
    };
    line(format!(
        "  VRRPv{} id {} on {} {source}",
        status.version, status.id, status.interface
    ));
    let addresses: Vec<_> = status.addresses.iter().map(ToString::to_string).collect();
    line(format!("  addresses {}", addresses.join(", ")));
    if let (Some(master), true) = (status.master, status.state == State::Backup) {
        line(format!(
            "  master {} with priority {}, every {}",
            master.source, master.priority, master.interval
        ));
    }
    let Some(detail) = detail else {
        line("  its thread does not answer".to_owned());
        return;
    };
    let it = detail.statistics;
    line(format!(
        "  became master {} times; advertisements sent {} ({} of priority 0), received {} ({} of priority 0)",
        it.master_transitions,
        it.sent_advertisements,
        it.sent_priority_zero,
        it.received_advertisements,
        it.received_priority_zero
    ));
    line(format!(
        "  of other masters {}, claims {}, other interval {}, other addresses {}, of other virtual routers {}",
        it.other_master,
        it.claims,
        it.interval_errors,
        it.address_list_errors,
        // These are nobody's fault.
        detail.refusals.count(Refused::VirtualRouterId)
    ));
    for (why, count) in detail
        .refusals
        .iter()
        .filter(|(why, count)| *count > 0 && *why != Refused::VirtualRouterId)
    {
        line(format!("  refused {count}: {why}"));
    }
}

/// A length of time, as operators read it.
fn words(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}
