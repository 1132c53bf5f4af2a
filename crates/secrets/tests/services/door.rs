//! A way to a service that can be shut.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Hands connections on to a service until it is shut; from then on none lives.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    shut: Arc<AtomicBool>,
    through: Arc<Mutex<Vec<TcpStream>>>,
}

impl Door {
    /// A way to `http://HOST:PORT`.
    pub(crate) fn to(service: &str) -> Self {
        let service = service.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = Self {
            address: listener.local_addr().unwrap(),
            shut: Arc::default(),
            through: Arc::default(),
        };
        let (shut, through) = (Arc::clone(&door.shut), Arc::clone(&door.through));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let mut through = through.lock().unwrap();
                if shut.load(Ordering::SeqCst) {
                    continue;
                }
                let far = TcpStream::connect(&service).unwrap();
                copy(&near, &far);
                copy(&far, &near);
                through.extend([near, far]);
            }
        });
        door
    }

    pub(crate) fn shut(&self, shut: bool) {
        let mut through = self.through.lock().unwrap();
        self.shut.store(shut, Ordering::SeqCst);
        for one in through.drain(..) {
            let _ = one.shutdown(Shutdown::Both);
        }
    }
}

fn copy(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
