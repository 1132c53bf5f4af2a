//! Durable state behind one trait; SQLite is the embedded default.
