//! The process for Prometheus, at `global.metrics`.
//!
//! Names are those of HAProxy 2.6's exporter where it has one, so that dashboards carry over, and
//! begin with `lb_` where it has none: times are histograms here, of every frontend, backend and
//! server. All is made of the rows of [`stats`] when somebody asks, on the main
//! thread; whoever serves requests only counts.

mod endpoint;
mod families;
mod objects;
mod process;
mod text;
mod view;

use lb_vrrp::Vrrp;

pub(crate) use endpoint::Endpoint;
pub use text::Format;
use text::Writer;
use view::View;

use crate::{run::System, stats};

/// Everything, as text.
pub fn render(system: &System, routers: &[Vrrp], format: Format) -> String {
    write(system, routers, format, &View::all(true))
}

fn write(system: &System, routers: &[Vrrp], format: Format, view: &View) -> String {
    let mut rows = stats::collect(system);
    rows.retain(|row| view.shows(row));
    let mut out = Writer::new(format);
    if view.global {
        process::write(&mut out, system);
        process::write_routers(&mut out, routers);
    }
    objects::write(&mut out, system, &rows);
    out.finish()
}
