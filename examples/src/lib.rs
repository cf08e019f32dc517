//! examples of lb.
