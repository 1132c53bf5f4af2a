//! Client-key format and keyed hash. Pure: time and randomness are arguments.
