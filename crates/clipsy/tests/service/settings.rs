//! Where settings come from, and what is said about them.

use crate::support::scratch;
use crate::support::server::{on, run};

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = scratch();
    let config = folder.path().join("clipsy.toml");
    std::fs::write(
        &config,
        "max_attempts = 7\nmax_fps = 100.0\nmax_hours = 3.5\n\
         database_url = \"sqlite:///nowhere/x.db?password=hunter2\"\n",
    )
    .unwrap();
    let state = folder.path().join("state");
    let database = format!("sqlite://{}", folder.path().join("other.db").display());
    let server = on(&state)
        .env("CLIPSY_CONFIG", config.to_str().unwrap())
        .env("CLIPSY_MAX_FPS", "90")
        .env("CLIPSY_MAX_HOURS", "2")
        .env("CLIPSY_DATABASE_URL", &database)
        .args(&["--max-hours", "1"])
        .up();
    let shown = |name: &str| {
        let mut lines = server.welcome.lines().map(str::trim);
        let line = lines
            .find(|line| line.starts_with(name))
            .unwrap_or_default();
        line.strip_prefix(name)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    assert_eq!(shown("max_attempts "), "7 (file)");
    assert_eq!(shown("max_fps "), "90 (environment)");
    assert_eq!(shown("max_hours "), "1 (flag)");
    assert_eq!(shown("max_tracks "), "16");
    assert!(!server.welcome.contains("hunter2"), "{}", server.welcome);
    assert!(folder.path().join("other.db").exists());
    assert!(!state.join("clipsy.db").exists());
    server.stop();
}

#[test]
fn mistakes_are_refused_before_anything_starts() {
    let folder = scratch();
    let config = folder.path().join("clipsy.toml");
    let path = config.to_str().unwrap();
    let state = folder.path().join("state");
    for (text, problem) in [
        ("lisen = \"x\"", "there is no setting \"lisen\""),
        ("listen = [1]", "listen must be a text"),
        ("listen = ", "TOML parse error"),
    ] {
        std::fs::write(&config, text).unwrap();
        let done = run(&["serve", "--config", path], &[]);
        let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{complaint}");
        assert!(
            complaint.starts_with("error[usage]: --config: "),
            "{complaint}"
        );
        assert!(complaint.contains(problem), "{text}: {complaint}");
    }
    let state_arg = state.to_str().unwrap();
    for (more, code, problem) in [
        (["--listen", "nonsense"], 2, "error[usage]: --listen"),
        (
            ["--media-url", "ftp://host/videos"],
            2,
            "error[usage]: --media-url",
        ),
        (
            ["--listen", "192.0.2.1:80"],
            1,
            "error[listen]: cannot listen on 192.0.2.1:80",
        ),
        (
            ["--max-attempts", "0"],
            2,
            "invalid value '0' for '--max-attempts",
        ),
    ] {
        let args = [&["serve", "--state-dir", state_arg][..], &more[..]].concat();
        let done = run(&args, &[]);
        let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(code), "{more:?}: {complaint}");
        assert!(complaint.contains(problem), "{more:?}: {complaint}");
    }
}

#[test]
fn tables_can_be_brought_up_to_date_by_hand() {
    let folder = scratch();
    let state = folder.path().join("state");
    let args = ["migrate", "--state-dir", state.to_str().unwrap()];
    for _ in 0..2 {
        let done = run(&args, &[]);
        let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{complaint}");
        assert_eq!(done.stdout, b"The database is up to date.\n");
    }
    assert!(state.join("clipsy.db").exists());
    on(&state).up().stop();
}

#[test]
fn the_doctor_tells_of_the_sandbox() {
    let done = run(&["doctor", "--json"], &[]);
    assert!(done.status.success());
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let sandbox = &report["sandbox"];
    assert_eq!(sandbox["works"], true, "{sandbox}");
    assert!(report["gstreamer"].is_string(), "{report}");
}
