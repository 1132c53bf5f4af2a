//! The commands that make and run a server.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// `doorward up`
#[derive(Debug, Args)]
#[command(after_help = "\
The sandbox, the gateway, a workspace and a few clients are made in the data folder on the first
run and kept. With --json the first line of stdout tells programs all they need; it is written when
everything answers. End it with Ctrl-C or SIGTERM.

Examples:
  doorward up
  doorward up --listen 127.0.0.1:4180
  doorward up --json --data-dir /tmp/try")]
pub(crate) struct Up {
    /// Address of the gateway (default: a free port of 127.0.0.1)
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,

    /// Address of the sandbox (default: a free port of 127.0.0.1)
    #[arg(long, value_name = "ADDR")]
    pub(crate) sandbox_listen: Option<SocketAddr>,
}

/// `doorward sandbox`
#[derive(Debug, Args)]
#[command(after_help = "\
With --json the first line of stdout is one object with the URLs, the workspaces and their keys; it
is written when the sandbox answers. Its control API is under /_sandbox/.

Examples:
  doorward sandbox
  doorward sandbox --listen 127.0.0.1:4010 --seed 7
  doorward sandbox --state sandbox.json --json")]
pub(crate) struct Sandbox {
    /// Address to listen on (default: a free port of 127.0.0.1)
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,

    /// Number that the seed data is made from; the same number makes the same data
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// File that the state is loaded from, if it is there, and saved to at the end
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

/// `doorward init`
#[derive(Debug, Args)]
#[command(after_help = "\
Writes doorward.toml with every setting, its default and what it does, makes the data folder (mode
0700) and in it the pepper that client keys are hashed with (mode 0600). Nothing is overwritten.

Examples:
  doorward init
  doorward init --config /etc/doorward/doorward.toml --data-dir /var/lib/doorward")]
pub(crate) struct Init {}

/// `doorward serve`
#[derive(Debug, Args)]
#[command(after_help = "\
SIGTERM and SIGINT finish the calls under way and end it. SIGHUP reads the configuration, the state
and the upstream keys again, as `doorward reload` does.

Examples:
  doorward serve
  doorward serve --config /etc/doorward/doorward.toml
  doorward serve --listen 127.0.0.1:4180")]
pub(crate) struct Serve {
    /// Address of the gateway, in place of the configuration's
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}
