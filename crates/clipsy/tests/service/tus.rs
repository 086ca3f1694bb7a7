//! Uploads that can be resumed, across power cuts and stops of the real server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::server::{Server, on};
use crate::support::{files, long_clip, scratch, short_clip, until};

/// Status and headers of an answer, names in lower case.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Answer {
    fn read(mut stream: TcpStream) -> Self {
        let mut all = Vec::new();
        // A server that stops may cut the connection after its answer.
        let _ = stream.read_to_end(&mut all);
        let text = String::from_utf8_lossy(&all);
        let head = text.split("\r\n\r\n").next().unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1);
        let status = status.unwrap_or_else(|| panic!("no answer: {text:?}"));
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
        }
    }

    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    fn offset(&self) -> usize {
        self.header("upload-offset").parse().unwrap()
    }
}

/// Sends a head with the version and the token, and what there is of a body.
fn open(server: &Server, client: &Client, request: &str, lines: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n\
         Authorization: {}\r\n{lines}\r\n",
        client.bearer()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream
}

/// Begins an upload of `bytes`, and gives its path.
pub(crate) fn create(server: &Server, client: &Client, bytes: &[u8]) -> String {
    let lines = format!(
        "Upload-Length: {}\r\nUpload-Metadata: filename ZmlsbS5tcDQ=\r\nContent-Length: 0\r\n",
        bytes.len()
    );
    let answer = Answer::read(open(server, client, "POST /api/uploads/", &lines, b""));
    assert_eq!(answer.status, 201, "{answer:?}");
    let url = answer.header("location");
    url[url.find("/api/").unwrap()..].to_owned()
}

fn head(server: &Server, client: &Client, path: &str) -> Answer {
    let answer = Answer::read(open(server, client, &format!("HEAD {path}"), "", b""));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Begins a `PATCH` of everything from `offset` on, of which `body` is the beginning.
fn patch(
    server: &Server,
    client: &Client,
    path: &str,
    (offset, length): (usize, usize),
    more: &str,
    body: &[u8],
) -> TcpStream {
    let lines = format!(
        "Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n\
         Content-Length: {length}\r\n{more}"
    );
    open(server, client, &format!("PATCH {path}"), &lines, body)
}

/// Sends bytes of an upload, and says how many of them all are kept.
pub(crate) fn send(
    server: &Server,
    client: &Client,
    path: &str,
    offset: usize,
    bytes: &[u8],
) -> usize {
    let of = (offset, bytes.len());
    let answer = Answer::read(patch(server, client, path, of, "", bytes));
    assert_eq!(answer.status, 204, "{answer:?}");
    answer.offset()
}

/// How many bytes of an upload are kept.
pub(crate) fn offset(server: &Server, client: &Client, path: &str) -> usize {
    head(server, client, path).offset()
}

/// Waits until that many bytes have arrived, without disturbing whoever sends.
fn arrived(client: &Client, path: &str, bytes: usize) {
    until(&format!("{bytes} bytes have arrived"), || {
        let offset = client.get(path).json()["offset"].as_u64().unwrap();
        (offset == bytes as u64).then_some(())
    });
}

fn sha256(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

/// The only original that there is.
fn original(server: &Server) -> std::path::PathBuf {
    let folder = server.path("media/videos/originals");
    let names = files(&folder);
    assert_eq!(names.len(), 1, "{names:?}");
    folder.join(&names[0])
}

#[test]
fn a_server_that_is_killed_in_mid_upload_loses_nothing_that_it_acknowledged() {
    let folder = scratch();
    let state = folder.path().join("state");
    let file = long_clip();
    let bytes = std::fs::read(&file).unwrap();
    let mut server = on(&state).up();
    let mut client = Client::admin(&server);
    let path = create(&server, &client, &bytes);
    let mut offset = 0;
    // Each round gets an answer, and is killed in the middle of the next bytes.
    for _ in 0..3 {
        let part = &bytes[offset..offset + 300_001];
        let of = (offset, part.len());
        let answer = Answer::read(patch(&server, &client, &path, of, "", part));
        assert_eq!(answer.status, 204, "{answer:?}");
        offset += part.len();
        assert_eq!(answer.offset(), offset);
        let rest = &bytes[offset..];
        let sent = rest.len() / 3;
        let of = (offset, rest.len());
        let stream = patch(&server, &client, &path, of, "", &rest[..sent]);
        until("some of it has arrived", || {
            let there = client.get(&path).json()["offset"].as_u64().unwrap();
            (there > offset as u64).then_some(())
        });
        server.kill();
        drop(stream);
        server = on(&state).up();
        client = Client::admin(&server);
        let there = head(&server, &client, &path).offset();
        assert!((offset..=offset + sent).contains(&there), "{there}");
        offset = there;
    }
    let rest = &bytes[offset..];
    let of = (offset, rest.len());
    let answer = Answer::read(patch(&server, &client, &path, of, "", rest));
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(answer.header("clipsy-video-id"), "1");
    assert_eq!(sha256(&original(&server)), sha256(&file));
    assert_eq!(client.videos().len(), 1);
    server.stop();
}

#[test]
fn a_chunk_with_a_checksum_is_gone_if_the_server_is_killed_in_it() {
    let folder = scratch();
    let state = folder.path().join("state");
    let bytes = std::fs::read(long_clip()).unwrap();
    let server = on(&state).up();
    let client = Client::admin(&server);
    let path = create(&server, &client, &bytes);
    let of = (0, 100_000);
    let answer = Answer::read(patch(&server, &client, &path, of, "", &bytes[..100_000]));
    assert_eq!(answer.offset(), 100_000);
    let of = (100_000, bytes.len() - 100_000);
    let sum = "Upload-Checksum: sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\r\n";
    let half = &bytes[100_000..bytes.len() / 2];
    let _stream = patch(&server, &client, &path, of, sum, half);
    let id = path.rsplit('/').next().unwrap();
    let file = server.path(&format!("media/uploads/{id}"));
    until("some of it is in the file", || {
        let there = std::fs::metadata(&file).unwrap().len();
        (there > 100_000).then_some(())
    });
    server.kill();
    let server = on(&state).up();
    let client = Client::admin(&server);
    assert_eq!(head(&server, &client, &path).offset(), 100_000);
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 100_000);
    server.stop();
}

#[test]
fn a_server_that_is_killed_before_it_made_the_video_makes_it_at_the_next_start() {
    let folder = scratch();
    let state = folder.path().join("state");
    let file = short_clip();
    let bytes = std::fs::read(&file).unwrap();
    let server = on(&state).up();
    let client = Client::admin(&server);
    let path = create(&server, &client, &bytes);
    let part = &bytes[..bytes.len() - 1];
    let answer = Answer::read(patch(&server, &client, &path, (0, part.len()), "", part));
    assert_eq!(answer.offset(), part.len());
    server.kill();
    // The last byte arrived, and nothing else was done any more.
    let id = path.rsplit('/').next().unwrap();
    let mut upload = std::fs::File::options()
        .append(true)
        .open(state.join("media/uploads").join(id))
        .unwrap();
    upload.write_all(&bytes[bytes.len() - 1..]).unwrap();
    // A file that no row knows of is a leftover.
    std::fs::write(state.join("media/uploads/leftover"), b"x").unwrap();

    let server = on(&state).up();
    let client = Client::admin(&server);
    assert_eq!(client.videos().len(), 1);
    let answer = head(&server, &client, &path);
    assert_eq!(answer.offset(), bytes.len());
    assert_eq!(answer.header("clipsy-video-id"), "1");
    assert_eq!(sha256(&original(&server)), sha256(&file));
    assert_eq!(files(&server.path("media/uploads")), Vec::<String>::new());
    server.stop();
}

#[test]
fn a_server_that_is_asked_to_stop_keeps_what_arrived() {
    let folder = scratch();
    let state = folder.path().join("state");
    let bytes = std::fs::read(long_clip()).unwrap();
    let server = on(&state).up();
    let client = Client::admin(&server);
    let path = create(&server, &client, &bytes);
    let sent = 2_000_000;
    let of = (0, bytes.len());
    let stream = patch(&server, &client, &path, of, "", &bytes[..sent]);
    arrived(&client, &path, sent);
    server.signal(Signal::TERM);
    // It does not wait for the sender, which is silent.
    let answer = Answer::read(stream);
    assert_eq!((answer.status, answer.offset()), (503, sent), "{answer:?}");
    assert!(!answer.header("retry-after").is_empty());
    assert!(server.end().success());

    let server = on(&state).up();
    let client = Client::admin(&server);
    assert_eq!(head(&server, &client, &path).offset(), sent);
    server.stop();
}
