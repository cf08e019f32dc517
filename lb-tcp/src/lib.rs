//! Listeners, connectors, PROXY protocol.
