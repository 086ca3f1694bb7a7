//! What everybody does behind a proxy, whichever it is.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::certificates::Certificates;
use crate::support::server::{Server, Start, on, run};
use crate::support::{repository, scratch, short_clip};

pub(crate) const PASSWORD: &str = "a password of my own";

/// A server that believes proxies on this machine.
pub(crate) fn server(folder: &tempfile::TempDir) -> Server {
    believing(on(&folder.path().join("state"))).up()
}

pub(crate) fn believing(start: Start) -> Start {
    start
        .env("CLIPSY_TRUSTED_PROXIES", "127.0.0.1")
        .env("CLIPSY_ADMIN_PASSWORD", PASSWORD)
        // GraphiQL asks as whoever looks at it, which is nobody who is signed in there.
        .env("CLIPSY_INTROSPECTION", "everybody")
}

/// A folder with certificates in it.
pub(crate) fn folder() -> (tempfile::TempDir, Certificates) {
    let folder = scratch();
    let certificates = Certificates::make(folder.path());
    (folder, certificates)
}

/// Has a browser and the usual clients do what people do at `url`, and the doctor look.
pub(crate) fn visit(url: &str, certificates: &Certificates) {
    assert!(
        repository("web/dist/site/index.html").exists(),
        "the front end is not built: run `make test`, or `npm run build` in web/ and try again"
    );
    let done = Command::new("node")
        .arg(repository("crates/clipsy/tests/proxies/visit.mjs"))
        .env("CLIPSY_URL", url)
        .env("CLIPSY_TOOLS", repository("tools/js/package.json"))
        .env("CLIPSY_PASSWORD", PASSWORD)
        .env("CLIPSY_CLIP", short_clip())
        .env("NODE_EXTRA_CA_CERTS", &certificates.ca)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complaints = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{url}: {said}\n{complaints}");

    let report = doctor(url, &["--proxy-ca", certificates.ca.to_str().unwrap()]);
    for finding in report.findings() {
        assert_eq!(finding["works"], true, "{url}: {finding}");
    }
    assert_eq!(report.code, Some(0), "{url}: {}", report.complaint);
    let media = report.finding("media");
    let reason = media["reason"].as_str().unwrap();
    assert!(!reason.contains("not tried"), "{reason}");
}

/// What the doctor says.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) code: Option<i32>,
    pub(crate) complaint: String,
    told: Value,
}

pub(crate) fn doctor(url: &str, args: &[&str]) -> Report {
    let done = run(&[&["doctor", "--json", "--proxy", url], args].concat(), &[]);
    let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
    let told = serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|error| panic!("{url}: {error}: {complaint}"));
    Report {
        code: done.status.code(),
        complaint,
        told,
    }
}

impl Report {
    pub(crate) fn findings(&self) -> &[Value] {
        self.told["proxy"].as_array().unwrap()
    }

    pub(crate) fn finding(&self, id: &str) -> &Value {
        let mut findings = self.findings().iter();
        let found = findings.find(|finding| finding["id"] == id);
        found.unwrap_or_else(|| panic!("{id}: {}", self.told))
    }

    /// The names of those that do not work.
    pub(crate) fn faults(&self) -> Vec<&str> {
        let faults = self.findings().iter().filter(|one| one["works"] == false);
        faults.map(|one| one["id"].as_str().unwrap()).collect()
    }
}
