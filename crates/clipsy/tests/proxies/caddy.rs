//! Caddy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::blocks::{adapt, block, free_port};
use crate::certificates::Certificates;
use crate::support::until;
use crate::visit::{folder, server, visit};

/// A running Caddy. It ends with the test.
struct Caddy {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Caddy {
    /// With that site, whose name stands at its beginning.
    fn start(folder: &Path, site: &str, server: u16, certificates: &Certificates) -> Self {
        let port = free_port();
        let (name, rest) = site.split_once(" {").unwrap();
        let rest = adapt(rest, &[("127.0.0.1:8000", &format!("127.0.0.1:{server}"))]);
        // Certificates come from an authority of ours, and nothing else of this machine is touched.
        let text = format!(
            "{{\n  admin off\n  auto_https disable_redirects\n  storage file_system {0}/caddy\n}}\n\
             {1} {{\n  tls {2} {3}\n{rest}",
            folder.display(),
            adapt(name, &[(name, &format!("localhost:{port}"))]),
            certificates.certificate.display(),
            certificates.key.display(),
        );
        let file = folder.join("Caddyfile");
        fs::write(&file, text).unwrap();
        let log = folder.join("caddy.log");
        let process = Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&file)
            .env("XDG_DATA_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .stdin(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut caddy = Self { process, port, log };
        until("Caddy listens", || {
            if let Some(status) = caddy.process.try_wait().unwrap() {
                panic!("Caddy ended with {status}: {}", caddy.log());
            }
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        caddy
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("Caddy's log:\n{}", self.log());
        }
    }
}

#[test]
fn with_a_name_of_its_own() {
    let (folder, certificates) = folder();
    let server = server(&folder);
    let site = block("### Caddy", "caddyfile", 0);
    let caddy = Caddy::start(folder.path(), &site, server.port(), &certificates);
    visit(&format!("https://localhost:{}", caddy.port), &certificates);
    server.stop();
}

#[test]
fn below_a_path() {
    let (folder, certificates) = folder();
    let server = server(&folder);
    let site = block("### Caddy", "caddyfile", 1);
    let caddy = Caddy::start(folder.path(), &site, server.port(), &certificates);
    visit(
        &format!("https://localhost:{}/clips", caddy.port),
        &certificates,
    );
    server.stop();
}
