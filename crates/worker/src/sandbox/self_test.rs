//! Tries from inside whether the sandbox holds. Nothing is harmed if it does not.

use std::fs::{self, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::{Closed, reach};

/// One thing that was tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trial {
    /// What, in words.
    pub what: String,
    /// Whether it should have worked.
    pub allowed: bool,
    /// The error; `None` if it worked.
    pub error: Option<String>,
    /// True if it was refused, not impossible for another reason.
    pub refused: bool,
}

impl Trial {
    /// True if it went as it should.
    pub fn holds(&self) -> bool {
        if self.allowed {
            self.error.is_none()
        } else {
            self.refused
        }
    }
}

/// What was found out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tested {
    /// What the kernel said.
    pub sandbox: Closed,
    /// What was tried.
    pub trials: Vec<Trial>,
}

/// What to try.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// Files and folders that must be out of reach.
    pub forbidden: Vec<PathBuf>,
    /// A port of this machine on which somebody listens.
    pub port: Option<u16>,
    /// A file that must be readable and nothing more.
    pub input: Option<PathBuf>,
    /// A folder that must be writable.
    pub output: Option<PathBuf>,
    /// There is a graphics card, whose driver needs more.
    pub cards: bool,
}

/// Tries everything. Call it after the sandbox is closed.
pub fn run(targets: &Targets) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut refused = |what: String, result: io::Result<()>| {
        trials.push(trial(what, false, result));
    };
    for path in &targets.forbidden {
        let shown = path.display();
        refused(format!("read {shown}"), read(path));
        refused(format!("write {shown}"), write(path));
        if path.is_file() {
            refused(format!("truncate {shown}"), truncate(path));
        }
        refused(format!("move {shown}"), fs::rename(path, path));
        for (what, result) in reach::file(path) {
            refused(format!("{what} {shown}"), result);
        }
    }
    for path in ["/etc/passwd", "/etc/shadow"] {
        refused(format!("read {path}"), read(Path::new(path)));
    }
    for folder in ["/tmp", "/var/tmp", "/dev/shm", "/"] {
        let path = Path::new(folder).join("clipsy-self-test");
        refused(format!("write to {folder}"), write(&path));
    }
    let port = targets.port.unwrap_or(9);
    for address in [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ] {
        let connected = TcpStream::connect(address).map(drop);
        refused(format!("connect to {address}"), connected);
    }
    let loopback = (Ipv4Addr::LOCALHOST, 0);
    let listened = TcpListener::bind(loopback).map(drop);
    refused("listen".into(), listened);
    let datagrams = UdpSocket::bind(loopback).map(drop);
    refused("send datagrams".into(), datagrams);
    for path in ["/run/dbus/system_bus_socket", "/run/docker.sock"] {
        let connected = UnixStream::connect(path).map(drop);
        refused(format!("connect to {path}"), connected);
    }
    let started = Command::new("/bin/true").status().map(drop);
    refused("start a program".into(), started);
    if let Some(parent) = rustix::process::getppid() {
        let folder = PathBuf::from(format!("/proc/{}", parent.as_raw_nonzero()));
        for file in ["environ", "mem", "cmdline"] {
            let read = read(&folder.join(file));
            refused(format!("read the parent's {file}"), read);
        }
        refused("signal the parent".into(), signal(parent));
        for (what, result) in reach::process(parent.as_raw_nonzero().get()) {
            refused(format!("{what} (the parent)"), result);
        }
    }
    for (what, result) in reach::others(targets.cards) {
        refused(what.into(), result);
    }

    // The CUDA driver does not start without these. Where it does not run, what is written beside the
    // names of threads is out of reach: whom the kernel ends when memory is short.
    let named = name_a_thread();
    let listed = fs::read_dir("/dev").map(drop);
    trials.push(trial("name a thread".into(), targets.cards, named));
    trials.push(trial("list the devices".into(), true, listed));
    if !targets.cards {
        let spared = write(Path::new("/proc/self/oom_score_adj"));
        trials.push(trial(
            "be spared when memory is short".into(),
            false,
            spared,
        ));
    }
    let mut refused = |what: String, result: io::Result<()>| {
        trials.push(trial(what, false, result));
    };

    if let Some(input) = &targets.input {
        refused(format!("write {}", input.display()), write(input));
        trials.push(trial("read the input".into(), true, read(input)));
    }
    if let Some(output) = &targets.output {
        let link = std::os::unix::fs::symlink("/etc/passwd", output.join("link"));
        trials.push(trial("make a link in the output".into(), false, link));
        let written = write(&output.join("self-test"));
        trials.push(trial("write to the output".into(), true, written));
    }
    trials
}

fn trial(what: String, allowed: bool, result: io::Result<()>) -> Trial {
    let error = result.err();
    Trial {
        what,
        allowed,
        refused: error.as_ref().is_some_and(|error| {
            // A file system that nobody can write refuses as well.
            matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            )
        }),
        error: error.map(|error| error.to_string()),
    }
}

fn read(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return fs::read_dir(path).map(drop);
    }
    io::Read::read(&mut fs::File::open(path)?, &mut [0]).map(drop)
}

/// Writes a name over that of another thread, as drivers do.
fn name_a_thread() -> io::Result<()> {
    let (number, of_thread) = std::sync::mpsc::channel();
    let (done, end) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let _ = number.send(rustix::thread::gettid());
        let _ = end.recv();
    });
    let written = of_thread
        .recv()
        .map_err(io::Error::other)
        .and_then(|id| fs::write(format!("/proc/self/task/{id}/comm"), "clipsy-test"));
    drop(done);
    let _ = thread.join();
    written
}

/// Opens for writing, without changing what is there.
fn write(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return write(&path.join("clipsy-self-test"));
    }
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    options.append(true).create(true).open(path)?;
    if is_new {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Cuts a file to the length that it has.
fn truncate(path: &Path) -> io::Result<()> {
    let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(length)
}

fn signal(process: Pid) -> io::Result<()> {
    Ok(rustix::process::test_kill_process(process)?)
}
