//! A network of its own for one process, joined to this machine by a cable that can be pulled:
//! then packets vanish, and nobody is told.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What the names of namespaces begin with; the number of the process follows.
const PREFIX: &str = "clipsy-test-";

/// A network namespace. It goes away with this, and the cable with it.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: String,
    /// The end of the cable on this machine.
    link: String,
    host: Ipv4Addr,
}

impl Namespace {
    /// Makes one. `None` where that is not permitted, which is no excuse in CI.
    pub(crate) fn make() -> Option<Self> {
        sweep();
        let pid = std::process::id();
        let name = format!("{PREFIX}{pid}");
        let made = ip(&["netns", "add", &name]);
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).into_owned();
            let in_ci = std::env::vars_os().any(|(name, value)| name == "CI" && value == "true");
            assert!(!in_ci, "network namespaces have to work in CI: {why}");
            eprintln!("SKIPPED: no network namespace can be made: {}", why.trim());
            return None;
        }
        // Four addresses for each process, of those that are for tests (RFC 2544).
        let first = u32::from(Ipv4Addr::new(198, 18, 0, 0)) + (pid % (1 << 15)) * 4;
        let namespace = Self {
            name,
            // Names of links have 15 characters at most.
            link: format!("clh{pid}"),
            host: Ipv4Addr::from(first + 1),
        };
        let inside = format!("{}/30", Ipv4Addr::from(first + 2));
        let outside = format!("{}/30", namespace.host);
        let (name, link) = (namespace.name.as_str(), namespace.link.as_str());
        for words in [
            &[
                "link", "add", link, "type", "veth", "peer", "name", "cable", "netns", name,
            ][..],
            &["address", "add", &outside, "dev", link],
            &["link", "set", link, "up"],
            &["-n", name, "address", "add", &inside, "dev", "cable"],
            &["-n", name, "link", "set", "cable", "up"],
            &["-n", name, "link", "set", "lo", "up"],
        ] {
            let done = ip(words);
            assert!(done.status.success(), "ip {words:?}: {done:?}");
        }
        Some(namespace)
    }

    /// This machine, as it is called in there.
    pub(crate) fn host(&self) -> Ipv4Addr {
        self.host
    }

    /// The command that runs the rest of its arguments in there, as the same process.
    pub(crate) fn command(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.name]
    }

    /// Pulls the cable, or plugs it in.
    pub(crate) fn cut(&self, cut: bool) {
        let how = if cut { "down" } else { "up" };
        let done = ip(&["link", "set", &self.link, how]);
        assert!(done.status.success(), "{done:?}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&["link", "delete", &self.link]);
        ip(&["netns", "delete", &self.name]);
    }
}

/// Removes what is left of tests that were killed.
fn sweep() {
    let listed = ip(&["netns", "list"]);
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        if let Some(pid) = name.strip_prefix(PREFIX)
            && !Path::new("/proc").join(pid).exists()
        {
            ip(&["link", "delete", &format!("clh{pid}")]);
            ip(&["netns", "delete", name]);
        }
    }
}

fn ip(words: &[&str]) -> Output {
    let program = ["ip", "/usr/sbin/ip"].into_iter().find_map(|program| {
        let mut command = Command::new(program);
        let done = command.args(words).stdin(Stdio::null()).output();
        done.ok()
    });
    program.expect("ip is missing: run `tools/setup.sh test`")
}
