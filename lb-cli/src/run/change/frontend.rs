//! What can be done to a frontend, and to the process.

use super::{Refusal, Said};
use crate::run::{Gate, RunningFrontend, System};

impl RunningFrontend {
    /// Takes connections again.
    pub(crate) fn enable(&self) -> Said {
        match self.gate() {
            Gate::Open => Ok("All sockets are already enabled.".to_owned()),
            Gate::Shut => {
                let why = "Frontend was previously shut down, cannot enable.";
                Err(Refusal::State(why))
            }
            Gate::Paused => self.turn(Gate::Open),
        }
    }

    /// Takes no more connections until it is enabled; those it has stay.
    pub(crate) fn disable(&self) -> Said {
        match self.gate() {
            Gate::Paused => Ok("All sockets are already disabled.".to_owned()),
            Gate::Shut => {
                let why = "Frontend was previously shut down, cannot disable.";
                Err(Refusal::State(why))
            }
            Gate::Open => self.turn(Gate::Paused),
        }
    }

    /// Closes its sockets for ever.
    pub(crate) fn shut(&self) -> Said {
        match self.gate() {
            Gate::Shut => Ok("Frontend was already shut down.".to_owned()),
            _ => self.turn(Gate::Shut),
        }
    }

    fn turn(&self, gate: Gate) -> Said {
        self.life.gate.send_replace(gate);
        Ok(String::new())
    }

    /// Sets how many connections it takes at a time, within a runtime.
    pub(crate) fn set_maxconn(&self, text: Option<&str>) -> Said {
        let text = text.ok_or(Refusal::Words("Integer value expected."))?;
        // HAProxy takes text for 0, and 0 for nobody.
        match text.parse() {
            Ok(limit) if limit > 0 => self.life.permits.set(limit),
            _ => return Err(Refusal::Value("Value out of range.".to_owned())),
        }
        Ok(String::new())
    }
}

impl System {
    /// Sets how many connections the process takes at a time, within a runtime: as many as at its start, at most, which 0
    /// is, too.
    pub(crate) fn set_maxconn(&self, text: Option<&str>) -> Said {
        let expected = Refusal::Words("Expects an integer value.");
        let text = text.ok_or_else(|| expected.clone())?;
        let wanted: i64 = text.parse().map_err(|_| expected)?;
        let hard = self.hard_maxconn();
        match u32::try_from(wanted) {
            Ok(0) => self.shared.permits.set(hard),
            Ok(limit) if limit <= hard => self.shared.permits.set(limit),
            _ => return Err(Refusal::Value("Value out of range.".to_owned())),
        }
        Ok(String::new())
    }
}
