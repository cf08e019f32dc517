//! What HAProxy says on its socket and keeps from the page unless it has `show-legends`: where servers are, their cookies,
//! and how a backend balances.

use lb_tcp::Address;

use super::{
    Column::{Addr, Algo, Cookie},
    Row, Source,
};
use crate::run::System;

/// Adds it to rows of this system.
pub fn legends(system: &System, rows: &mut [Row]) {
    for row in rows {
        match row.source {
            Source::Frontend(_) => {}
            Source::Backend(at) => {
                let model = system.backends()[at].plan().model();
                // Without its argument.
                let algorithm = model.balance.split([' ', '(']).next().unwrap_or_default();
                row.say(Algo, algorithm);
                if let Some(cookie) = &model.cookie {
                    row.say(Cookie, &**cookie.name);
                }
            }
            Source::Server { backend, uid } => {
                let snapshot = system.backends()[backend].pool().snapshot();
                let Some(server) = snapshot.by_uid(uid) else {
                    continue;
                };
                let target = server.target();
                let address = match (target.socket_addr(), &**target.address()) {
                    (Some(address), _) => address.to_string(),
                    (None, Address::Unix(_) | Address::Abstract(_)) => "unix".to_owned(),
                    (None, address) => address.to_string(),
                };
                row.say(Addr, address);
                if let Some(cookie) = server.affinity_value() {
                    row.say(Cookie, cookie);
                }
            }
        }
    }
}
