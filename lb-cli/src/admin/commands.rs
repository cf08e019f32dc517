//! The commands of `lb serve`.

use std::{fmt::Write as _, sync::Arc};

use super::{
    table::{CommandError, Table},
    vrrp::Vrrp,
};
use crate::{config::model::AdminLevel, run::System};

/// What a process answers; `vrrp` where it has virtual routers.
pub(crate) fn table(system: &Arc<System>, vrrp: Option<Arc<dyn Vrrp>>) -> Table {
    let info = Arc::clone(system);
    let (shown, moved) = (vrrp.clone(), vrrp);
    Table::new()
        .command(
            "show info",
            AdminLevel::User,
            "the process: version, uptime, connections",
            move |_| {
                let text = info_text(&info);
                async move { Ok(text) }
            },
        )
        .command(
            "vrrp show [NAME]",
            AdminLevel::User,
            "the state of virtual routers",
            move |names| {
                let name = names.first().map(String::as_str);
                let answer = some(shown.as_ref()).map(|vrrp| vrrp.show(name));
                async move { answer?.await }
            },
        )
        .command(
            "vrrp handover <NAME>",
            AdminLevel::Admin,
            "gives the addresses to another node",
            move |names| {
                let answer = some(moved.as_ref())
                    .map(|vrrp| vrrp.hand_over(names.first().map_or("", String::as_str)));
                async move { answer?.await }
            },
        )
}

fn some(vrrp: Option<&Arc<dyn Vrrp>>) -> Result<&Arc<dyn Vrrp>, CommandError> {
    let none = || CommandError::Failed("there is no virtual router in this process".to_owned());
    vrrp.ok_or_else(none)
}

/// HAProxy's names, as far as there is something to tell.
fn info_text(system: &System) -> String {
    let uptime = system.started().elapsed().as_secs();
    let (days, hours, minutes) = (uptime / 86_400, uptime / 3600 % 24, uptime / 60 % 60);
    let (current, _, total) = system.connections();
    let lines = [
        ("Name", "lb".to_owned()),
        ("Version", env!("CARGO_PKG_VERSION").to_owned()),
        ("Nbthread", system.workers().to_string()),
        ("Pid", std::process::id().to_string()),
        (
            "Uptime",
            format!("{days}d {hours}h{minutes:02}m{:02}s", uptime % 60),
        ),
        ("Uptime_sec", uptime.to_string()),
        ("Maxconn", system.maxconn().to_string()),
        ("CurrConns", current.to_string()),
        ("CumConns", total.to_string()),
        ("Stopping", u8::from(system.is_stopping()).to_string()),
        ("node", system.node().unwrap_or_default().to_owned()),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", format!("{name}: {value}").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        admin::Answer,
        config::{Config, Source},
        log,
        plan::Plan,
    };

    /// One virtual router, `VI_1`.
    struct Fake;

    impl Vrrp for Fake {
        fn show(&self, name: Option<&str>) -> Answer {
            let answer = match name {
                None | Some("VI_1") => Ok("VI_1 MASTER".to_owned()),
                Some(name) => Err(CommandError::Failed(format!("no `{name}`"))),
            };
            Box::pin(async move { answer })
        }

        fn hand_over(&self, name: &str) -> Answer {
            let text = format!("{name} is handed over");
            Box::pin(async move { Ok(text) })
        }
    }

    fn system() -> Arc<System> {
        let text = "[global]\nnode = 'n1'\nworkers = 3\nmaxconn = 20\n[vrrp.VI_1]\ninterface = 'lo'\n\
                    virtual_router_id = 1\nvirtual_addresses = ['192.0.2.1']\n";
        let config = Config::parse(vec![Source::new("lb.toml", text)], &|_| None).unwrap();
        let writer = log::Writer::start(&[], None).unwrap();
        System::assemble(Plan::compile(config).unwrap(), writer.sink()).unwrap()
    }

    async fn ask(table: &Table, line: &str) -> Result<String, String> {
        let words: Vec<_> = line.split(' ').map(ToOwned::to_owned).collect();
        let answer = table.answer(&words, AdminLevel::Admin).await;
        answer.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn virtual_routers_are_shown_and_handed_over() {
        let system = system();
        let with = table(&system, Some(Arc::new(Fake)));
        assert_eq!(ask(&with, "vrrp show").await.unwrap(), "VI_1 MASTER");
        assert_eq!(ask(&with, "vrrp show VI_1").await.unwrap(), "VI_1 MASTER");
        assert_eq!(ask(&with, "vrrp show VI_2").await.unwrap_err(), "no `VI_2`");
        let done = ask(&with, "vrrp handover VI_1").await;
        assert_eq!(done.unwrap(), "VI_1 is handed over");
        assert!(ask(&with, "vrrp handover").await.is_err());
        let words = ["vrrp", "handover", "VI_1"].map(String::from);
        let refused = with.answer(&words, AdminLevel::Operator);
        assert!(matches!(refused.await, Err(CommandError::Level { .. })));
        let without = table(&system, None);
        let none = ask(&without, "vrrp show").await.unwrap_err();
        assert_eq!(none, "there is no virtual router in this process");
    }

    #[tokio::test]
    async fn info_has_the_process_and_its_limits() {
        let text = info_text(&system());
        for line in [
            "Name: lb",
            "Nbthread: 3",
            "Maxconn: 20",
            "CurrConns: 0",
            "Stopping: 0",
            "node: n1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(text.contains("\nUptime: 0d 0h00m0"), "{text}");
    }
}
