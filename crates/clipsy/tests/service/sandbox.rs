//! What a process that parses media can reach, tried for real.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::client::Client;
use crate::support::processes::proc;
use crate::support::server::{clipsy, on};
use crate::support::turn::turn;
use crate::support::{long_clip, scratch, short_clip, until};

#[test]
fn the_state_of_a_server_is_out_of_reach() {
    let folder = scratch();
    let server = on(&folder.path().join("state")).up();
    let output = folder.path().join("output");
    std::fs::create_dir(&output).unwrap();
    let mut command = clipsy();
    command.args(["child", "--self-test", "--port", &server.port().to_string()]);
    for forbidden in ["clipsy.db", "keys", "keys/jwt.key", "lock", "media"] {
        let path = server.path(forbidden);
        assert!(path.exists(), "{forbidden}");
        command.arg("--forbidden").arg(path);
    }
    command.arg("--input").arg(short_clip());
    command.arg("--output").arg(&output);
    let done = command.stdin(Stdio::null()).output().unwrap();
    let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{complaint}");

    let tested: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(tested["sandbox"]["missing"], Value::Null, "{tested}");
    let trials = tested["trials"].as_array().unwrap();
    let find = |what: &str| {
        let found = trials.iter().find(|t| t["what"] == what);
        found.unwrap_or_else(|| panic!("{what} was not tried"))
    };
    for refused in [
        format!("read {}", server.path("clipsy.db").display()),
        format!("write {}", server.path("clipsy.db").display()),
        format!("read {}", server.path("keys").display()),
        format!("read {}", server.path("keys/jwt.key").display()),
        format!("connect to 127.0.0.1:{}", server.port()),
        "write to /tmp".into(),
        "start a program".into(),
        "read the parent's environ".into(),
        format!("write {}", short_clip().display()),
        format!("set the mode of {}", server.path("clipsy.db").display()),
        format!("set the times of {}", server.path("media").display()),
        "see its limits (the parent)".into(),
        "set its priority (the parent)".into(),
        "set its cores (the parent)".into(),
        "outlive the server".into(),
        "send datagrams to a name".into(),
        "be spared when memory is short".into(),
        "take 64 GiB of memory".into(),
    ] {
        assert_eq!(find(&refused)["refused"], true, "{refused}");
    }
    for allowed in [
        "read the input",
        "write to the output",
        // Without this the CUDA driver does not start; seen on a real card.
        "list the devices",
    ] {
        assert_eq!(find(allowed)["error"], Value::Null, "{allowed}");
    }
    // The server is as well as before, and says so of its children.
    let client = Client::admin(&server);
    let told = until("the server has tried its sandbox", || {
        let ready = client.get("/readyz").json();
        ready["sandbox"].as_str().map(str::to_owned)
    });
    assert!(told.starts_with("Landlock and seccomp hold"), "{told}");
    server.stop();

    let server = on(&folder.path().join("state"))
        .args(&["--sandbox", "off"])
        .up();
    let ready = Client::admin(&server).get("/readyz").json();
    assert_eq!(ready["sandbox"], "switched off by CLIPSY_SANDBOX");
    let warnings = ready["warnings"].to_string();
    assert!(
        warnings.contains("without a complete sandbox"),
        "{warnings}"
    );
    server.stop();
}

#[test]
fn a_child_at_work_is_locked_in_and_knows_no_secrets() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state"))
        .args(&["--sandbox", "require"])
        .env("CLIPSY_ADMIN_PASSWORD", "a very secret password")
        .env("SOME_OTHER_SECRET", "another secret")
        .up();
    let client = Client::of(&server, "admin", "a very secret password");
    let id = client.upload(&long_clip());
    client.playable(id);
    let child = server.child("1-1");

    let status = std::fs::read_to_string(proc(child.pid).join("status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(
        (field("NoNewPrivs:"), field("Seccomp:")),
        ("1".into(), "2".into())
    );
    let own = |pid: i32, name: &str| std::fs::read_link(proc(pid).join("ns").join(name)).unwrap();
    let pid = i32::try_from(server.pid()).unwrap();
    let ready = until("the server has tried its sandbox", || {
        let ready = client.get("/readyz").json();
        ready["sandbox"].as_str().map(str::to_owned)
    });
    let makes_some = may_make_namespaces();
    assert_eq!(
        ready.ends_with("; namespaces of its own"),
        makes_some,
        "{ready}"
    );
    for name in ["net", "ipc", "uts"] {
        assert_eq!(own(child.pid, name) != own(pid, name), makes_some, "{name}");
    }
    let bytes = std::fs::read(proc(child.pid).join("environ")).unwrap();
    let environment = String::from_utf8_lossy(&bytes);
    assert!(environment.contains("PATH="), "{environment}");
    // Where the plug-in lies is no secret, and the only setting that reaches a child this way.
    let others = environment.replace("CLIPSY_X264_LADDER=", "");
    assert!(
        !others.contains("secret") && !others.contains("CLIPSY"),
        "{environment}"
    );
    // Besides pipes it holds its input and its output, nothing of the server's.
    let state = server.state.canonicalize().unwrap();
    for entry in std::fs::read_dir(proc(child.pid).join("fd"))
        .unwrap()
        .flatten()
    {
        let Ok(target) = std::fs::read_link(entry.path()) else {
            continue;
        };
        let Ok(inside) = target.strip_prefix(&state) else {
            continue;
        };
        assert!(
            inside.starts_with("scratch") || inside.starts_with("media/videos/originals"),
            "it has {} open",
            target.display()
        );
    }
    client.delete(&format!("/api/videos/{id}/"));
    server.stop();
}

/// True if the kernel makes namespaces for the user of this process, by another program's word, and
/// there is no card, whose driver needs those of the server.
fn may_make_namespaces() -> bool {
    let has_cards = ["/dev/dri", "/dev/nvidiactl"]
        .iter()
        .any(|node| Path::new(node).exists());
    let mut tried = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        tried.arg("-U");
    }
    let made = tried.args(["-n", "true"]).status();
    !has_cards && made.is_ok_and(|status| status.success())
}
