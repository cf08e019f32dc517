//! Real programs that are told.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::script::NotifyBuilder;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that runs `text` with its folder in `$D`.
fn sh(folder: &TempDir, text: &str) -> [String; 4] {
    let text = format!("D={}\n{text}", folder.path().display());
    ["/bin/sh".into(), "-c".into(), text, "first".into()]
}

fn notifier(builder: NotifyBuilder) -> Notifier {
    builder.build().unwrap().notifier(Subject::Instance, "VI 1")
}

async fn report(notifier: &mut Notifier) -> Report {
    timeout(PATIENCE, notifier.next()).await.unwrap().unwrap()
}

async fn reports(notifier: &mut Notifier) -> Vec<Report> {
    let mut reports = Vec::new();
    while let Some(report) = timeout(PATIENCE, notifier.next()).await.unwrap() {
        reports.push(report);
    }
    reports
}

fn told(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("told")).unwrap_or_default()
}

const TELL: &str = r#"{ printf '[%s]' "$0" "$@"; echo; } >> $D/told"#;

/// Keepalived 2.2.7 calls `notify "n.sh one"` of `VI 1` with `one INSTANCE "VI 1" BACKUP 120`,
/// the name as one argument, and `notify_backup "b.sh one"` with `one` alone.
#[tokio::test]
async fn arguments_are_those_of_keepalived() {
    let folder = tempfile::tempdir().unwrap();
    let mut notifier = notifier(
        Notify::builder()
            .on(State::Backup, sh(&folder, TELL))
            .any(sh(&folder, TELL)),
    );
    notifier.push(State::Backup, 120);
    assert!(report(&mut notifier).await.ok);
    assert!(report(&mut notifier).await.ok);
    assert_eq!(
        told(&folder),
        "[first]\n[first][INSTANCE][VI 1][BACKUP][120]\n"
    );
}

/// The earlier a transition, the slower its program.
#[tokio::test]
async fn no_transition_overtakes_another() {
    let folder = tempfile::tempdir().unwrap();
    let slow = "[ -e $D/busy ] && echo overlap >> $D/told
        echo > $D/busy; sleep 0.$((20 - $4)); rm $D/busy; echo $3 $4 >> $D/told";
    let mut notifier = notifier(Notify::builder().any(sh(&folder, slow)));
    let states = [State::Backup, State::Master, State::Fault];
    let transitions: Vec<_> = states.into_iter().cycle().zip(1..=10).collect();
    for &(state, priority) in &transitions {
        notifier.push(state, priority);
    }
    for _ in &transitions {
        let report = report(&mut notifier).await;
        assert!(report.ok, "{}", report.reason);
    }
    let line = |(state, priority): (State, u8)| format!("{} {priority}\n", state.as_str());
    let expected: String = transitions.into_iter().map(line).collect();
    assert_eq!(told(&folder), expected);
}

#[tokio::test]
async fn what_is_pushed_while_nothing_runs_wakes_the_driver() {
    let folder = tempfile::tempdir().unwrap();
    let mut notifier = notifier(Notify::builder().any(sh(&folder, TELL)));
    let mut next = Box::pin(notifier.next());
    assert!(futures_poll(next.as_mut()).await);
    drop(next);
    notifier.push(State::Master, 1);
    assert!(report(&mut notifier).await.ok);
}

/// Whether one poll leaves it pending.
async fn futures_poll<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

#[tokio::test]
async fn a_hung_program_is_ended_and_the_next_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut notifier = notifier(
        Notify::builder()
            .on(
                State::Master,
                sh(&folder, "trap '' TERM; sleep 1000; sleep 1000"),
            )
            .on(State::Backup, sh(&folder, TELL))
            .on(State::Fault, sh(&folder, "exit 3"))
            .time_limit(Duration::from_secs(1)),
    );
    notifier.push(State::Master, 1);
    notifier.push(State::Backup, 2);
    notifier.push(State::Fault, 3);
    let hung = report(&mut notifier).await;
    assert!(!hung.ok);
    let expected = "notify /bin/sh of INSTANCE VI 1 MASTER: ended after 1 s";
    assert_eq!(hung.reason, expected);
    assert!(report(&mut notifier).await.ok);
    assert_eq!(told(&folder), "[first]\n");
    let failed = report(&mut notifier).await;
    assert!(!failed.ok);
    assert!(failed.reason.ends_with("FAULT: exit status 3"));
}

#[tokio::test]
async fn too_many_transitions_are_left_out_loudly() {
    let folder = tempfile::tempdir().unwrap();
    let mut notifier = notifier(Notify::builder().any(sh(&folder, "echo $3 $4 > $D/told")));
    for priority in 1..=100 {
        notifier.push(State::Backup, priority);
    }
    notifier.push(State::Master, 101);
    let first = report(&mut notifier).await;
    assert!(!first.ok);
    let expected = "notify of INSTANCE VI 1: 37 transitions were not told in time";
    assert_eq!(first.reason, expected);
    for _ in 0..64 {
        assert!(report(&mut notifier).await.ok);
    }
    assert_eq!(told(&folder), "MASTER 101\n");
}

#[tokio::test]
async fn the_stop_comes_last_and_nothing_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut notifier = notifier(
        Notify::builder()
            .on(State::Stop, sh(&folder, "echo stop >> $D/told"))
            .any(sh(&folder, "echo $3 $4 >> $D/told")),
    );
    notifier.push(State::Backup, 5);
    notifier.stop(7);
    notifier.push(State::Master, 8);
    let reports = reports(&mut notifier).await;
    assert!(reports.iter().all(|report| report.ok), "{reports:?}");
    assert_eq!(told(&folder), "BACKUP 5\nstop\nSTOP 7\n");
}

/// Neither a hung program before the stop nor a hung program of the stop holds up the process.
#[tokio::test]
async fn hung_programs_do_not_hold_up_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let hang = "trap '' TERM; sleep 1000; sleep 1000";
    let mut notifier = notifier(
        Notify::builder()
            .on(State::Master, sh(&folder, hang))
            .on(State::Backup, sh(&folder, "echo backup >> $D/told"))
            .on(
                State::Stop,
                sh(&folder, &format!("echo stop >> $D/told; {hang}")),
            ),
    );
    notifier.push(State::Master, 1);
    notifier.push(State::Backup, 2);
    assert!(futures_poll(Box::pin(notifier.next()).as_mut()).await);
    notifier.stop(3);
    let reports = reports(&mut notifier).await;
    let reasons: Vec<_> = reports
        .iter()
        .map(|report| report.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "notify of INSTANCE VI 1: 1 transition was not told in time",
            "notify /bin/sh of INSTANCE VI 1 MASTER: ended after 1 s",
            "notify /bin/sh of INSTANCE VI 1 STOP: ended after 1 s",
        ]
    );
    assert_eq!(told(&folder), "stop\n");
}

#[tokio::test]
async fn without_a_program_of_the_stop_it_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut notifier = notifier(Notify::builder().on(State::Master, sh(&folder, TELL)));
    notifier.stop(1);
    assert!(reports(&mut notifier).await.is_empty());
}

#[tokio::test]
async fn a_daemon_that_a_program_starts_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{ until [ -e $D/go ]; do sleep 0.01; done; echo alive; echo alive >&2
        echo alive > $D/told; } & exit 0";
    let mut notifier = notifier(Notify::builder().on(State::Master, sh(&folder, text)));
    notifier.push(State::Master, 1);
    assert!(report(&mut notifier).await.ok);
    drop(notifier);
    fs::write(folder.path().join("go"), "").unwrap();
    let alive = async {
        while told(&folder) != "alive\n" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, alive).await.unwrap();
}

#[test]
fn mistakes_name_their_key() {
    let error = Notify::builder()
        .on(State::Fault, ["gone"])
        .build()
        .unwrap_err();
    assert_eq!(error.to_string(), "fault");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "gone is no absolute path");
    let error = Notify::builder().user("no-such-user").build().unwrap_err();
    assert_eq!(error.to_string(), "no user \"no-such-user\" in /etc/passwd");
    let zero = Notify::builder().time_limit(Duration::ZERO).build();
    assert!(zero.is_err());
}
