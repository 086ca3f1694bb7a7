//! A client of the REST API.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};
use ureq::Agent;

use super::server::Server;
use super::until;
use crate::http::{Answer, Form};

/// A client that is signed in.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    url: String,
    token: String,
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into()
}

/// Signs in.
pub fn log_in(server: &Server, username: &str, password: &str) -> Answer {
    let url = format!("{}/api/auth/login/", server.url);
    let body = json!({ "username": username, "password": password });
    Answer::of(agent().post(&url).send_json(body))
}

impl Client {
    /// Signs in as the first account of a server on this machine.
    pub fn admin(server: &Server) -> Self {
        Self::of(server, "admin", "admin123")
    }

    /// Signs in.
    pub fn of(server: &Server, username: &str, password: &str) -> Self {
        let answer = log_in(server, username, password);
        assert_eq!(answer.status, 200, "{}", answer.text());
        Self {
            agent: agent(),
            url: server.url.clone(),
            token: answer.json()["access"].as_str().unwrap().to_owned(),
        }
    }

    /// The same person at another server, with the same token.
    #[must_use]
    pub fn at(&self, server: &Server) -> Self {
        Self {
            agent: agent(),
            url: server.url.clone(),
            token: self.token.clone(),
        }
    }

    /// Uploads a file and gives the number of its video.
    pub fn upload(&self, file: &Path) -> i64 {
        let name = file.file_name().unwrap().to_str().unwrap();
        let form = Form::new()
            .text("title", name)
            .file(name, &std::fs::read(file).unwrap());
        let request = self
            .agent
            .post(format!("{}/api/videos/", self.url))
            .header("authorization", self.bearer())
            .header("content-type", Form::TYPE);
        let answer = Answer::of(request.send(&form.end()[..]));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_i64().unwrap()
    }

    /// The video as it is now.
    pub fn video(&self, id: i64) -> Value {
        let answer = self.get(&format!("/api/videos/{id}/"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// All videos.
    pub fn videos(&self) -> Vec<Value> {
        match self.get("/api/videos/").json() {
            Value::Array(videos) => videos,
            other => panic!("{other} is no list"),
        }
    }

    /// Waits until the video is as wanted.
    pub fn wait(&self, id: i64, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
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
    pub fn ready(&self, id: i64) -> Value {
        self.wait(id, "ready", |video| video["status"] == "ready")
    }

    /// Waits until the video can be played but is not ready yet.
    pub fn playable(&self, id: i64) -> Value {
        self.wait(id, "playable before it is ready", |video| {
            video["status"] == "processing" && video["playable"] == true
        })
    }

    /// Asks for a path of the server.
    pub fn get(&self, path: &str) -> Answer {
        Answer::of(
            self.agent
                .get(format!("{}{path}", self.url))
                .header("authorization", self.bearer())
                .call(),
        )
    }

    /// Posts nothing to a path.
    pub fn post(&self, path: &str) -> Answer {
        Answer::of(
            self.agent
                .post(format!("{}{path}", self.url))
                .header("authorization", self.bearer())
                .send_empty(),
        )
    }

    /// Puts bytes at a path.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Answer {
        Answer::of(
            self.agent
                .put(format!("{}{path}", self.url))
                .header("authorization", self.bearer())
                .send(bytes),
        )
    }

    /// Deletes what is at a path.
    pub fn delete(&self, path: &str) -> Answer {
        Answer::of(
            self.agent
                .delete(format!("{}{path}", self.url))
                .header("authorization", self.bearer())
                .call(),
        )
    }

    /// Asks the GraphQL API and gives the whole answer.
    pub fn graphql(&self, query: &str, variables: &Value) -> Value {
        let request = self
            .agent
            .post(format!("{}/graphql", self.url))
            .header("authorization", self.bearer());
        let body = json!({ "query": query, "variables": variables });
        Answer::of(request.send_json(body)).json()
    }

    /// Asks the GraphQL API and does not wait for the answer, which comes on the connection.
    pub fn begin_graphql(&self, query: &str, variables: &Value) -> TcpStream {
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
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The value of its `Authorization` header.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}
