//! How many connections the process can hold.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::plan::Plan;

/// Descriptors beside those of connections: listeners, runtimes, logs, checks.
const RESERVE: u64 = 200;

/// The open-files limit is too low.
#[derive(Debug, thiserror::Error)]
#[error("the open-files limit allows {limit} descriptors, but {wanted} are needed; {help}")]
pub struct LimitError {
    limit: u64,
    wanted: u64,
    help: &'static str,
}

/// Raises the open-files limit as far as the plan needs, and returns the number
/// of client connections that it allows.
pub(super) fn prepare(plan: &Plan) -> Result<u32, LimitError> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let hard = maximum.unwrap_or(u64::MAX);
    // A connection on each side for every client.
    let needed = |clients: u32| 2 * u64::from(clients) + RESERVE;
    let (wanted, help) = match (plan.nofile, plan.maxconn) {
        (Some(nofile), _) => (nofile, "lower `nofile` or raise the limit (ulimit -n)"),
        (None, Some(clients)) => (
            needed(clients),
            "lower `maxconn` or raise the limit (ulimit -n)",
        ),
        (None, None) => (hard, ""),
    };
    if wanted > hard {
        return Err(LimitError {
            limit: hard,
            wanted,
            help,
        });
    }
    let soft = current.unwrap_or(u64::MAX).max(wanted);
    if current.is_some_and(|current| current < wanted) {
        let limit = Rlimit {
            current: Some(wanted),
            maximum,
        };
        setrlimit(Resource::Nofile, limit).map_err(|_| LimitError {
            limit: current.unwrap_or(u64::MAX),
            wanted,
            help: "the limit cannot be raised",
        })?;
    }
    let possible = u32::try_from(soft.saturating_sub(RESERVE) / 2).unwrap_or(u32::MAX);
    Ok(plan.maxconn.unwrap_or(possible).min(possible).max(1))
}
