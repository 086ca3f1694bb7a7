//! Short words for asking.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Answer, Server};

/// Asks and gives the whole answer.
pub(crate) fn ask(server: &Server, token: &str, query: &str, variables: &Value) -> Answer {
    ask_with(server, token, query, variables, &[])
}

/// Asks with more headers.
pub(crate) fn ask_with(
    server: &Server,
    token: &str,
    query: &str,
    variables: &Value,
    headers: &[(&str, &str)],
) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut all = vec![
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
    ];
    if !token.is_empty() {
        all.push(("Authorization", &bearer));
    }
    all.extend_from_slice(headers);
    let body = json!({ "query": query, "variables": variables }).to_string();
    server.send("POST", "/graphql", &all, body.as_bytes())
}

/// The data of an answer that has no errors.
pub(crate) fn data(server: &Server, token: &str, query: &str, variables: &Value) -> Value {
    let answer = ask(server, token, query, variables).json();
    assert_eq!(answer.get("errors"), None, "{query}: {answer}");
    answer["data"].clone()
}

/// The code of the first error.
pub(crate) fn code(server: &Server, token: &str, query: &str, variables: &Value) -> String {
    let answer = ask(server, token, query, variables).json();
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    code.unwrap_or_else(|| panic!("{query}: {answer}"))
        .to_owned()
}

/// The codes of the `userErrors` of the only field.
pub(crate) fn refusals(server: &Server, token: &str, query: &str, input: &Value) -> Vec<String> {
    let data = data(server, token, query, &json!({ "input": input }));
    let field = data.as_object().unwrap().values().next().unwrap();
    let errors = field["userErrors"].as_array();
    let errors = errors.unwrap_or_else(|| panic!("{query}: {data}"));
    errors
        .iter()
        .map(|error| error["code"].as_str().unwrap().to_owned())
        .collect()
}

/// A subscription.
pub(crate) struct Watch(pub(crate) BufReader<TcpStream>);

impl Watch {
    pub(crate) fn start(server: &Server, token: &str, query: &str, variables: &Value) -> Self {
        let body = json!({ "query": query, "variables": variables }).to_string();
        // HTTP 1.0 has no chunks, so that the events come as they are.
        let mut head = format!(
            "POST /graphql HTTP/1.0\r\nHost: {}\r\nAccept: text/event-stream\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n",
            server.address,
            body.len()
        );
        if !token.is_empty() {
            head = format!("{head}Authorization: Bearer {token}\r\n");
        }
        let mut stream = server.connect();
        stream
            .write_all(format!("{head}\r\n{body}").as_bytes())
            .unwrap();
        let mut answer = BufReader::new(stream);
        // Once the head is there, the subscription is known to the server.
        let mut line = String::new();
        while answer.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        Self(answer)
    }

    /// The next result as it is; `None` at the end.
    pub(crate) fn result(&mut self) -> Option<Value> {
        let mut event = String::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event);
            } else if let Some(text) = line.strip_prefix("data:") {
                match event.as_str() {
                    "next" => return Some(serde_json::from_str(text.trim()).unwrap()),
                    _ => return None,
                }
            }
        }
    }

    /// The field of the next result; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let result = self.result()?;
        assert_eq!(result.get("errors"), None, "{result}");
        let data = result["data"].as_object().unwrap();
        Some(data.values().next().unwrap().clone())
    }

    /// The first one that is as wanted; those before are passed over.
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        loop {
            match self.next() {
                Some(value) if wanted(&value) => return value,
                Some(value) => last = value,
                None => panic!("it ended before {what}; the last one was {last}"),
            }
        }
    }

    /// The code of the error that is all there is.
    pub(crate) fn error(&mut self) -> String {
        let result = self.result().unwrap();
        let code = result["errors"][0]["extensions"]["code"].as_str();
        code.unwrap_or_else(|| panic!("{result}")).to_owned()
    }
}
