//! Sinks as receivers see them: everything arrives, in order, whatever happens in between.

#![cfg(test)]

mod files;
mod life;
mod receivers;
mod support;
mod syslog;
mod web;
