//! Who holds the key outside, as far as it is told: a web hook that takes, refuses or says nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// What it does with what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Take,
    Refuse,
    /// It takes it, and the connection ends without an answer.
    Lose,
}

/// A hook on a port of its own, until the process ends.
#[derive(Clone)]
pub(crate) struct Hook {
    pub(crate) url: String,
    now: Arc<Mutex<Behaviour>>,
    /// Whether the key that is to be held is the old one again, for each notice that was taken.
    told: Arc<Mutex<Vec<bool>>>,
}

impl Hook {
    pub(crate) fn listen() -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hook = Hook {
            url: format!("http://{}/rotated", listener.local_addr().unwrap()),
            now: Arc::new(Mutex::new(Behaviour::Take)),
            told: Arc::default(),
        };
        let serving = hook.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A server that is killed leaves a request half sent.
                let _ = serving.serve(stream);
            }
        });
        hook
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.now.lock().unwrap() = behaviour;
    }

    /// What it was told last: whether it is to hold the old key again.
    pub(crate) fn last(&self) -> Option<bool> {
        self.told.lock().unwrap().last().copied()
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let (mut bytes, mut piece) = (Vec::new(), [0; 4_096]);
        let body = loop {
            let length = stream.read(&mut piece)?;
            if length == 0 {
                return Ok(());
            }
            bytes.extend_from_slice(&piece[..length]);
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    let is_it = name.eq_ignore_ascii_case("content-length");
                    is_it.then(|| value.parse::<usize>().unwrap())
                });
                if body.len() >= length.unwrap_or_default() {
                    break body.to_owned();
                }
            }
        };
        let behaviour = *self.now.lock().unwrap();
        if behaviour != Behaviour::Refuse {
            let notice: Value = serde_json::from_str(&body).unwrap_or_default();
            let back = notice["data"]["rolled_back"].as_bool();
            self.told.lock().unwrap().extend(back);
        }
        let status = match behaviour {
            Behaviour::Take => "204 Taken",
            Behaviour::Refuse => "500 Not now",
            Behaviour::Lose => return Ok(()),
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes())
    }
}
