//! Real processes under check.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Gid, Pid, test_kill_process};
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::script::ScriptBuilder;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// A shell script that finds its folder in `$D`.
fn script(folder: &TempDir, text: &str) -> ScriptBuilder {
    let path = folder.path().join("script");
    let text = format!("D={}\n{text}\n", folder.path().display());
    fs::write(&path, text).unwrap();
    Script::builder("web", ["/bin/sh".into(), path])
        .interval(Duration::from_millis(50))
        .timeout(PATIENCE)
}

async fn change(checker: &mut Checker) -> (Verdict, String) {
    let change = timeout(PATIENCE, checker.next()).await.unwrap();
    (change.verdict, change.reason)
}

/// Waits until a file holds a whole line.
async fn written(path: PathBuf) -> String {
    let written = async {
        loop {
            match fs::read_to_string(&path) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    timeout(PATIENCE, written).await.unwrap()
}

/// The same, while the checker goes on.
async fn content(checker: &mut Checker, path: PathBuf) -> String {
    tokio::select! {
        text = written(path) => text,
        () = async { loop { checker.next().await; } } => unreachable!(),
    }
}

/// Waits until no such process runs: it is gone, or a zombie of whoever inherited it.
async fn gone(pid: i32) {
    let ended = async {
        while fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, ended).await.unwrap();
}

fn number(text: &str) -> i32 {
    text.trim().parse().unwrap()
}

#[tokio::test]
async fn changes_come_with_their_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let text = "echo one >&2; echo two >&2; exit $(cat $D/status)";
    let status = folder.path().join("status");
    fs::write(&status, "22").unwrap();
    let mut checker = script(&folder, text).build().unwrap().checker();
    assert_eq!(checker.verdict(), Verdict::Pending);
    let failed = (
        Verdict::Failed,
        "script web: exit status 22: two".to_owned(),
    );
    assert_eq!(change(&mut checker).await, failed);
    assert_eq!(checker.verdict(), Verdict::Failed);
    fs::write(&status, "0").unwrap();
    let ok = (Verdict::Ok, "script web: succeeded".to_owned());
    assert_eq!(change(&mut checker).await, ok);
}

#[tokio::test]
async fn fall_counts_the_runs() {
    let folder = tempfile::tempdir().unwrap();
    let text = "echo >> $D/runs; [ $(wc -l < $D/runs) = 1 ]";
    let mut checker = script(&folder, text).fall(3).build().unwrap().checker();
    assert_eq!(change(&mut checker).await.0, Verdict::Ok);
    assert_eq!(change(&mut checker).await.0, Verdict::Failed);
    let runs = fs::read_to_string(folder.path().join("runs")).unwrap();
    assert_eq!(runs.lines().count(), 4);
}

#[tokio::test]
async fn init_fail_is_failed_before_the_first_run() {
    let folder = tempfile::tempdir().unwrap();
    let built = script(&folder, "echo >> $D/runs").rise(2).init_fail(true);
    let mut checker = built.build().unwrap().checker();
    assert_eq!(checker.verdict(), Verdict::Failed);
    assert_eq!(change(&mut checker).await.0, Verdict::Ok);
    let runs = fs::read_to_string(folder.path().join("runs")).unwrap();
    assert_eq!(runs.lines().count(), 2);
}

#[tokio::test]
async fn a_signal_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut checker = script(&folder, "kill -9 $$").build().unwrap().checker();
    assert_eq!(
        change(&mut checker).await.1,
        "script web: killed by signal 9"
    );
}

#[tokio::test]
async fn a_script_that_is_removed_later_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("link");
    std::os::unix::fs::symlink("/bin/true", &path).unwrap();
    let built = Script::builder("web", [&path])
        .interval(Duration::from_millis(50))
        .timeout(PATIENCE);
    let mut checker = built.build().unwrap().checker();
    assert_eq!(change(&mut checker).await.0, Verdict::Ok);
    fs::remove_file(&path).unwrap();
    let (verdict, reason) = change(&mut checker).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(
        reason.starts_with("script web: cannot run: No such file"),
        "{reason}"
    );
}

/// It ignores SIGTERM, and so does its child; both are gone before the next run.
#[tokio::test]
async fn a_hung_script_is_killed_with_its_children_and_never_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let text = "trap '' TERM
        [ -e $D/lock ] && echo > $D/doubled
        [ -e $D/second ] && exit 0
        [ -e $D/pids ] && mv $D/pids $D/second && exit 0
        echo > $D/lock
        sleep 1000 & echo $$ $! > $D/pids
        wait; sleep 1000";
    let built = script(&folder, text).timeout(2 * SECOND);
    let mut checker = built.build().unwrap().checker();
    let (verdict, reason) = change(&mut checker).await;
    assert_eq!(verdict, Verdict::Failed);
    assert_eq!(reason, "script web: no answer within 2 s");
    let pids = written(folder.path().join("pids")).await;
    fs::remove_file(folder.path().join("lock")).unwrap();
    for pid in pids.split_whitespace().map(number) {
        // Still there: asked, but not yet killed.
        assert!(Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok()));
    }
    assert_eq!(change(&mut checker).await.0, Verdict::Ok);
    for pid in pids.split_whitespace().map(number) {
        gone(pid).await;
    }
    assert!(!Path::new(&folder.path().join("doubled")).exists());
}

/// Too late is one failure, and the signal that ended it is not another.
#[tokio::test]
async fn a_hung_run_fails_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = "echo >> $D/runs; case $(wc -l < $D/runs) in
        2) sleep 1000;; 4) echo > $D/enough;; esac";
    let built = script(&folder, text).timeout(2 * SECOND).fall(2);
    let mut checker = built.build().unwrap().checker();
    assert_eq!(change(&mut checker).await.0, Verdict::Ok);
    let enough = folder.path().join("enough");
    tokio::select! {
        _ = written(enough) => {}
        change = checker.next() => panic!("{}", change.reason),
    }
}

/// The script ends at SIGTERM; its child would not.
#[tokio::test]
async fn a_child_that_ignores_the_request_is_killed_when_its_leader_ends() {
    let folder = tempfile::tempdir().unwrap();
    let text = "(trap '' TERM; echo $$; exec sleep 1000) & echo $! > $D/child; wait";
    let built = script(&folder, text).timeout(SECOND).interval(PATIENCE);
    let mut checker = built.build().unwrap().checker();
    let child = content(&mut checker, folder.path().join("child")).await;
    let ended = async {
        tokio::select! {
            () = gone(number(&child)) => {}
            () = async { loop { checker.next().await; } } => {}
        }
    };
    ended.await;
    assert_eq!(checker.verdict(), Verdict::Failed);
}

#[tokio::test]
async fn a_script_that_succeeds_may_leave_a_child_that_holds_its_output() {
    let folder = tempfile::tempdir().unwrap();
    let text = "sleep 1000 & echo $! > $D/child; exit 0";
    let built = script(&folder, text).interval(PATIENCE);
    let mut checker = built.build().unwrap().checker();
    assert_eq!(change(&mut checker).await.0, Verdict::Ok);
    let child = fs::read_to_string(folder.path().join("child")).unwrap();
    let child = Pid::from_raw(number(&child)).unwrap();
    drop(checker);
    assert!(
        test_kill_process(child).is_ok(),
        "the child is its own business"
    );
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_chatty_script_is_neither_blocked_nor_stored() {
    let folder = tempfile::tempdir().unwrap();
    let text = "head -c 3000000 /dev/zero | tr '\\0' x >&2; head -c 3000000 /dev/zero
        echo >&2; echo last >&2; exit 1";
    let built = script(&folder, text).timeout(PATIENCE);
    let mut checker = built.build().unwrap().checker();
    assert_eq!(
        change(&mut checker).await.1,
        "script web: exit status 1: last"
    );
}

#[tokio::test]
async fn a_dropped_checker_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let text = "sleep 1000 & echo $$ $! > $D/pids; wait";
    let built = script(&folder, text).timeout(PATIENCE);
    let mut checker = built.build().unwrap().checker();
    let pids = content(&mut checker, folder.path().join("pids")).await;
    drop(checker);
    for pid in pids.split_whitespace().map(number) {
        gone(pid).await;
    }
    // The leader is this process's child: it is reaped, and no zombie.
    let leader = pids.split_whitespace().next().unwrap();
    let reaped = async {
        while Path::new(&format!("/proc/{leader}")).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, reaped).await.unwrap();
}

#[tokio::test]
async fn another_user_has_its_ids_and_no_groups_of_roots() {
    // This thread's alone, and so what a process it starts would have.
    rustix::thread::set_thread_groups(&[Gid::from_raw(4), Gid::from_raw(24)]).unwrap();
    let line = "echo $(id -u; id -g; id -G; echo $HOME; pwd) >&2; exit 1";
    let own = Script::builder("web", ["/bin/sh", "-c", line]).timeout(PATIENCE);
    let (_, reason) = change(&mut own.clone().build().unwrap().checker()).await;
    assert!(
        reason.starts_with("script web: exit status 1: 0 0 0 4 24 "),
        "{reason}"
    );
    let mut checker = own.user("nobody:65533").build().unwrap().checker();
    let (_, reason) = change(&mut checker).await;
    let expected = "script web: exit status 1: 65534 65533 65533 /nonexistent /";
    assert_eq!(reason, expected);
}

#[tokio::test]
async fn the_environment_is_a_small_one() {
    // Cargo gives this process many more.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    // The shell adds the names with `-e`.
    let line = "echo $(/usr/bin/env | cut -d= -f1 | grep -vx -e PWD -e _ -e SHLVL -e OLDPWD) >&2
        exit 1";
    let built = Script::builder("web", ["/bin/sh", "-c", line]).timeout(PATIENCE);
    let mut checker = built.build().unwrap().checker();
    let (_, reason) = change(&mut checker).await;
    let names = reason.strip_prefix("script web: exit status 1: ").unwrap();
    assert!(names.contains("PATH"));
    for name in names.split(' ') {
        assert!(
            ["PATH", "HOME", "LANG", "LC_ALL", "TZ"].contains(&name),
            "{name}"
        );
    }
}

#[tokio::test]
async fn arguments_are_no_shell_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    fs::write(&path, "echo \"$# [$1] [$2]\" >&2; exit 1").unwrap();
    let command = [
        "/bin/sh".as_ref(),
        path.as_os_str(),
        "a b;$HOME".as_ref(),
        "".as_ref(),
    ];
    let built = Script::builder("web", command).timeout(PATIENCE);
    let mut checker = built.build().unwrap().checker();
    let (_, reason) = change(&mut checker).await;
    assert_eq!(reason, "script web: exit status 1: 2 [a b;$HOME] []");
}

#[test]
fn runs_that_fall_into_another_are_left_out() {
    let start = Instant::from_std(clock());
    let at = |ms| start + Duration::from_millis(ms);
    let due = |now| next_due(start, at(now), Duration::from_millis(100));
    assert_eq!(due(0), at(100));
    assert_eq!(due(99), at(100));
    assert_eq!(due(100), at(200));
    assert_eq!(due(1234), at(1300));
    // The interval of a person who means never.
    assert!(next_due(start, at(5), Duration::MAX) > at(5));
}

#[allow(clippy::disallowed_methods, reason = "any instant will do")]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}
