//! Fields that a proxy adds.

mod date;
mod forwarded_for;

pub(crate) use date::now as date_now;
pub use forwarded_for::ForwardedFor;
