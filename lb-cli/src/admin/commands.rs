//! The commands of `lb serve`.

use std::sync::Arc;

use super::{
    Reply, changes, dump, errors,
    info::Info,
    lists, process, servers, sessions,
    statistics::Statistics,
    table::{CommandError, Replying, Table},
    tables, variables,
    vrrp::Vrrp,
};
use crate::{
    config::model::AdminLevel,
    run::{Live, Refusal, Reload, System},
};

/// What a process answers; `vrrp` where it has virtual routers.
pub(crate) fn table(live: &Live, reload: Arc<Reload>, vrrp: Option<Arc<dyn Vrrp>>) -> Table {
    let table = Table::new().log(live.system().log().clone());
    let table = shows(table, live).direct(
        "dump-config",
        AdminLevel::Admin,
        "the configuration, with what was changed",
        on(live, |system, _| Ok(dump::text(system))),
    );
    virtual_routers(reloading(all_changes(table, live), reload), vrrp)
}

/// Reads the configuration anew.
fn reloading(table: Table, reload: Arc<Reload>) -> Table {
    let run = move |_| {
        let reload = Arc::clone(&reload);
        async move {
            match reload.reload().await {
                Ok(difference) if difference.is_empty() => Ok("nothing has changed".to_owned()),
                Ok(difference) => Ok(difference.to_string()),
                // An answer ends with an empty line, and so it has none.
                Err(error) => {
                    let text = error.to_string();
                    let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
                    Err(CommandError::Failed(lines.join("\n")))
                }
            }
        }
    };
    table.command(
        "reload",
        AdminLevel::Admin,
        "reads the configuration anew",
        run,
    )
}

/// Looks at a system.
fn shows(table: Table, live: &Live) -> Table {
    type Show = fn(&System, &[String]) -> Result<Reply, Refusal>;
    let shows: [(&str, &str, Show); 13] = [
        (
            "show activity",
            "what each worker has done",
            process::activity,
        ),
        ("show backend", "the backends there are", |system, _| {
            Ok(servers::backends(system).into())
        }),
        (
            "get acl <acl> <value>",
            "the patterns that a text meets",
            lists::acl::get,
        ),
        (
            "get map <map> <value>",
            "the entries that a text meets",
            lists::map::get,
        ),
        (
            "show acl [@<ver>] [<acl>]",
            "files of patterns, or one of them",
            lists::acl::show,
        ),
        (
            "show map [@<ver>] [<map>]",
            "the maps there are, or one of them",
            lists::map::show,
        ),
        (
            "show info [typed|json]",
            "the process: version, uptime, connections",
            |system, words| Ok(Info::of(system, words)?.into()),
        ),
        (
            "show servers conn [<backend>]",
            "connections to servers",
            |system, words| Ok(servers::connections(system, first(words))?.into()),
        ),
        (
            "show servers state [<backend>]",
            "servers, as in a server-state file",
            |system, words| Ok(servers::state(system, first(words))?.into()),
        ),
        (
            "show stat [desc|json|no-maint|typed|up]*",
            "counters of each proxy and server",
            |system, words| Ok(Statistics::of(system, words)?.into()),
        ),
        ("show version", "the version of this process", |_, _| {
            Ok(env!("CARGO_PKG_VERSION").to_owned().into())
        }),
        (
            "get var <name>",
            "a variable of the process",
            variables::get,
        ),
        (
            "get weight <bk>/<srv>",
            "a server's weight",
            |system, words| Ok(changes::weight(system, words)?.into()),
        ),
    ];
    let table = shows.into_iter().fold(table, |table, (usage, help, show)| {
        table.direct(usage, AdminLevel::User, help, on(live, show))
    });
    table
        .direct(
            "show env [<var>]",
            // It may hold passwords that the configuration takes from there.
            AdminLevel::Admin,
            "variables of the environment",
            on(live, process::environment),
        )
        .command(
            "show errors [<px>] [request|response]",
            AdminLevel::Operator,
            "the last bytes that were no request or response",
            apart(live, errors::show),
        )
        .command(
            "show sess [all|<id>]",
            AdminLevel::Operator,
            "connections of clients",
            apart(live, sessions::show),
        )
        .command(
            "show table [<table>] [<filter>]*",
            AdminLevel::Operator,
            "tables, or what is counted of each key",
            apart(live, tables::show),
        )
}

/// On a thread of its own: what is long would hold up checks.
fn apart(
    live: &Live,
    run: fn(&System, &[String]) -> Result<Reply, Refusal>,
) -> impl Fn(Vec<String>) -> Replying + Send + Sync + 'static {
    let live = live.clone();
    move |words| {
        let system = live.system();
        let done = tokio::task::spawn_blocking(move || run(&system, &words));
        Box::pin(async move {
            let done = done.await;
            Ok(done.map_err(|error| CommandError::Failed(error.to_string()))??)
        })
    }
}

/// Changes a system.
fn all_changes(table: Table, live: &Live) -> Table {
    type Change = fn(&System, &[String]) -> Result<String, Refusal>;
    let changes: [(&str, &str, Change); 32] = [
        (
            "add acl [@<ver>] <acl> <pattern>",
            "adds a pattern to a file of them",
            lists::acl::add,
        ),
        (
            "clear acl [@<ver>] <acl>",
            "takes all patterns away",
            lists::acl::clear,
        ),
        (
            "clear map [@<ver>] <map>",
            "takes all entries away",
            lists::map::clear,
        ),
        (
            "commit acl @<ver> <acl>",
            "puts patterns that were prepared to use",
            lists::acl::commit,
        ),
        (
            "commit map @<ver> <map>",
            "puts entries that were prepared to use",
            lists::map::commit,
        ),
        (
            "del acl <acl> [<pattern>|#<ref>]",
            "takes a pattern away",
            lists::acl::del,
        ),
        (
            "del map <map> [<key>|#<ref>]",
            "takes an entry away",
            lists::map::del,
        ),
        (
            "prepare acl <acl>",
            "begins new patterns beside those in use",
            lists::acl::prepare,
        ),
        (
            "prepare map <map>",
            "begins new entries beside those in use",
            lists::map::prepare,
        ),
        (
            "set map <map> [<key>|#<ref>] <value>",
            "gives an entry another value",
            lists::map::set,
        ),
        (
            "add server <bk>/<srv> [opts]*",
            "a new server, in maintenance",
            changes::add_server,
        ),
        (
            "clear counters [all]",
            "forgets maxima, or all counts",
            changes::clear_counters,
        ),
        (
            "clear table <table> [<filter>]*",
            "forgets keys (filter: data.* <op> <val>, or key)",
            tables::clear,
        ),
        (
            "del server <bk>/<srv>",
            "removes a server that is in maintenance",
            changes::delete_server,
        ),
        (
            "disable agent <bk>/<srv>",
            "asks a server's agent no more",
            changes::disable_agent,
        ),
        (
            "disable frontend <frontend>",
            "takes no connections for now",
            changes::disable_frontend,
        ),
        (
            "disable health <bk>/<srv>",
            "checks a server no more",
            changes::disable_health,
        ),
        (
            "disable server <bk>/<srv>",
            "a server into maintenance",
            changes::disable_server,
        ),
        (
            "enable agent <bk>/<srv>",
            "asks a server's agent again",
            changes::enable_agent,
        ),
        (
            "enable frontend <frontend>",
            "takes connections again",
            changes::enable_frontend,
        ),
        (
            "enable health <bk>/<srv>",
            "checks a server again",
            changes::enable_health,
        ),
        (
            "enable server <bk>/<srv>",
            "ends maintenance and drain",
            changes::enable_server,
        ),
        (
            "set maxconn frontend <frontend> <value>",
            "its connections at a time",
            changes::maxconn_of_frontend,
        ),
        (
            "set maxconn global <value>",
            "the process's connections at a time",
            changes::maxconn_of_all,
        ),
        (
            "set maxconn server <bk>/<srv> <value>",
            "its requests at a time",
            changes::maxconn_of_server,
        ),
        (
            "set server <bk>/<srv> [opts]*",
            "a server's state, weight, address or health",
            changes::set_server,
        ),
        (
            "set table <table> key <k> [data.* <v>]*",
            "what is counted of a key, which may be new",
            tables::set,
        ),
        (
            "set var <name> [expr] <expr>*",
            "gives a variable of the process another value",
            variables::set,
        ),
        (
            "set weight <bk>/<srv> <weight>",
            "the same as `set server … weight`",
            changes::set_weight,
        ),
        (
            "shutdown frontend <frontend>",
            "closes its sockets for ever",
            changes::shut_frontend,
        ),
        (
            "shutdown session [<id>]",
            "ends a connection of a client",
            sessions::shut,
        ),
        (
            "shutdown sessions server <bk>/<srv>",
            "breaks off what a server is serving",
            changes::shut_sessions,
        ),
    ];
    let table = changes
        .into_iter()
        .fold(table, |table, (usage, help, change)| {
            table
                .direct(usage, AdminLevel::Admin, help, on(live, change))
                .change()
        });
    let (usage, help) = (
        "add map [@<ver>] <map> <key> <val>",
        "adds an entry, or lines of them after `<<`",
    );
    table
        .direct(usage, AdminLevel::Admin, help, on(live, lists::map::add))
        .change()
        .with_payload()
}

fn first(words: &[String]) -> Option<&str> {
    words.first().map(String::as_str)
}

fn on<R>(
    live: &Live,
    run: impl Fn(&System, &[String]) -> Result<R, Refusal> + Send + Sync + 'static,
) -> impl Fn(&[String]) -> Result<R, Refusal> + Send + Sync + 'static {
    let live = live.clone();
    move |words| run(&live.system(), words)
}

fn virtual_routers(table: Table, vrrp: Option<Arc<dyn Vrrp>>) -> Table {
    let (shown, moved) = (vrrp.clone(), vrrp);
    table
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
        .change()
}

fn some(vrrp: Option<&Arc<dyn Vrrp>>) -> Result<&Arc<dyn Vrrp>, CommandError> {
    let none = || CommandError::Failed("there is no virtual router in this process".to_owned());
    vrrp.ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        admin::{Answer, Content as _},
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

    fn live() -> Live {
        let text = "[global]\nnode = 'n1'\nworkers = 3\nmaxconn = 20\n[vrrp.VI_1]\ninterface = 'lo'\n\
                    virtual_router_id = 1\nvirtual_addresses = ['192.0.2.1']\n";
        let config = Config::parse(vec![Source::new("lb.toml", text)], &|_| None).unwrap();
        let writer = log::Writer::start(&[], None).unwrap();
        Live::of(Plan::compile(config).unwrap(), writer.sink()).unwrap()
    }

    async fn table(live: &Live, vrrp: Option<Arc<dyn Vrrp>>) -> Table {
        let reload = Reload::of(live).await;
        super::table(live, Arc::new(reload), vrrp)
    }

    async fn ask(table: &Table, line: &str) -> Result<String, String> {
        let words: Vec<_> = line.split(' ').map(ToOwned::to_owned).collect();
        let answer = table.answer(&words, AdminLevel::Admin).await;
        answer.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn virtual_routers_are_shown_and_handed_over() {
        let live = live();
        let with = table(&live, Some(Arc::new(Fake))).await;
        assert_eq!(ask(&with, "vrrp show").await.unwrap(), "VI_1 MASTER");
        assert_eq!(ask(&with, "vrrp show VI_1").await.unwrap(), "VI_1 MASTER");
        assert_eq!(ask(&with, "vrrp show VI_2").await.unwrap_err(), "no `VI_2`");
        let done = ask(&with, "vrrp handover VI_1").await;
        assert_eq!(done.unwrap(), "VI_1 is handed over");
        assert!(ask(&with, "vrrp handover").await.is_err());
        let words = ["vrrp", "handover", "VI_1"].map(String::from);
        let refused = with.answer(&words, AdminLevel::Operator);
        assert!(matches!(refused.await, Err(CommandError::Level { .. })));
        let without = table(&live, None).await;
        let none = ask(&without, "vrrp show").await.unwrap_err();
        assert_eq!(none, "there is no virtual router in this process");
    }

    #[tokio::test]
    async fn info_has_the_process_and_its_limits() {
        let text = Info::of(&live().system(), &[]).unwrap().text();
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
