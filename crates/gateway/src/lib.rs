//! The way out: authenticate, decide, record, forward.
