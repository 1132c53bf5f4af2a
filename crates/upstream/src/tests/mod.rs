//! Against a scripted server at the other end of a pipe in memory, with tokio's clock paused: what
//! would take minutes takes none, and nothing depends on the machine's speed.

mod facts;
mod faults;
mod hostile;
mod lists;
mod pairs;
mod probing;
mod resources;
mod secrets;
mod server;
mod statuses;

use std::time::Duration;

use secrecy::SecretString;

use crate::builder::ClientBuilder;
use crate::client::Client;
use server::Fake;

/// The key of the client under test; nothing else may show it.
const KEY: &str = "MDE5NWYzYTItMWIyYy03ZDNlLThmNDAtNWE2YjdjOGQ5ZTBmOmFCM2RFNWdIN2pLOQ==";

fn builder(fake: &Fake) -> ClientBuilder {
    Client::builder()
        .transport(fake.transport(Duration::from_secs(10)))
        .randomness(|| 1.0)
}

fn client(fake: &Fake) -> Client {
    builder(fake)
        .key(SecretString::from(KEY))
        .build()
        .expect("a client")
}
