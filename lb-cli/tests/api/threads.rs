//! `show activity` and `show env`.

use crate::rig::{Rig, origin};

#[test]
fn what_each_worker_has_done_adds_up() {
    let rig = Rig::of(&[origin("a")]);
    rig.names(5);
    rig.lb.wait_until("all is counted", |_| {
        let workers = rig.json("show activity");
        let workers = workers.as_array().expect("an array");
        let sum = |name: &str| -> u64 { workers.iter().filter_map(|one| one[name].as_u64()).sum() };
        workers.len() == 2 && sum("requests") == 5 && sum("idle_conn") >= 1 && sum("bytes_out") > 0
    });
    let text = rig.done("show activity");
    assert!(text.starts_with("threads: 2\ndate_now: "), "{text}");
    assert!(text.contains("\nrequests: 5 [ "), "{text}");
}

#[test]
fn the_environment_is_that_of_the_process() {
    let rig = Rig::of(&[origin("a")]);
    let path = std::env::var("PATH").expect("there is one");
    assert_eq!(rig.done("show env PATH"), format!("PATH={path}\n"));
    assert_eq!(rig.json("show env")["PATH"], *path);
    // Observed of HAProxy.
    assert_eq!(rig.refused("show env LB_NONE_SUCH"), "Variable not found");
}
