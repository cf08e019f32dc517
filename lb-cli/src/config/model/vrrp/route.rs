//! `virtual_routes`: routes that are set with the state.

use lb_vrrp::VirtualRoute;

use super::address;
use crate::config::{
    print::{ToToml, quoted},
    types::FromValue,
    value::Value,
};

impl FromValue for VirtualRoute {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let route: Self = value.parse(str::parse)?;
        if let Some(name) = route.interface()
            && let Err(why) = address::check_interface(name)
        {
            return value.fail(format!(
                "`{name}` cannot be the name of an interface: {why}"
            ));
        }
        Some(route)
    }
}

impl ToToml for VirtualRoute {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}
