//! Events as they come in: followed, and streamed to a program on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use doorward_webhook::verify;
use rustix::process::{Signal, kill_process};
use serde_json::Value;

use super::{Events, texts};
use crate::harness::{doorward, pid};

const PATIENCE: Duration = Duration::from_secs(30);

/// A command that goes on, and the lines that it writes.
struct Going {
    child: Child,
    lines: Receiver<String>,
    said: Receiver<String>,
}

impl Going {
    fn start(events: &Events, arguments: &[&str]) -> Going {
        let mut command = doorward(events.path());
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let said = lines_of(child.stderr.take().unwrap());
        Going { child, lines, said }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Waits until it says something like that beside its results.
    fn says(&self, part: &str) {
        while !self.said.recv_timeout(PATIENCE).unwrap().contains(part) {}
    }

    /// Interrupts it as Ctrl-C does; what it ends with.
    fn interrupt(mut self) -> Option<i32> {
        kill_process(pid(&self.child), Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

fn lines_of(from: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    receive
}

#[test]
fn who_follows_goes_on_where_it_was_when_the_server_is_back() {
    let events = Events::new();
    let first = texts(&events.take(&[
        ("reply_received", "ann@example.com"),
        ("email_sent", "bob@example.com"),
    ]));
    // Before there is a server, what is there is shown, and nothing stands in its way.
    let tail = Going::start(&events, &["events", "tail", "-n", "1", "--json"]);
    assert_eq!(tail.json()["id"], first[1]);
    tail.says("no server runs");
    let replies = ["events", "tail", "-n", "0", "--type", "reply_received"];
    let replies = Going::start(&events, &replies);
    replies.says("no server runs");
    let server = events.stage.serve();
    tail.says("the server is there");
    replies.says("the server is there");
    assert!(server.end(Signal::TERM).success(), "it waits for nobody");
    tail.says("the server is away");
    replies.says("the server is away");
    let more = texts(&events.take(&[
        ("email_sent", "cy@example.com"),
        ("reply_received", "ann@example.com"),
    ]));
    let server = events.stage.serve();
    for id in &more {
        let event = tail.json();
        assert_eq!(&event["id"], id);
        assert!(event.get("body").is_none(), "{event}");
    }
    let line = replies.line();
    assert!(
        line.contains("reply_received") && line.contains(&more[1]),
        "{line}"
    );
    assert_eq!(tail.interrupt(), Some(0));
    assert_eq!(replies.interrupt(), Some(0));
    assert!(server.end(Signal::TERM).success());
    assert_eq!(events.recorded("event.listen").len(), 0);
}

/// Answers one request a connection, with these statuses in turn, and gives what was asked.
fn receiver(answers: Vec<&'static str>) -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks?x=1", listener.local_addr().unwrap());
    let (send, asked) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let _ = send.send(Asked::read(stream, answer));
        }
    });
    (url, asked)
}

struct Asked {
    head: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    fn read(mut stream: TcpStream, answer: &str) -> Asked {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        reader.read_line(&mut head).unwrap();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.unwrap().1.parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 4\r\n\r\noops");
        stream.write_all(answer.as_bytes()).unwrap();
        Asked {
            head,
            headers,
            body,
        }
    }

    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value).unwrap_or_default()
    }
}

#[test]
fn events_are_streamed_to_this_machine_signed_and_told_whatever_it_answers() {
    let events = Events::new();
    events.take(&[("reply_received", "old@example.com")]);
    let answers = vec![
        "200 OK",
        "500 Internal Server Error",
        "307 Temporary Redirect\r\nlocation: http://169.254.169.254/",
        "204 No Content",
    ];
    let (url, asked) = receiver(answers);
    let server = events.stage.serve();
    let listen = ["webhook", "listen", "--forward-to", &url, "--json"];
    let listen = Going::start(&events, &listen);
    let begun = listen.json();
    let secret = begun["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{begun}");
    let print = Going::start(&events, &["webhook", "listen", "--print"]);
    assert_eq!(print.line(), "listening");
    assert!(server.end(Signal::TERM).success());
    events.take_apart();
    let new = texts(&events.take(&[
        ("reply_received", "ann@example.com"),
        ("email_sent", "bob@example.com"),
        ("email_sent", "cy@example.com"),
        ("email_sent", "dee@example.com"),
        ("email_sent", "eve@example.com"),
    ]));
    let server = events.stage.serve();

    let apart = listen.json();
    assert!(apart["forwarded"].is_null(), "{apart}");
    assert_eq!(apart["not_forwarded"], "it is in quarantine");
    for (id, status) in new.iter().zip([Some(200), Some(500), Some(307), Some(204)]) {
        let told = listen.json();
        assert_eq!(&told["event"]["id"], id);
        assert_eq!(told["forwarded"]["status"], Value::from(status), "{told}");
        assert!(told["forwarded"]["millis"].as_f64().unwrap() > 0.0);
        let got = asked.recv_timeout(PATIENCE).unwrap();
        assert!(got.head.starts_with("POST /hooks?x=1 "), "{}", got.head);
        assert_eq!(got.header("webhook-id"), id);
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let headers = names.map(|name| (name, got.header(name).to_owned()));
        let now = std::time::SystemTime::now();
        let message = verify(&[&*secret], &headers, &got.body, now).unwrap();
        assert_eq!(message.id, *id);
        let payload: Value = serde_json::from_slice(&got.body).unwrap();
        assert_eq!(payload["event_type"], told["event"]["type"]);
    }
    // Nobody listens there any more: that is told, and nothing ends.
    let told = listen.json();
    assert_eq!(told["event"]["id"], new[4]);
    assert!(told["forwarded"]["status"].is_null(), "{told}");
    assert!(told["forwarded"]["note"].is_string(), "{told}");

    let shown: Vec<String> = std::iter::from_fn(|| print.lines.recv_timeout(PATIENCE).ok())
        .take_while(|line| !line.contains("eve@example.com\","))
        .collect();
    let shown = shown.join("\n");
    assert!(!shown.contains("old@example.com"), "from now on: {shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    for part in [
        &new[0],
        "ann@example.com",
        "Hello from number",
        "\"campaign_id\": \"c1\"",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(listen.interrupt(), Some(0));
    assert_eq!(print.interrupt(), Some(0));
    assert!(server.end(Signal::TERM).success());
    // Each registered anew with the second server.
    assert_eq!(events.recorded("event.listen").len(), 4);
}

#[test]
fn what_is_elsewhere_is_not_listened_for() {
    let events = Events::new();
    for wrong in [
        "http://93.184.215.14/hooks",
        "http://127.0.0.1.evil@localhost/",
        "https://localhost:3000/",
        "ftp://localhost/",
        "localhost:3000",
        "",
    ] {
        let refused = events.run(&["webhook", "listen", "--forward-to", wrong]);
        let refused = refused.ended(2);
        assert!(refused.stderr.contains("--forward-to"), "{refused:?}");
    }
    events.run(&["webhook", "listen"]).ended(2);
}
