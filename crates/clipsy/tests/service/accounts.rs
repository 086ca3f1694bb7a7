//! The first account, and accounts by hand.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::client::{Client, log_in};
use crate::support::server::{Start, clipsy, on};
use crate::support::{scratch, short_clip};

/// Runs `clipsy user` with a password on standard input.
pub(crate) fn user(state: &Path, args: &[&str], password: &str) -> Output {
    let mut command = clipsy();
    command.arg("user").args(args).arg("--state-dir").arg(state);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse before it reads.
    let _ = writeln!(child.stdin.take().unwrap(), "{password}");
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn error(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn only_a_demonstration_has_the_documented_password() {
    let folder = scratch();
    let demo = on(&folder.path().join("demo")).up();
    assert!(demo.welcome.contains("admin123"), "{}", demo.welcome);
    assert_eq!(log_in(&demo, "admin", "admin123").status, 200);
    assert!(demo.log().contains("demonstration"), "{}", demo.log());
    demo.stop();
    // Nor can it be reached from elsewhere.
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let refused = on(&folder.path().join("refused"))
            .env("CLIPSY_LISTEN", listen)
            .command()
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(2));
        let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
        let line = complaint.lines().last().unwrap_or_default();
        assert!(line.starts_with("error[usage]: --demo "), "{complaint}");
    }
}

#[test]
fn a_first_account_has_a_random_password() {
    let folder = scratch();
    for listen in ["127.0.0.1:0", "0.0.0.0:0"] {
        let state = folder.path().join(listen);
        random_password(|| {
            on(&state)
                .env("CLIPSY_DEMO", "false")
                .env("CLIPSY_LISTEN", listen)
        });
    }
}

fn random_password(start: impl Fn() -> Start) {
    let open = start().up();
    assert!(!open.welcome.contains("admin123"), "{}", open.welcome);
    assert_eq!(log_in(&open, "admin", "admin123").status, 401);
    let file = open.path("keys/admin-password");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let password = std::fs::read_to_string(&file).unwrap();
    let password = password.trim();
    assert!(password.len() >= 20, "{password}");
    assert!(open.welcome.contains(password), "{}", open.welcome);
    assert!(!open.log().contains(password), "the log has the password");
    assert_eq!(log_in(&open, "admin", password).status, 200);
    open.stop();

    let again = start().up();
    assert!(!again.welcome.contains(password), "{}", again.welcome);
    assert_eq!(log_in(&again, "admin", password).status, 200);
    again.stop();
}

/// What a demonstration has made is of no use to a server that is none: not the password, not the
/// tokens, not the links, by no route.
#[test]
fn outside_a_demonstration_its_account_is_locked() {
    let folder = scratch();
    let state = folder.path().join("state");
    let demo = on(&state).up();
    let client = Client::admin(&demo);
    let id = client.upload(&short_clip());
    client.ready(id);
    let change = "mutation($id: ID!) { updateVideo(input: {id: $id, visibility: PRIVATE}) \
                  { video { visibility } } }";
    let changed = client.graphql(change, &json!({ "id": id.to_string() }));
    assert_eq!(
        changed["data"]["updateVideo"]["video"]["visibility"],
        "PRIVATE"
    );
    let link = client.post(&format!("/api/videos/{id}/playback/"));
    let playlist = link.json()["hls_playlist"].as_str().unwrap().to_owned();
    assert_eq!(client.get(&playlist).status, 200);
    demo.stop();

    let start = || on(&state).env("CLIPSY_DEMO", "false");
    let server = start().up();
    assert!(
        server.welcome.contains("clipsy user passwd admin"),
        "{}",
        server.welcome
    );
    let refused = log_in(&server, "admin", "admin123");
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(
        refused.text().contains("clipsy user passwd"),
        "{}",
        refused.text()
    );
    let client = client.at(&server);
    assert_eq!(client.get("/api/auth/me/").status, 401);
    assert_eq!(client.get(&format!("/api/videos/{id}/")).status, 401);
    let asked = client.graphql("{ viewer { id } }", &Value::Null);
    assert_eq!(asked["data"], Value::Null, "{asked}");
    assert_eq!(client.get(&playlist).status, 404);
    let plain = format!("/media/videos/processed/{id}/master.m3u8");
    assert_eq!(client.get(&plain).status, 404);
    server.stop();

    // The settings give it another, once.
    let given = || start().env("CLIPSY_ADMIN_PASSWORD", "correct horse battery");
    for _ in 0..2 {
        let server = given().up();
        assert_eq!(
            log_in(&server, "admin", "correct horse battery").status,
            200
        );
        server.stop();
    }
}

#[test]
fn a_given_password_is_used_once_and_never_shown() {
    let folder = scratch();
    let state = folder.path().join("state");
    let file = folder.path().join("password");
    std::fs::write(&file, "correct horse battery\n").unwrap();
    let start = || on(&state).env("CLIPSY_ADMIN_PASSWORD_FILE", file.to_str().unwrap());
    let server = start().up();
    assert!(
        !server.welcome.contains("correct horse"),
        "{}",
        server.welcome
    );
    assert_eq!(log_in(&server, "admin", "admin123").status, 401);
    assert_eq!(
        log_in(&server, "admin", "correct horse battery").status,
        200
    );
    server.stop();

    // What was changed by hand stays changed.
    stdout(&user(&state, &["passwd", "admin"], "something else"));
    let server = start().up();
    assert_eq!(
        log_in(&server, "admin", "correct horse battery").status,
        401
    );
    assert_eq!(log_in(&server, "admin", "something else").status, 200);
    server.stop();

    let weak = on(&folder.path().join("other"))
        .env("CLIPSY_ADMIN_PASSWORD", "admin123")
        .command()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(weak.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&weak.stderr).into_owned();
    let line = complaint.lines().last().unwrap_or_default();
    assert!(
        line.starts_with("error[usage]: CLIPSY_ADMIN_PASSWORD: "),
        "{complaint}"
    );
}

#[test]
fn accounts_are_made_and_listed_by_hand() {
    let folder = scratch();
    let state = folder.path().join("state");
    let server = on(&state).up();
    // The server may go on meanwhile.
    let made = stdout(&user(&state, &["add", "ann"], "a good password"));
    assert!(made.contains("ann") && !made.contains("good"), "{made}");
    let generated = stdout(&user(&state, &["add", "Bob", "--admin", "--generate"], ""));
    let password = generated.trim().rsplit(' ').next().unwrap();
    assert_eq!(log_in(&server, "ann", "a good password").status, 200);
    assert_eq!(log_in(&server, "bob", password).status, 200);

    assert!(error(&user(&state, &["add", "ANN"], "a good password")).starts_with("error[taken]"));
    assert!(error(&user(&state, &["add", "eve"], "short")).starts_with("error[password]"));
    let unknown = user(&state, &["passwd", "nobody"], "a good password");
    assert!(error(&unknown).starts_with("error[unknown]"));

    let list: Value =
        serde_json::from_str(&stdout(&user(&state, &["list", "--json"], ""))).unwrap();
    let shown: Vec<(&str, &str, bool)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|u| {
            let text = |field: &str| u[field].as_str().unwrap();
            (
                text("username"),
                text("role"),
                u["default_password"] == true,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("admin", "admin", true),
            ("ann", "user", false),
            ("Bob", "admin", false)
        ]
    );

    // A new password ends the sessions that the old one began.
    let ann = Client::of(&server, "ann", "a good password");
    assert_eq!(ann.get("/api/auth/me/").status, 200);
    stdout(&user(&state, &["passwd", "ann"], "an even better one"));
    assert_eq!(ann.get("/api/auth/me/").status, 401);
    assert_eq!(log_in(&server, "ann", "a good password").status, 401);
    server.stop();
}
