//! The `lb` command as a library.
