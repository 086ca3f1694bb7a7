//! Figures for Prometheus, as Prometheus' own parser reads them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::server::Server;
use super::{repository, until};

/// What Prometheus makes of a text.
pub fn read(text: &str) -> Value {
    let python = repository("target/py/bin/python");
    assert!(python.exists(), "run `make setup` first");
    let mut child = Command::new(python)
        .arg(repository("tools/py/metrics.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{text}");
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Status and body of an answer.
pub fn get(url: &str, token: Option<&str>) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut request = agent.get(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut response = request.call().unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), text)
}

/// The samples of that name with all those labels.
pub fn samples(families: &Value, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
    let families = families.as_object().unwrap().values();
    let samples = families.flat_map(|family| family["samples"].as_array().unwrap());
    samples
        .filter(|sample| sample["name"] == name)
        .filter(|sample| {
            labels
                .iter()
                .all(|(name, value)| sample["labels"][name] == *value)
        })
        .map(|sample| sample["value"].as_f64().unwrap_or(f64::INFINITY))
        .collect()
}

/// The sum of [`samples`], of which there has to be one.
#[track_caller]
pub fn sum(families: &Value, name: &str, labels: &[(&str, &str)]) -> f64 {
    let found = samples(families, name, labels);
    assert!(!found.is_empty(), "there is no {name} {labels:?}");
    found.iter().sum()
}

/// The port on which a process that listens on `127.0.0.1` for it tells its figures.
pub fn port(server: &Server) -> String {
    until("it tells where metrics are", || {
        let log = server.log();
        let (_, after) = log.split_once("metrics at /metrics")?;
        let (_, port) = after.split_once("127.0.0.1:")?;
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        Some(port)
    })
}
