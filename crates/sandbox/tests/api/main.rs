//! The sandbox from outside: in process through [`doorward_sandbox::Sandbox`], and on sockets.

#![cfg(test)]

mod common;
mod control;
mod deliveries;
mod faults;
mod hostile;
mod operations;
mod quirks;
mod quirks_of_resources;
