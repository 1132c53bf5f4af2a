//! The shapes held against the vendor's own document, in two ways: as structure (every parameter,
//! body, answer and entity says the same) and in effect (what `check` takes and refuses is what an
//! independent JSON Schema validator takes and refuses).

#![cfg(test)]

mod effect;
mod generate;
mod structure;
mod vendor;
