//! `clipsy doctor --proxy`, with proxies that do and do not hold bodies back.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use crate::support::scratch;
use crate::support::server::{on, run};

/// What a proxy does with a request.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// It gathers the whole body first.
    Hold,
    /// It refuses bodies.
    Refuse,
}

/// Listens on a free port, which is given back, and hands requests on to `to`.
fn proxy(to: u16, manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || relay(client, to, manner));
        }
    });
    port
}

fn relay(mut client: TcpStream, to: u16, manner: Manner) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut head_end = None;
    while head_end.is_none() {
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
        let end = request.windows(4).position(|w| w == b"\r\n\r\n");
        head_end = end.map(|at| at + 4);
    }
    let head_end = head_end.unwrap();
    let head = String::from_utf8_lossy(&request[..head_end]).to_ascii_lowercase();
    let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
        let digits = rest.split("\r\n").next().unwrap();
        digits.parse().unwrap()
    });
    if matches!(manner, Manner::Refuse) && length > 1 << 20 {
        client.write_all(
            b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )?;
        // As lingering close does, so that the answer is read.
        while client.read(&mut buffer)? > 0 {}
        return Ok(());
    }
    while request.len() < head_end + length {
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..read]);
    }
    let mut server = TcpStream::connect(("127.0.0.1", to))?;
    server.write_all(&request)?;
    std::io::copy(&mut server, &mut client)?;
    Ok(())
}

/// Whether a finding of that name works.
fn works(report: &Value, id: &str) -> Value {
    let findings = report["proxy"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["id"] == id);
    found.unwrap_or_else(|| panic!("{id}: {report}"))["works"].clone()
}

#[test]
fn a_proxy_that_holds_bodies_back_is_found_out() {
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let doctor = |url: &str| {
        let done = run(&["doctor", "--json", "--proxy", url], &[]);
        let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
        let report: Value = serde_json::from_slice(&done.stdout).unwrap_or_default();
        (done.status.code(), complaint, report)
    };
    let (code, complaint, report) = doctor(&server.url);
    assert_eq!(code, Some(0), "{complaint}");
    for id in [
        "address",
        "pages",
        "uploads",
        "methods",
        "websocket",
        "events",
        "media",
    ] {
        assert_eq!(works(&report, id), true, "{id}: {report}");
    }
    assert_eq!(report["received"], report["sent"], "{report}");

    for (manner, problem) in [
        (Manner::Hold, "proxy_request_buffering off"),
        (Manner::Refuse, "client_max_body_size 0"),
    ] {
        let port = proxy(server.port(), manner);
        let (code, complaint, report) = doctor(&format!("http://127.0.0.1:{port}/"));
        assert_eq!(code, Some(1), "{complaint}");
        assert!(complaint.starts_with("error[proxy]: "), "{complaint}");
        assert!(complaint.contains(problem), "{complaint}");
        assert_eq!(works(&report, "uploads"), false, "{report}");
        assert_eq!(report["received"], 0, "{report}");
    }
    let (code, complaint, _) = doctor("ftp://127.0.0.1/");
    assert_eq!(code, Some(2), "{complaint}");
    server.stop();
}
