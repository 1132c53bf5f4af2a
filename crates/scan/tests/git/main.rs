//! Repositories made by the git program, looked through: the whole history, a range, what is staged.
#![cfg(test)]

mod history;
mod hostile;
mod memory;
mod oracle;
mod range;
mod repo;
mod staged;
