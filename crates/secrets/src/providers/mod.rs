//! The providers of this build.

mod age;
mod dotenv;
mod env;
mod exec;
mod file;
mod files;
mod process;

pub use age::{AgeProvider, AgeRecipient};
pub use dotenv::DotenvProvider;
pub use env::EnvProvider;
pub use exec::ExecProvider;
pub use file::FileProvider;
