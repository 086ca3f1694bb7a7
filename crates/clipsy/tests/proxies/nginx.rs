//! nginx.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clipsy_testkit::free_port;

use crate::blocks::{adapt, block};
use crate::certificates::Certificates;
use crate::support::stack::Stack;
use crate::support::until;
use crate::visit::{believing, folder, server, visit};

/// A running nginx. It ends with the test.
pub(crate) struct Nginx {
    process: Child,
    pub(crate) port: u16,
    log: PathBuf,
}

/// What is in its files.
pub(crate) struct Files {
    pub(crate) snippet: String,
    pub(crate) upstream: String,
    pub(crate) site: String,
}

impl Files {
    /// Those of OPERATIONS.md with the site below `heading`, in front of a server at that port.
    pub(crate) fn of(heading: &str, server: u16) -> Self {
        let upstream = block("### nginx", "nginx", 1);
        Self {
            snippet: block("### nginx", "nginx", 0),
            upstream: adapt(&upstream, &[("127.0.0.1:8000", &local(server))]),
            site: block(heading, "nginx", 0),
        }
    }
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

impl Nginx {
    pub(crate) fn start(folder: &Path, files: &Files, certificates: &Certificates) -> Self {
        let port = free_port();
        let root = folder.join(format!("nginx-{port}"));
        for name in ["snippets", "conf.d", "temporary"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("snippets/clipsy.conf"), &files.snippet).unwrap();
        fs::write(root.join("conf.d/clipsy.conf"), &files.upstream).unwrap();
        let listen = local(port);
        let mut site = files.site.clone();
        if site.contains("ssl") {
            let path = |path: &Path| path.to_str().unwrap().to_owned();
            for (directive, file) in [
                ("ssl_certificate ", path(&certificates.certificate)),
                ("ssl_certificate_key ", path(&certificates.key)),
            ] {
                let at = site.find(directive).unwrap() + directive.len();
                let end = at + site[at..].find(';').unwrap();
                site.replace_range(at..end, &file);
            }
            site = adapt(&site, &[("listen 443 ", &format!("listen {listen} "))]);
        } else {
            site = adapt(&site, &[("listen 80;", &format!("listen {listen};"))]);
        }
        fs::write(root.join("conf.d/site.conf"), site).unwrap();
        let temporary =
            |name: &str| format!("{name}_temp_path {}/temporary/{name};", root.display());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(temporary)
            .concat();
        let user = if rustix::process::geteuid().is_root() {
            "user root;"
        } else {
            ""
        };
        fs::write(
            root.join("nginx.conf"),
            format!(
                "{user} daemon off; pid {0}/pid; error_log {0}/error.log warn;\n\
                 events {{}}\nhttp {{ access_log off; {temporary}\n include conf.d/*.conf; }}\n",
                root.display()
            ),
        )
        .unwrap();
        // Debian keeps it out of the path of ordinary users.
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let process = Command::new(program.unwrap_or("nginx"))
            .arg("-p")
            .arg(&root)
            .args(["-c", "nginx.conf", "-e"])
            .arg(root.join("error.log"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut nginx = Self {
            process,
            port,
            log: root.join("error.log"),
        };
        until("nginx listens", || {
            if let Some(status) = nginx.process.try_wait().unwrap() {
                panic!("nginx ended with {status}: {}", nginx.log());
            }
            std::net::TcpStream::connect(local(port)).ok()
        });
        nginx
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-QUIT", &self.process.id().to_string()])
            .status();
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("nginx's log:\n{}", self.log());
        }
    }
}

#[test]
fn over_tls_with_http_2() {
    let (folder, certificates) = folder();
    let server = server(&folder);
    let files = Files::of("#### A name of its own, over TLS", server.port());
    let nginx = Nginx::start(folder.path(), &files, &certificates);
    let url = format!("https://localhost:{}", nginx.port);
    let version = Command::new("curl")
        .args([
            "--silent",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_version}",
        ])
        .arg("--cacert")
        .arg(&certificates.ca)
        .arg(&url)
        .output()
        .unwrap();
    assert_eq!(version.stdout, b"2", "{version:?}");
    visit(&url, &certificates);
    server.stop();
}

#[test]
fn without_tls() {
    let (folder, certificates) = folder();
    let server = server(&folder);
    let files = Files::of("#### A name of its own, without TLS", server.port());
    let nginx = Nginx::start(folder.path(), &files, &certificates);
    visit(&format!("http://localhost:{}", nginx.port), &certificates);
    server.stop();
}

#[test]
fn below_a_path() {
    let (folder, certificates) = folder();
    let server = server(&folder);
    let files = Files::of("#### Below a path of another site", server.port());
    let nginx = Nginx::start(folder.path(), &files, &certificates);
    let url = format!("https://localhost:{}/clips", nginx.port);
    visit(&url, &certificates);
    server.stop();
}

#[test]
fn in_front_of_two_servers() {
    let (folder, certificates) = folder();
    let stack = Stack::start("60");
    // One makes the first account, and the other finds it.
    let first = believing(stack.serve("api-0")).up();
    let second = believing(stack.serve("api-1")).up();
    let worker = stack.work("work-0").up();
    let mut files = Files::of("#### A name of its own, over TLS", first.port());
    let upstream = block("#### Several servers", "nginx", 0);
    let upstream = adapt(
        &upstream,
        &[
            ("10.0.0.11:8000", &local(first.port())),
            ("10.0.0.12:8000", &local(second.port())),
        ],
    );
    let (map, _) = files.upstream.split_once("upstream clipsy {").unwrap();
    files.upstream = format!("{map}{upstream}");
    let nginx = Nginx::start(folder.path(), &files, &certificates);
    visit(&format!("https://localhost:{}", nginx.port), &certificates);
    for process in [worker, first, second] {
        process.stop();
    }
}
