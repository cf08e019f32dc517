//! Virtual routers in a configuration: what they mean, with defaults and names resolved, and what is refused.

use std::time::Duration;

use lb_cli::{
    config::{
        Config, Diagnostics, Source,
        model::{Auth, Checksum, HmacMode, InitialState, ProbePolicy, Vrrp, WitnessMode},
    },
    plan::{Plan, TrackedBackend, TrackedScript},
};
use lb_vrrp::{Family, Scope, Version};
use proptest::prelude::*;

const HA: &str = "tests/ha.toml";

fn parse(text: &str) -> Result<Config, Diagnostics> {
    Config::parse(vec![Source::new("lb.toml", text)], &|_| None)
}

fn good(text: &str) -> Config {
    parse(text).unwrap_or_else(|report| panic!("{report}"))
}

fn ha() -> Config {
    Config::load(&[HA.into()]).unwrap_or_else(|report| panic!("{report}"))
}

fn router<'c>(config: &'c Config, name: &str) -> &'c Vrrp {
    let mut all = config.vrrp.iter();
    all.find(|router| router.name.as_str() == name)
        .expect("there is one")
}

/// A whole instance of three lines, and more.
fn instance(more: &str) -> String {
    format!("[vrrp.VI_1]\ninterface = 'lo'\nvirtual_router_id = 51\n{more}\n")
}

#[test]
fn an_instance_of_three_keys_has_the_documented_defaults() {
    let config = good(&instance("virtual_addresses = ['192.0.2.100']"));
    assert!(config.diagnostics.is_empty(), "{}", config.diagnostics);
    let router = &config.vrrp[0];
    assert_eq!((router.priority.0, router.version), (100, Version::V2));
    assert_eq!(router.advert_interval.duration(), Duration::from_secs(1));
    assert_eq!(router.state, InitialState::Backup);
    assert!(router.preempt && router.preempt_delay.is_zero());
    assert!(router.auth.is_none() && router.witness.is_none() && router.peer_link.is_none());
    assert_eq!(router.checksum, Checksum::Auto);
    assert_eq!(router.address_lifetime, Some(Duration::from_secs(3)));
    assert_eq!(router.probe, ProbePolicy::Alarm);
    assert_eq!((router.down_timer_adverts, router.ttl), (3, 255));
    let schedule = [0, 20, 60, 150, 400, 1000, 2000, 5000].map(Duration::from_millis);
    assert_eq!(router.garp.schedule, schedule);
    assert_eq!(router.garp.refresh, None);
    assert!(router.accept && !router.vmac && !router.use_interface_mtu);
    assert_eq!(router.virtual_addresses[0].prefix_len(), 32);
    assert_eq!(router.family(), Family::V4);
}

#[test]
fn the_lifetime_of_addresses_follows_the_interval() {
    for (interval, version, seconds) in [("100ms", 3, 2), ("900ms", 3, 3), ("4s", 2, 12)] {
        let text = format!(
            "version = {version}\nadvert_interval = '{interval}'\nvirtual_addresses = ['192.0.2.1']"
        );
        let lifetime = good(&instance(&text)).vrrp[0].address_lifetime;
        assert_eq!(lifetime, Some(Duration::from_secs(seconds)), "{interval}");
    }
}

#[test]
fn the_window_of_signatures_follows_the_interval_within_its_bounds() {
    for (interval, seconds) in [("1s", 5), ("20s", 60), ("255s", 300)] {
        let key = "hex:".to_owned() + &"0f".repeat(64);
        let text = format!(
            "advert_interval = '{interval}'\nvirtual_addresses = ['192.0.2.1']\nauth = {{ type = 'hmac', keys = {{ 7 = '{key}' }} }}"
        );
        let config = good(&instance(&text));
        let Some(Auth::Hmac(hmac)) = &config.vrrp[0].auth else {
            panic!()
        };
        assert_eq!((hmac.active, hmac.keys[&7].reveal().len()), (7, 64));
        assert_eq!(hmac.window, Duration::from_secs(seconds));
        assert_eq!(good(&config.print()), config);
    }
}

#[test]
fn every_key_is_read() {
    let config = ha();
    let one = router(&config, "VI_1");
    // A string that is one reference to the environment serves as a number.
    assert_eq!((one.virtual_router_id.number(), one.priority.0), (51, 150));
    assert!(!one.preempt);
    assert!(matches!(&one.auth, Some(Auth::Pass(password)) if password.reveal() == "1111"));
    let own = &one.virtual_addresses[2];
    assert_eq!(
        (own.interface(), own.label_text()),
        (Some("lo"), Some("lo:1"))
    );
    assert_eq!((own.prefix_len(), own.scope_of()), (24, Scope::Link));
    assert_eq!(one.virtual_addresses_excluded[0].prefix_len(), 24);
    let routes: Vec<_> = one.virtual_routes.iter().map(ToString::to_string).collect();
    let expected = [
        "198.51.100.0/24 via 192.0.2.1 dev lo",
        "0.0.0.0/0 via 192.0.2.1",
    ];
    assert_eq!(routes, expected);
    assert_eq!(one.garp.schedule, [10, 1000].map(Duration::from_millis));
    assert_eq!(one.garp.refresh, Some(Duration::from_secs(60)));
    assert_eq!(one.track_interfaces[1].weight, -50);
    let told: Vec<_> = one.notify.programs().collect();
    assert_eq!(
        (told.len(), told[0].arguments.as_slice()),
        (5, ["m".to_owned()].as_slice())
    );

    let six = router(&config, "VI_6");
    assert_eq!((six.family(), six.version), (Family::V6, Version::V3));
    assert_eq!(six.advert_interval.centiseconds(), 10);
    assert_eq!(six.preempt_delay, Duration::from_secs(300));
    let Some(Auth::Hmac(hmac)) = &six.auth else {
        panic!("{:?}", six.auth)
    };
    assert_eq!((hmac.active, hmac.mode), (2, HmacMode::Permissive));
    assert_eq!(hmac.keys[&1].reveal().len(), 32);
    assert_eq!(hmac.keys[&2].reveal()[31], 0xbf);
    assert_eq!(hmac.window, Duration::from_secs(10));
    assert_eq!((six.address_lifetime, six.probe), (None, ProbePolicy::Hold));
    assert_eq!((six.unicast_peers.len(), six.ttl), (2, 64));
    let witness = six.witness.as_ref().unwrap();
    assert_eq!((witness.mode, witness.min_up), (WitnessMode::Ping, 2));
    assert_eq!(
        six.peer_link.as_ref().unwrap().peers[1].to_string(),
        "10.0.0.3:5405"
    );
    assert!(six.vmac && !six.accept && six.use_interface_mtu);
    assert_eq!(router(&config, "VI_3").checksum, Checksum::Message);
}

#[test]
fn what_is_printed_of_it_means_the_same() {
    let config = ha();
    let again = parse(&config.print()).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(again, config, "{}", config.print());
    assert_eq!(again.print(), config.print());
}

#[test]
fn secrets_are_printed_on_request_and_never_for_debugging() {
    let config = ha();
    let debug = format!("{:?}", config.vrrp);
    for secret in ["1111", "0123456789abcdef"] {
        assert!(config.print().contains(secret));
        assert!(!debug.contains(secret), "{debug}");
    }
    // 0xA0, 0xA1 …, as the key would be shown.
    assert!(!debug.contains("160, 161"), "{debug}");
}

#[test]
fn the_plan_has_places_for_names() {
    let plan = Plan::compile_offline(ha()).unwrap_or_else(|report| panic!("{report}"));
    let [one, six, three] = plan.vrrp.routers.as_slice() else {
        panic!()
    };
    let script = |script, weight| TrackedScript { script, weight };
    // The script's own weight, and one that replaces it.
    assert_eq!(one.scripts(), [script(0, -20), script(1, 30)]);
    let backend = |min_up, weight| TrackedBackend {
        backend: 0,
        min_up,
        weight,
    };
    assert_eq!(one.backends(), [backend(1, 0)]);
    assert_eq!(six.backends(), [backend(2, -40)]);
    assert_eq!((one.frontends(), six.frontends()), (&[0][..], &[][..]));
    assert_eq!(
        (one.group(), six.group(), three.group()),
        (Some(0), Some(0), None)
    );
    assert_eq!(plan.vrrp.groups[0].members, [0, 1]);
}

#[test]
fn a_script_runs_as_a_user_of_this_host() {
    let text = |user| {
        let script = format!("[script.s]\ncommand = ['/bin/true']\nuser = '{user}'\n");
        instance("virtual_addresses = ['192.0.2.1']") + &script
    };
    let refused = Plan::compile(good(&text("no-such-user"))).expect_err("there is no such user");
    assert!(refused.to_string().contains("no user"), "{refused}");
    let plan = Plan::compile(good(&text("nobody"))).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(plan.vrrp.scripts[0].name(), "s");
    assert!(
        plan.frontends.is_empty(),
        "a virtual router is enough to run"
    );
}

#[test]
fn a_program_that_anybody_can_write_is_not_run_by_root() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let name = format!("lb-writable-{}", std::process::id());
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, "").expect("a writable directory");
    let compiled = |mode, user: &str| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("our own file");
        let shown = path.display();
        let script = format!("[script.s]\ncommand = ['{shown}']\nuser = '{user}'\n");
        let text = instance("virtual_addresses = ['192.0.2.1']") + &script;
        Plan::compile(good(&text))
    };
    let refused = compiled(0o777, "root").expect_err("root runs it");
    assert!(compiled(0o777, "nobody").is_ok() && compiled(0o755, "root").is_ok());
    fs::remove_file(&path).expect("our own file");
    let refused = refused.to_string();
    assert!(
        refused.contains("only root may own it and write to it"),
        "{refused}"
    );
}

#[test]
fn an_interface_that_may_come_later_is_a_warning() {
    let text = "[vrrp.a]\ninterface = 'lb-none'\nvirtual_router_id = 1\nvirtual_addresses = ['192.0.2.1']\n";
    let plan = Plan::compile(good(text)).unwrap_or_else(|report| panic!("{report}"));
    let warnings = plan.warnings.to_string();
    assert!(
        warnings.contains("no interface `lb-none` now"),
        "{warnings}"
    );
}

/// Keepalived starts with each of these and takes the address, without what was meant; in two cases without any address.
#[test]
fn broken_configurations_keepalived_runs_with() {
    let address = "virtual_addresses = ['192.0.2.100']\n";
    let with = |line: &str| instance(&format!("{address}{line}"));
    let script = "[script.s]\ncommand = ['/bin/true']\n";
    let cases = [
        (
            "misspelled key",
            with("priorty = 100"),
            "unknown key `priorty`",
        ),
        (
            "priority 300",
            with("priority = 300"),
            "from 1 to 255, found 300",
        ),
        (
            "unit of another language",
            with("advert_interval = '1sec'"),
            "a duration is",
        ),
        ("no unit", with("advert_interval = 1"), "write its unit"),
        (
            "unknown state",
            with("state = 'EQUAL'"),
            "unknown word `EQUAL`",
        ),
        (
            "half a second in version 2",
            with("advert_interval = '500ms'"),
            "version 2 counts whole seconds",
        ),
        (
            "unknown script",
            with("track_scripts = ['s']"),
            "there is no script `s`",
        ),
        (
            "script file missing",
            with("[script.s]\ncommand = ['/nonexistent/check']"),
            "/nonexistent/check cannot be used",
        ),
        (
            "no script user",
            with(&format!("{script}user = 'lb-nobody'")),
            "no user \"lb-nobody\"",
        ),
        (
            "script of a shell",
            with("[script.s]\ncommand = 'killall -0 nginx'"),
            "no shell splits its words",
        ),
        (
            "script to be looked for",
            with("[script.s]\ncommand = ['killall']"),
            "is absolute",
        ),
        (
            "master that does not preempt",
            with("state = 'master'\npreempt = false"),
            "`preempt` contradicts `state",
        ),
        (
            "nine octets of password",
            with("auth = { type = 'pass', password = '123456789' }"),
            "only 8 travel",
        ),
        (
            "missing brace",
            with("garp = { refresh = '1s'"),
            "inline table",
        ),
        ("duplicate name", with(&instance(address)), "duplicate key"),
        (
            "sync group with unknown member",
            with("[sync_group.g]\nmembers = ['VI_1', 'VI_2']"),
            "there is no virtual router `VI_2`",
        ),
        (
            "bad address",
            instance("virtual_addresses = ['192.0.2.300']"),
            "is no address",
        ),
        (
            "misspelled addresses",
            instance("virtual_address = ['192.0.2.100']"),
            "`virtual_addresses` is missing",
        ),
        ("extra argument", with("priority = 100 200"), "lb.toml:5"),
        (
            "no id",
            format!("[vrrp.a]\ninterface = 'lo'\n{address}"),
            "`virtual_router_id` is missing",
        ),
        (
            "bad id",
            format!("[vrrp.a]\ninterface = 'lo'\nvirtual_router_id = 256\n{address}"),
            "from 1 to 255, found 256",
        ),
        (
            "one id twice",
            with(
                "[vrrp.b]\ninterface = 'lo'\nvirtual_router_id = 51\nvirtual_addresses = ['192.0.2.1']",
            ),
            "have the id 51",
        ),
        (
            "impossible interface",
            format!("[vrrp.a]\ninterface = 'averyveryverylong0'\nvirtual_router_id = 1\n{address}"),
            "at most 15 octets",
        ),
        ("nothing", String::new(), "nothing to listen on"),
    ];
    for (what, text, expected) in cases {
        let source = Source::new("lb.toml", &text);
        let config = Config::parse_recoverable(vec![source], &|_| None);
        let report = Plan::compile(config).expect_err(what).to_string();
        assert!(report.contains(expected), "{what}:\n{report}");
    }
    let missing = Config::load(&["tests/nonexistent.toml".into()]).expect_err("a missing file");
    assert!(missing.to_string().contains("cannot read"), "{missing}");
}

#[test]
fn the_samples_of_directors_have_nothing_wrong_with_them() {
    for name in ["ha-web", "tomcat-sticky"] {
        let path = format!("../examples/configs/{name}.toml");
        let config = Config::load(&[path.into()]).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(config.vrrp[0].priority.0, 100);
        Plan::compile_offline(config).unwrap_or_else(|report| panic!("{report}"));
    }
}

/// Lines that can be left out without leaving a table or an array open.
fn optional(line: &str) -> bool {
    let needed = ["[", " ", "]", "virtual_addresses = [", "server"];
    !needed.iter().any(|start| line.starts_with(start)) || line.ends_with("\"]")
}

proptest! {
    /// Whatever is left of a good file is right, or has its errors shown; what is right prints as what it means.
    #[test]
    fn any_part_of_it_prints_as_what_it_means(
        dropped in prop::collection::vec(prop::bool::weighted(0.04), 128),
        change in prop::option::of((any::<prop::sample::Index>(), 0..3_usize, "[0-9a-z\"{}\\[\\]]{0,2}")),
    ) {
        let lines = include_str!("ha.toml").lines().zip(&dropped);
        let kept = lines.filter(|(line, dropped)| !**dropped || !optional(line));
        let mut text: String = kept.map(|(line, _)| format!("{line}\n")).collect();
        if let Some((at, cut, insert)) = change {
            let start = at.index(text.len() + 1);
            let end = (start + cut).min(text.len());
            text.replace_range(start..end, &insert);
        }
        let config = Config::parse_recoverable(vec![Source::new("x", text)], &|_| None);
        let printed = config.print();
        match Plan::compile_offline(config.clone()) {
            Err(report) => prop_assert!(report.to_string().contains("error: "), "{}", report),
            Ok(_) => {
                let again = parse(&printed);
                prop_assert!(again.is_ok(), "{}\n{}", printed, again.unwrap_err());
                prop_assert_eq!(again.unwrap(), config);
            }
        }
    }
}
