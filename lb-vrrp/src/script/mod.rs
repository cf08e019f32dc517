//! Check scripts, and the programs that are told of a change.
