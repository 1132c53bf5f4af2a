//! The emulated Instantly API, in process and over HTTP.
