//! The binary from outside: what it writes, answers and leaves behind.

#![cfg(test)]

mod alerts;
mod api;
mod approvals;
mod audit;
mod backup;
mod canary;
mod check;
mod clients;
mod consumers;
mod controls;
mod events;
mod harness;
mod held;
mod hooks;
mod key_rotate;
mod leak;
mod learning;
mod manifest;
mod offline;
mod operate;
mod pace;
mod people;
mod policies;
mod private;
mod rotation;
mod run;
mod safe;
mod scan;
mod schedule;
mod secrets;
mod seeded;
mod serve;
mod settings;
mod silence;
mod sources;
mod taken;
mod through;
mod trial;
mod up;
mod upstream;
mod veil;
mod webhooks;
