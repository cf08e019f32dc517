//! What a fault may cost in a whole network, by the formulas.

use std::time::Duration;

use lb_vrrp::Priority;
use lb_vrrp::machine::Probe;

use crate::fault::Fault;
use crate::world::World;

/// What must hold from now on.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// For how long nobody may serve an address, for each virtual router.
    pub(crate) gap: Vec<Option<Duration>>,
    /// For how long two may.
    pub(crate) both: Option<Duration>,
    /// Nobody else may become master.
    pub(crate) only: Option<usize>,
    /// A living master is preempted by the rules or not at all; but this one leaves by itself.
    pub(crate) usurpers: Option<Option<usize>>,
    /// The clients must know the master.
    pub(crate) clients: bool,
    /// Nothing may change at all.
    pub(crate) steady: bool,
}

/// For rounding: the formulas count in microseconds.
const SLACK: Duration = Duration::from_millis(2);

impl Limits {
    /// While anything goes wrong.
    pub(crate) fn none(routers: usize) -> Self {
        Self {
            gap: vec![None; routers],
            both: None,
            only: None,
            usurpers: None,
            clients: false,
            steady: false,
        }
    }

    /// After a time of trouble, in a network that has just become whole.
    pub(crate) fn settling(world: &World) -> Self {
        let plan = &world.plan;
        let gap = plan.down(Priority(1)) + hold(world) + plan.delay * 4 + SLACK;
        let gap = if plan.grouped { gap * 3 } else { gap };
        Self {
            gap: vec![anybody(world, None).then_some(gap); plan.routers],
            both: Some(plan.longest_interval().duration() + answer(world)),
            clients: true,
            ..Self::none(plan.routers)
        }
    }

    /// When everything is decided.
    pub(crate) fn steady(world: &World) -> Self {
        let routers = world.plan.routers;
        Self {
            gap: vec![anybody(world, None).then_some(Duration::ZERO); routers],
            both: Some(Duration::ZERO),
            clients: true,
            steady: true,
            ..Self::none(routers)
        }
    }

    /// For one fault in a whole network where everything was decided.
    pub(crate) fn of(world: &World, fault: Fault) -> Self {
        let plan = &world.plan;
        let node = fault.node();
        let served = |vr: usize| world.nodes[node].serves(vr);
        let gap = |vr: usize| {
            if !(0..world.nodes.len()).any(|i| world.nodes[i].serves(vr)) {
                // There was none before: who comes now waits as every backup.
                return Some(plan.down(Priority(1)) + hold(world) + plan.delay * 4 + SLACK);
            }
            if !served(vr) {
                return Some(Duration::ZERO);
            }
            anybody(world, Some(node)).then(|| takeover(world, fault, vr))
        };
        let mixed = if plan.mixed {
            plan.longest_interval().duration()
        } else {
            Duration::ZERO
        };
        let leaves = fault.is_leaving();
        let gaps = (0..plan.routers).map(gap).collect();
        Self {
            gap: gaps,
            both: Some(answer(world) + mixed),
            only: (leaves && (0..plan.routers).all(served))
                .then(|| best(world, node))
                .flatten(),
            usurpers: (!plan.mixed).then_some((leaves).then_some(node)),
            clients: true,
            steady: false,
        }
    }
}

/// How soon a master answers another.
fn answer(world: &World) -> Duration {
    let spacing = (world.plan.longest_interval().duration() / 4).min(Duration::from_millis(50));
    spacing + world.plan.delay * 3 + SLACK
}

/// What [`Probe::Hold`] adds while a dead node's kernel answers.
fn hold(world: &World) -> Duration {
    let longest = world.plan.longest_interval().duration();
    match world.plan.probe {
        Probe::Hold => world.plan.lifetime() + longest * 2,
        _ => Duration::ZERO,
    }
}

/// Whether anybody but `gone` can be master.
pub(crate) fn anybody(world: &World, gone: Option<usize>) -> bool {
    let nodes = world.nodes.iter().enumerate();
    nodes
        .into_iter()
        .any(|(i, node)| Some(i) != gone && node.eligible())
}

/// For how long nobody serves when `fault` hits a master.
fn takeover(world: &World, fault: Fault, vr: usize) -> Duration {
    let plan = &world.plan;
    let others =
        (0..world.nodes.len()).filter(|i| *i != fault.node() && world.nodes[*i].eligible());
    let first = others
        .map(|i| world.rank(i, vr).0)
        .max()
        .expect("there is another");
    let way = plan.delay * 3 + SLACK;
    match fault {
        Fault::Crash(_) if plan.linked => way,
        Fault::Crash(_) | Fault::Freeze(_) => plan.down(first) + hold(world) + way,
        Fault::PowerOff(_) | Fault::InterfaceDown(_) => plan.down(first) + way,
        Fault::Fail(_) => plan.skew(first) + way,
        _ => Duration::ZERO,
    }
}

/// The node that must take over from `gone`, where the skew times tell them apart.
fn best(world: &World, gone: usize) -> Option<usize> {
    if world.plan.probe == Probe::Hold {
        return None;
    }
    let mut of_all = None;
    for vr in 0..world.plan.routers {
        let others = (0..world.nodes.len()).filter(|i| *i != gone && world.nodes[*i].eligible());
        let mut ranks: Vec<_> = others.map(|i| world.rank(i, vr)).collect();
        ranks.sort_unstable();
        let (priority, index) = ranks.pop()?;
        if let Some((second, _)) = ranks.last() {
            // The shortest interval makes the smallest difference.
            let apart = world
                .plan
                .skew(*second)
                .saturating_sub(world.plan.skew(priority));
            if world.plan.mixed || apart < world.plan.delay * 5 {
                return None;
            }
        }
        if of_all.is_some_and(|other| other != index) {
            return None;
        }
        of_all = Some(index);
    }
    of_all
}
