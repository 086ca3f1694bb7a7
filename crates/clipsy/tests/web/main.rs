//! The web front end in a real browser, against the real binary and real videos.
//!
//! One long visit, because that is what people make: from the first start of a server to signing
//! out. The steps are in `browser/`; `cargo test -p clipsy --test web` runs them. Screenshots are
//! left in `target/web-screenshots`.
#![cfg(test)]

use std::process::{Command, Stdio};

use clipsy_testkit::service::server::on;
use clipsy_testkit::service::{repository, scratch};

#[test]
fn a_visit_from_the_first_start_to_signing_out() {
    assert!(
        repository("web/dist/site/index.html").exists(),
        "the front end is not built: run `make test`, or `npm run build` in web/ and try again"
    );
    let folder = scratch();
    // A job whose process dies is tried again by hand only, so that there is something to see.
    let server = on(&folder.path().join("state"))
        .args(&["--max-attempts", "1"])
        .up();
    let shots = repository("target/web-screenshots");
    std::fs::create_dir_all(&shots).unwrap();
    let done = Command::new("node")
        .arg(repository("crates/clipsy/tests/web/browser/run.mjs"))
        .env("CLIPSY_URL", &server.url)
        .env("CLIPSY_PID", server.pid().to_string())
        .env("CLIPSY_CLIPS", repository(".media/clips"))
        .env("CLIPSY_FIXTURES", repository(".media/fixtures"))
        .env("CLIPSY_SHOTS", &shots)
        .env("CLIPSY_TOOLS", repository("tools/js/package.json"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    // What went wrong goes last, where people look: the server says a lot.
    let log = server.last_lines();
    drop(server);
    let steps = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "the end of the server's log:\n{log}\nthe visit ended with {}:\n{steps}",
        done.status
    );
    print!("{steps}");
}
