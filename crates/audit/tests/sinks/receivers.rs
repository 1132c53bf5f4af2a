//! Receivers that tests steer: HTTP and syslog, plain or over TLS, a thread for each connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A certificate for `localhost` and 127.0.0.1 that nobody else vouches for.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    config: Arc<ServerConfig>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self {
            pem: pem(made.cert.der()),
            config: Arc::new(config),
        }
    }
}

fn pem(der: &[u8]) -> String {
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let [label, body] = ["CERTIFICATE", &lines.join("\n")];
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

trait Duplex: Read + Write + Send {}
impl<T: Read + Write + Send> Duplex for T {}

fn accept(stream: TcpStream, tls: Option<&Arc<ServerConfig>>) -> Box<dyn Duplex> {
    match tls {
        None => Box::new(stream),
        Some(config) => {
            let connection = ServerConnection::new(Arc::clone(config)).unwrap();
            Box::new(StreamOwned::new(connection, stream))
        }
    }
}

/// What a receiver answers.
pub(crate) struct Answer {
    status: Option<u16>,
    headers: String,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            headers: String::new(),
        }
    }

    /// Nothing: the connection ends.
    pub(crate) fn hang_up() -> Self {
        Self {
            status: None,
            headers: String::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }
}

/// A request that came.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) number: usize,
    pub(crate) body: Vec<u8>,
    /// What was answered; 0 for nothing.
    pub(crate) status: u16,
    head: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.head.iter().find(|(found, _)| found == name)?;
        Some(&found.1)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// An HTTP/1.1 server.
pub(crate) struct HttpReceiver {
    pub(crate) url: String,
    pub(crate) ca: Option<PathBuf>,
    requests: Arc<Mutex<Vec<Request>>>,
    _dir: tempfile::TempDir,
}

impl HttpReceiver {
    pub(crate) fn start(
        certificate: Option<&Certificate>,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let (scheme, ca) = match certificate {
            None => ("http", None),
            Some(certificate) => {
                let ca = dir.path().join("ca.pem");
                std::fs::write(&ca, &certificate.pem).unwrap();
                ("https", Some(ca))
            }
        };
        let tls = certificate.map(|certificate| Arc::clone(&certificate.config));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = accept(stream.unwrap(), tls.as_ref());
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                // A connection that breaks off is no news here.
                std::thread::spawn(move || {
                    let _ = serve(BufReader::new(stream), &seen, &*answer);
                });
            }
        });
        Self {
            url: format!("{scheme}://localhost:{port}/audit?channel=a"),
            ca,
            requests,
            _dir: dir,
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: BufReader<Box<dyn Duplex>>,
    seen: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> Answer,
) -> io::Result<()> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        assert!(line.starts_with("POST /audit?channel=a "), "{line}");
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            head.push((name.to_lowercase(), value.to_owned()));
        }
        let mut request = Request {
            number: 0,
            body: Vec::new(),
            status: 0,
            head,
        };
        let length = request.header("content-length").unwrap().parse().unwrap();
        request.body = vec![0; length];
        stream.read_exact(&mut request.body)?;
        let answer = {
            let mut seen = seen.lock().unwrap();
            request.number = seen.len();
            let answer = answer(&request);
            request.status = answer.status.unwrap_or(0);
            seen.push(request);
            answer
        };
        let Some(status) = answer.status else {
            return Ok(());
        };
        let head = format!("HTTP/1.1 {status} x\r\n{}", answer.headers);
        let length = if status == 204 {
            ""
        } else {
            "content-length: 0\r\n"
        };
        let stream = stream.get_mut();
        stream.write_all(format!("{head}{length}\r\n").as_bytes())?;
        stream.flush()?;
    }
}

/// Takes messages by octet counting.
pub(crate) struct SyslogReceiver {
    pub(crate) port: u16,
    messages: Arc<Mutex<Vec<String>>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl SyslogReceiver {
    pub(crate) fn start(certificate: Option<&Certificate>) -> Self {
        // By name: IPv4 or IPv6.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = certificate.map(|certificate| Arc::clone(&certificate.config));
        let messages = Arc::new(Mutex::new(Vec::new()));
        let open = Arc::new(Mutex::new(Vec::new()));
        let receiver = Self {
            port,
            messages: Arc::clone(&messages),
            open: Arc::clone(&open),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                open.lock().unwrap().push(stream.try_clone().unwrap());
                let stream = accept(stream, tls.as_ref());
                let messages = Arc::clone(&messages);
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Ok(message) = message(&mut stream) {
                        messages.lock().unwrap().push(message);
                    }
                });
            }
        });
        receiver
    }

    /// Ends all connections.
    pub(crate) fn hang_up(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            // Those that are gone already are gone.
            let _ = stream.shutdown(Shutdown::Both);
        }
        std::thread::sleep(Duration::from_millis(5));
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap().clone()
    }

    /// The sequences of the entries that came.
    pub(crate) fn seen(&self) -> Vec<u64> {
        self.messages()
            .iter()
            .map(|message| {
                let (_, json) = message.split_once("] {").unwrap();
                let entry: doorward_audit::Entry =
                    serde_json::from_str(&format!("{{{json}")).unwrap();
                entry.seq
            })
            .collect()
    }
}

fn message(stream: &mut BufReader<Box<dyn Duplex>>) -> io::Result<String> {
    let mut length = Vec::new();
    stream.read_until(b' ', &mut length)?;
    let length = String::from_utf8(length).unwrap();
    let length: usize = length
        .trim_end()
        .parse()
        .map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    Ok(String::from_utf8(message).unwrap())
}
