//! Faults that are made on purpose, in nginx: the doctor tells each by its name.

use crate::blocks::adapt;
use crate::nginx::{Files, Nginx};
use crate::support::client::Client;
use crate::support::server::on;
use crate::support::short_clip;
use crate::visit::{PASSWORD, doctor, folder, server};

/// Texts that are put in place of others.
type Changes = &'static [(&'static str, &'static str)];

const TLS: &str = "#### A name of its own, over TLS";

#[test]
fn the_doctor_tells_each_fault_of_a_proxy() {
    let (folder, certificates) = folder();
    let server = server(&folder);
    let client = Client::of(&server, "admin", PASSWORD);
    let id = client.upload(&short_clip());
    client.ready(id);
    let ca = ["--proxy-ca", certificates.ca.to_str().unwrap()];
    // What is changed in the snippet and in the site, what the doctor finds, and what it says to do.
    let faults: [(Changes, Changes, &[&str], &str); 10] = [
        (
            &[("proxy_request_buffering off;", "")],
            &[],
            &["uploads"],
            "proxy_request_buffering off",
        ),
        (
            &[("client_max_body_size 0;", "")],
            &[],
            &["uploads"],
            "client_max_body_size 0",
        ),
        (
            &[("proxy_set_header Upgrade $http_upgrade;", "")],
            &[],
            &["websocket"],
            "Upgrade and Connection",
        ),
        (
            // What the server asks for is passed over, too.
            &[(
                "proxy_buffering off;",
                "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;",
            )],
            &[],
            &["events"],
            "proxy_buffering off",
        ),
        (
            &[("proxy_set_header X-Forwarded-Proto $scheme;", "")],
            &[],
            &["address"],
            "X-Forwarded-Proto",
        ),
        (
            &[("proxy_set_header Host $http_host;", "")],
            &[],
            &["address", "websocket"],
            "Host $http_host",
        ),
        (
            &[(
                "proxy_buffering off;",
                "proxy_set_header Authorization \"\"; proxy_buffering off;",
            )],
            &[],
            &["methods"],
            "Authorization",
        ),
        (
            &[(
                "proxy_buffering off;",
                "limit_except GET POST { deny all; } proxy_buffering off;",
            )],
            &[],
            &["methods"],
            "PATCH",
        ),
        (
            &[(
                "proxy_buffering off;",
                "proxy_set_header Range \"\"; proxy_buffering off;",
            )],
            &[],
            &["media"],
            "Range",
        ),
        (
            &[],
            &[(
                "location / {",
                "add_header X-Frame-Options SAMEORIGIN; location / {",
            )],
            &["media"],
            "X-Frame-Options",
        ),
    ];
    for (snippet, site, found, advice) in faults {
        let mut files = Files::of(TLS, server.port());
        files.snippet = adapt(&files.snippet, snippet);
        files.site = adapt(&files.site, site);
        let nginx = Nginx::start(folder.path(), &files, &certificates);
        let report = doctor(&format!("https://localhost:{}", nginx.port), &ca);
        assert_eq!(
            report.faults(),
            found,
            "{snippet:?} {site:?}: {}",
            report.complaint
        );
        assert_eq!(report.code, Some(1));
        let told = report.finding(found[0]);
        let told = told["advice"].as_str().unwrap();
        assert!(told.contains(advice), "{told}");
        assert!(
            report.complaint.starts_with("error[proxy]: "),
            "{}",
            report.complaint
        );
    }

    // Below a path that nobody names, pages cannot be found.
    let mut files = Files::of("#### Below a path of another site", server.port());
    files.site = adapt(
        &files.site,
        &[("proxy_set_header X-Forwarded-Prefix /clips;", "")],
    );
    let nginx = Nginx::start(folder.path(), &files, &certificates);
    let report = doctor(&format!("https://localhost:{}/clips", nginx.port), &ca);
    assert_eq!(
        report.faults(),
        ["address", "pages"],
        "{}",
        report.complaint
    );

    // A certificate of an authority that is not named.
    let files = Files::of(TLS, server.port());
    let nginx = Nginx::start(folder.path(), &files, &certificates);
    let report = doctor(&format!("https://localhost:{}", nginx.port), &[]);
    assert_eq!(report.faults(), ["certificate"], "{}", report.complaint);
    server.stop();
}

#[test]
fn the_doctor_tells_when_the_proxy_is_not_believed() {
    let (folder, certificates) = folder();
    let server = on(&folder.path().join("state"))
        .env("CLIPSY_ADMIN_PASSWORD", PASSWORD)
        .up();
    let files = Files::of("#### A name of its own, without TLS", server.port());
    let nginx = Nginx::start(folder.path(), &files, &certificates);
    let report = doctor(&format!("http://localhost:{}", nginx.port), &[]);
    assert_eq!(report.faults(), ["address"], "{}", report.complaint);
    assert!(
        report.complaint.contains("CLIPSY_TRUSTED_PROXIES"),
        "{}",
        report.complaint
    );
    server.stop();
}
