//! Kernel settings of an interface, below `/proc/sys/net`.
//!
//! CAP_NET_ADMIN is enough to write them, but a container often has them read-only.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::Family;

/// A setting that was changed.
#[derive(Debug)]
pub(super) struct Changed {
    path: PathBuf,
    before: String,
}

impl Changed {
    /// Puts back what was there.
    pub(super) fn restore(&self) -> io::Result<()> {
        fs::write(&self.path, &self.before)
    }
}

/// Reads `name` of `interface`, or of `all` or `default`.
pub(super) fn read(family: Family, interface: &str, name: &str) -> io::Result<String> {
    fs::read_to_string(path(family, interface, name)).map(|text| text.trim().to_owned())
}

/// Sets `name` of `interface` to `value`. `None` where it had it already.
pub(super) fn set(
    family: Family,
    interface: &str,
    name: &str,
    value: &str,
) -> io::Result<Option<Changed>> {
    let path = path(family, interface, name);
    let before = fs::read_to_string(&path)?.trim().to_owned();
    if before == value {
        return Ok(None);
    }
    fs::write(&path, value)?;
    Ok(Some(Changed { path, before }))
}

/// Moves `rp_filter` from `all` to each interface: `all` is a least value for every one, so that
/// an interface cannot be without. What each has in effect stays as it was.
pub(super) fn spread_reverse_path_filter() -> io::Result<()> {
    let all = read(Family::V4, "all", "rp_filter")?;
    if all == "0" {
        return Ok(());
    }
    for entry in fs::read_dir(path(Family::V4, "", ""))? {
        let name = entry?.file_name();
        let Some(name) = name.to_str().filter(|&name| name != "all") else {
            continue;
        };
        // One digit each: they compare as text.
        if read(Family::V4, name, "rp_filter").is_ok_and(|own| own < all) {
            set(Family::V4, name, "rp_filter", &all)?;
        }
    }
    set(Family::V4, "all", "rp_filter", "0").map(drop)
}

fn path(family: Family, interface: &str, name: &str) -> PathBuf {
    let family = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    Path::new("/proc/sys/net")
        .join(family)
        .join("conf")
        .join(interface)
        .join(name)
}
