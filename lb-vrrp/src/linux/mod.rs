//! The system's side on Linux: raw sockets, packet sockets and netlink.
