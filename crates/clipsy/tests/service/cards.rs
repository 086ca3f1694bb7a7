//! Jobs on graphics cards, over the emulated driver of `tools/nvidia-emulator`, in the sandbox.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::server::{Server, Start, on};
use crate::support::{repository, scratch, short_clip, until};

/// The emulated driver with its kernels, built once.
fn driver() -> &'static Path {
    static DRIVER: OnceLock<PathBuf> = OnceLock::new();
    DRIVER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nvidia-emulator-service");
        let kernels = folder.join("nvrtc/kernels");
        let run = |tool: &str, args: &[&Path]| {
            let tool = repository("tools/nvidia-emulator").join(tool);
            let done = Command::new(tool).args(args).output().unwrap();
            let words = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success(), "{words}");
        };
        run("build", &[&folder]);
        // A compiler cannot run in the sandbox.
        run("prewarm", &[&folder, &kernels]);
        folder
    })
}

/// A server on a machine with this many cards.
fn with_cards(state: &Path, count: &str) -> Start {
    let driver = driver();
    let libraries = ["cuda", "encode", "decode", "nvrtc"].map(|name| driver.join(name));
    let libraries = std::env::join_paths(libraries).unwrap();
    on(state)
        .env("LD_LIBRARY_PATH", libraries.to_str().unwrap())
        .env(
            "NV_EMULATOR_CACHE",
            driver.join("nvrtc/kernels").to_str().unwrap(),
        )
        .env("NV_EMULATOR_CARDS", count)
        .env("XDG_RUNTIME_DIR", state.parent().unwrap().to_str().unwrap())
}

/// The encoder of each rendition of a video that is ready.
fn encoders(client: &Client, id: i64) -> Vec<String> {
    const QUERY: &str = "query($id: ID!) { video(id: $id) { renditions { encoder } } }";
    let answer = client.graphql(QUERY, &json!({ "id": id.to_string() }));
    let all = answer["data"]["video"]["renditions"].as_array();
    let all = all.unwrap_or_else(|| panic!("{answer}"));
    all.iter()
        .map(|r| r["encoder"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// What the log of a server says in lines with `word`.
fn log(server: &Server, word: &str) -> Vec<String> {
    let file = server.state.with_extension("log");
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| line.contains(word));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_card_is_used_from_within_the_sandbox() {
    let folder = scratch();
    let server = with_cards(&folder.path().join("state"), "1").up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    client.ready(id);
    let found = encoders(&client, id);
    assert!(
        !found.is_empty() && found.iter().all(|e| e == "nvenc"),
        "{found:?}"
    );
    server.stop();
}

#[test]
fn a_sister_card_makes_what_one_could_not() {
    let folder = scratch();
    // The first card fails after some pictures; the second is well.
    let server = with_cards(&folder.path().join("state"), "2")
        .env("NV_EMULATOR_FAIL_AFTER_0", "20")
        .up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    client.ready(id);
    let found = encoders(&client, id);
    assert!(found.iter().all(|e| e == "nvenc"), "{found:?}");
    assert!(!log(&server, "an encoder failed").is_empty());
    // From then on jobs go to the sister at once.
    let before = log(&server, "an encoder failed").len();
    let id = client.upload(&short_clip());
    client.ready(id);
    assert_eq!(log(&server, "an encoder failed").len(), before);
    server.stop();
}

#[test]
fn the_cpu_makes_what_no_card_can() {
    let folder = scratch();
    let server = with_cards(&folder.path().join("state"), "2")
        .env("NV_EMULATOR_FAIL_AFTER", "20")
        .up();
    let client = Client::admin(&server);
    let id = client.upload(&short_clip());
    client.ready(id);
    let found = encoders(&client, id);
    assert!(found.iter().all(|e| e == "software"), "{found:?}");
    server.stop();
}

#[test]
fn workers_tell_of_their_cards() {
    const QUERY: &str = "{ workers { cards { name label kind jobs sessions sessionLimit } } }";
    let folder = scratch();
    let server = with_cards(&folder.path().join("state"), "2")
        .env("CLIPSY_GPU_SESSIONS", "8")
        .env("CLIPSY_GPU_LOCK_DIR", folder.path().to_str().unwrap())
        .up();
    let client = Client::admin(&server);
    let cards: Vec<Value> = until("the cards are told", || {
        let answer = client.graphql(QUERY, &json!({}));
        let cards = answer["data"]["workers"][0]["cards"].as_array()?.clone();
        (cards.len() == 2).then_some(cards)
    });
    assert!(
        cards[0]["name"].as_str().unwrap().starts_with("GPU-"),
        "{cards:?}"
    );
    assert_ne!(cards[0]["name"], cards[1]["name"]);
    assert_eq!(cards[0]["sessionLimit"], 8);
    server.stop();
}
