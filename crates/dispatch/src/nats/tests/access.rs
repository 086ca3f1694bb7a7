//! Servers that want to know who we are, and encrypt.

use std::path::Path;
use std::process::{Command, Stdio};

use clipsy_testkit::Nats;

use super::server::{options, process};
use super::{take, ticket};
use crate::nats::{Options, SignIn, Tls};

#[tokio::test]
async fn a_password_is_needed_where_one_is_set() {
    let server =
        Nats::start_with(|_| "authorization { user: ann, password: \"s3cret\" }".to_owned());
    let nobody = options(&server);
    let stranger = process(&nobody).await;
    assert!(stranger.queue.ping().await.is_err());
    let known = SignIn::Password("ann".to_owned(), "s3cret".to_owned());
    works(&Options {
        sign_in: known,
        ..nobody.clone()
    })
    .await;
    let servers = nobody.servers.replace("nats://", "nats://ann:s3cret@");
    works(&Options { servers, ..nobody }).await;
}

#[tokio::test]
async fn a_key_is_enough() {
    let (seed, public) = (
        "SUACH75SWCM5D2JMJM6EKLR2WDARVGZT4QC6LX3AGHSWOMVAKERABBBRWM",
        "UAFHG6FUD2UU4SDFVAFUL5LDFO2XM4WYM76UNXTPJYJK7EEMYRBHT2VE",
    );
    let server =
        Nats::start_with(|_| format!("authorization {{ users: [ {{ nkey: {public} }} ] }}"));
    let sign_in = SignIn::Nkey(seed.to_owned());
    works(&Options {
        sign_in,
        ..options(&server)
    })
    .await;
}

#[tokio::test]
async fn connections_are_encrypted_and_both_sides_known() {
    let server = Nats::start_with(|folder| {
        make_certificates(folder);
        let file = |name: &str| folder.join(name);
        format!(
            "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
            file("server.pem"),
            file("server.key"),
            file("ca.pem")
        )
    });
    let file = |name: &str| server.folder().join(name);
    let plain = options(&server);
    // It does not trust an authority that it does not know.
    let stranger = process(&plain).await;
    assert!(stranger.queue.ping().await.is_err());
    let tls = Tls {
        required: true,
        first: false,
        roots: Some(file("ca.pem")),
        identity: Some((file("client.pem"), file("client.key"))),
    };
    works(&Options { tls, ..plain }).await;
}

async fn works(options: &Options) {
    let dispatch = process(options).await;
    dispatch.queue.ping().await.unwrap();
    dispatch.events.flush().await.unwrap();
    dispatch.queue.push(ticket(1)).await.unwrap();
    assert_eq!(take(&dispatch).await, 1);
}

/// An authority, and certificates of it for a server at 127.0.0.1 and for a client.
fn make_certificates(folder: &Path) {
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca",
    );
    for (name, more) in [
        ("server", "subjectAltName=IP:127.0.0.1"),
        ("client", "subjectAltName=DNS:client"),
    ] {
        std::fs::write(folder.join("more.cnf"), more).unwrap();
        openssl(
            folder,
            &format!(
                "req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
            ),
        );
        openssl(
            folder,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
                 -out {name}.pem -days 2 -extfile more.cnf"
            ),
        );
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command
        .status()
        .expect("openssl is missing: install the package openssl");
    assert!(status.success(), "openssl {arguments}");
}
