//! The first account, and accounts by hand.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::api::{Client, log_in};
use crate::support::scratch;
use crate::support::server::{clipsy, on};

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
fn the_documented_password_comes_with_loopback_only() {
    let folder = scratch();
    let local = on(&folder.path().join("local")).up();
    assert!(local.welcome.contains("admin123"), "{}", local.welcome);
    assert_eq!(log_in(&local, "admin", "admin123").status, 200);
    local.stop();

    let state = folder.path().join("open");
    let start = || on(&state).args(&["--listen", "0.0.0.0:0"]);
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
