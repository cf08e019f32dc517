//! What a running process cannot change.

use lb_tcp::Listen;

use crate::{config::Config, plan::Plan, run::System};

/// What `plan` wants otherwise than it is and cannot have, as keys of the configuration and why; empty if it can run in
/// place of `before`.
pub(super) fn refusals(before: &System, plan: &Plan) -> Vec<String> {
    let mut refused = keys(before.config(), &plan.config);
    refused.extend(addresses(before, plan));
    refused
}

fn keys(before: &Config, after: &Config) -> Vec<String> {
    let (old, new) = (&before.global, &after.global);
    let same = [
        ("global.workers", old.workers == new.workers),
        ("global.nofile", old.nofile == new.nofile),
        ("global.admin", old.admin == new.admin),
        ("global.metrics", old.metrics == new.metrics),
        (
            "global.user, group, chroot and pidfile",
            old.process == new.process,
        ),
        ("[vrrp]", before.vrrp == after.vrrp),
        ("[sync_group]", before.sync_groups == after.sync_groups),
        ("[script]", before.scripts == after.scripts),
    ];
    let changed = same.into_iter().filter(|(_, same)| !same);
    changed.map(|(key, _)| key.to_owned()).collect()
}

/// Addresses that stay, but are to be listened on in another way.
fn addresses(before: &System, plan: &Plan) -> Vec<String> {
    let known = before.frontends().iter();
    let known: Vec<Listen> = known
        .flat_map(|frontend| frontend.plan().listens())
        .collect();
    let mut refused = Vec::new();
    for frontend in &plan.frontends {
        for listen in frontend.listens() {
            let address = listen.address();
            if known
                .iter()
                .any(|old| old.address() == address && *old != listen)
            {
                let name = frontend.name();
                refused.push(format!("the options of {address} in frontend.{name}.bind"));
            }
        }
    }
    refused
}
