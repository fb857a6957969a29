//! A node that lies: it passes calls on to a real one, and alters what it is told to.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test support; no test uses all of it"
)]

use super::anvil::post;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Alters a call before it is passed on, and its answer after.
pub struct Lie {
    pub call: fn(&mut Value),
    pub answer: fn(&Value, &mut Value),
}

/// Ends when dropped.
pub struct Proxy {
    port: u16,
    ended: Arc<AtomicBool>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _wakes_the_listener = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Proxy {
    pub fn before(node: u16, lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, ended) = (listener.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
        let (flag, lie) = (ended.clone(), Arc::new(lie));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::SeqCst) {
                    return;
                }
                let lie = lie.clone();
                std::thread::spawn(move || serve(&stream.unwrap(), node, &lie));
            }
        });
        Self { port, ended }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn serve(stream: &TcpStream, node: u16, lie: &Lie) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = pass(serde_json::from_slice(&body).ok()?, node, lie)?.to_string();
        let size = answer.len();
        let mut out = stream;
        write!(
            out,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n{answer}"
        )
        .ok()?;
    }
}

fn pass(calls: Value, node: u16, lie: &Lie) -> Option<Value> {
    let one = |mut call: Value| {
        (lie.call)(&mut call);
        let mut answer: Value = serde_json::from_str(&post(node, &call.to_string()).ok()?).ok()?;
        (lie.answer)(&call, &mut answer["result"]);
        if answer["error"].is_object() {
            answer.as_object_mut()?.remove("result");
        }
        Some(answer)
    };
    match calls {
        Value::Array(calls) => Some(json!(calls.into_iter().map(one).collect::<Option<Vec<_>>>()?)),
        call => one(call),
    }
}
