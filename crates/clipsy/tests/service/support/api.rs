//! A client of the REST API.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

use super::server::Server;
use super::until;

const BOUNDARY: &str = "clipsy-test-boundary";

/// A client that is signed in.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    url: String,
    token: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    fn of(response: Result<Response<ureq::Body>, ureq::Error>) -> Self {
        let mut response = response.unwrap();
        Self {
            status: response.status().as_u16(),
            bytes: response
                .body_mut()
                .with_config()
                .limit(1 << 30)
                .read_to_vec()
                .unwrap(),
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into()
}

/// Signs in.
pub(crate) fn log_in(server: &Server, username: &str, password: &str) -> Answer {
    let url = format!("{}/api/auth/login/", server.url);
    let body = json!({ "username": username, "password": password });
    Answer::of(agent().post(&url).send_json(body))
}

impl Client {
    /// Signs in as the first account of a server on this machine.
    pub(crate) fn admin(server: &Server) -> Self {
        Self::of(server, "admin", "admin123")
    }

    /// Signs in.
    pub(crate) fn of(server: &Server, username: &str, password: &str) -> Self {
        let answer = log_in(server, username, password);
        assert_eq!(answer.status, 200, "{}", answer.text());
        Self {
            agent: agent(),
            url: server.url.clone(),
            token: answer.json()["access"].as_str().unwrap().to_owned(),
        }
    }

    /// The same person at another server, with the same token.
    pub(crate) fn at(&self, server: &Server) -> Self {
        Self {
            agent: agent(),
            url: server.url.clone(),
            token: self.token.clone(),
        }
    }

    /// Uploads a file and gives the number of its video.
    pub(crate) fn upload(&self, file: &Path) -> i64 {
        let name = file.file_name().unwrap().to_str().unwrap();
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n{name}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"video_file\"; \
             filename=\"{name}\"\r\nContent-Type: video/mp4\r\n\r\n"
        )
        .into_bytes();
        body.extend(std::fs::read(file).unwrap());
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self
            .agent
            .post(format!("{}/api/videos/", self.url))
            .header("authorization", self.bearer())
            .header("content-type", kind);
        let answer = Answer::of(request.send(&body[..]));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_i64().unwrap()
    }

    /// The video as it is now.
    pub(crate) fn video(&self, id: i64) -> Value {
        let answer = self.get(&format!("/api/videos/{id}/"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// All videos.
    pub(crate) fn videos(&self) -> Vec<Value> {
        match self.get("/api/videos/").json() {
            Value::Array(videos) => videos,
            other => panic!("{other} is no list"),
        }
    }

    /// Waits until the video is as wanted.
    pub(crate) fn wait(&self, id: i64, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        until(&format!("video {id} is {what}"), || {
            last = self.video(id);
            let over = last["status"] == "failed" || last["status"] == "ready";
            assert!(
                is_so(&last) || !over,
                "video {id} will never be {what}: {last}"
            );
            is_so(&last).then(|| last.clone())
        })
    }

    /// Waits until the video is ready.
    pub(crate) fn ready(&self, id: i64) -> Value {
        self.wait(id, "ready", |video| video["status"] == "ready")
    }

    /// Waits until the video can be played but is not ready yet.
    pub(crate) fn playable(&self, id: i64) -> Value {
        self.wait(id, "playable before it is ready", |video| {
            video["status"] == "processing" && video["playable"] == true
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        Answer::of(
            self.agent
                .get(format!("{}{path}", self.url))
                .header("authorization", self.bearer())
                .call(),
        )
    }

    pub(crate) fn post(&self, path: &str) -> Answer {
        Answer::of(
            self.agent
                .post(format!("{}{path}", self.url))
                .header("authorization", self.bearer())
                .send_empty(),
        )
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> Answer {
        Answer::of(
            self.agent
                .put(format!("{}{path}", self.url))
                .header("authorization", self.bearer())
                .send(bytes),
        )
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        Answer::of(
            self.agent
                .delete(format!("{}{path}", self.url))
                .header("authorization", self.bearer())
                .call(),
        )
    }

    /// Asks the GraphQL API and gives the whole answer.
    pub(crate) fn graphql(&self, query: &str, variables: &Value) -> Value {
        let request = self
            .agent
            .post(format!("{}/graphql", self.url))
            .header("authorization", self.bearer());
        let body = json!({ "query": query, "variables": variables });
        Answer::of(request.send_json(body)).json()
    }

    /// Asks the GraphQL API and does not wait for the answer, which comes on the connection.
    pub(crate) fn begin_graphql(&self, query: &str, variables: &Value) -> TcpStream {
        let host = self.url.strip_prefix("http://").unwrap();
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut connection = TcpStream::connect(host).unwrap();
        write!(
            connection,
            "POST /graphql HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.bearer(),
            body.len()
        )
        .unwrap();
        connection
    }

    /// What it is signed in with.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}
