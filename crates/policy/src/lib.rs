//! (client, operation, request facts, now) -> allow or deny with a reason. Pure.
