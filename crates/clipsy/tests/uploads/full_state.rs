//! A disk that is full: what lets people mend it works, the state is told, and all goes on by itself.

use std::fs::remove_file;
use std::path::Path;

use clipsy_testkit::Postgres;
use serde_json::{Value, json};

use crate::full_disk::{fill, site_on_disk};
use crate::site::Site;
use crate::support::client::{Client, log_in};
use crate::support::turn::turn;
use crate::support::{short_clip, until};

/// What the operator is told.
fn warnings(site: &Site) -> String {
    let ready = site.client.get("/readyz");
    assert_eq!(ready.status, 200, "{}", ready.text());
    ready.json()["warnings"].to_string()
}

fn graphql(client: &Client, query: &str) -> Value {
    let answer = client.graphql(query, &json!({}));
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    answer["data"].clone()
}

/// Signs in, and then stays signed in and edits, over and over.
fn lives(site: &Site, id: i64, rounds: usize) {
    let answer = log_in(&site.server, "admin", "admin123");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut refresh = answer.json()["refresh"].as_str().unwrap().to_owned();
    for round in 0..rounds {
        let query = format!(
            "mutation {{ refreshSession(input: {{ refreshToken: \"{refresh}\" }}) {{
               refreshToken userErrors {{ code }} }} }}"
        );
        let refreshed = &graphql(&site.client, &query)["refreshSession"];
        assert_eq!(refreshed["userErrors"], json!([]), "{round}: {refreshed}");
        refresh = refreshed["refreshToken"].as_str().unwrap().to_owned();
        let query = format!(
            "mutation {{ updateVideo(input: {{ id: \"{id}\", title: \"Round {round}\",
               description: \"{}\" }}) {{ video {{ title }} userErrors {{ code }} }} }}",
            "words of all sorts ".repeat(20)
        );
        let edited = &graphql(&site.client, &query)["updateVideo"];
        assert_eq!(edited["userErrors"], json!([]), "{round}: {edited}");
    }
}

fn story(site: &Site, disk: &Path) {
    let client = &site.client;
    let (kept, gone) = (client.upload(&short_clip()), client.upload(&short_clip()));
    client.ready(kept);
    client.ready(gone);
    assert!(!warnings(site).contains("disk"), "{}", warnings(site));

    let ballast = disk.join("ballast");
    fill(&ballast);
    assert!(
        warnings(site).contains("A disk is full"),
        "{}",
        warnings(site)
    );
    lives(site, kept, 30);
    assert_eq!(client.delete(&format!("/api/videos/{gone}/")).status, 204);
    until("its files are gone", || {
        let left = client.get(&format!("/media/videos/processed/{gone}/master.m3u8"));
        let folder = site.server.path(&format!("media/videos/processed/{gone}"));
        (left.status == 404 && !folder.exists()).then_some(())
    });

    // As if somebody took that room as well.
    fill(&disk.join("more"));
    lives(site, kept, 30);

    // There is room again, and nobody has to do anything.
    remove_file(&ballast).unwrap();
    remove_file(disk.join("more")).unwrap();
    assert!(!warnings(site).contains("disk"), "{}", warnings(site));
    client.ready(client.upload(&short_clip()));
    lives(site, kept, 1);
}

#[test]
fn a_full_disk_can_be_mended_from_within() {
    let _turn = turn();
    if let Some((site, disk)) = site_on_disk("700m", &[]) {
        story(&site, &disk);
        site.server.stop();
    }
}

#[test]
fn a_full_disk_can_be_mended_from_within_with_postgres_elsewhere() {
    let _turn = turn();
    let postgres = Postgres::start();
    let url = postgres.url();
    if let Some((site, disk)) = site_on_disk("700m", &["--database-url", &url]) {
        story(&site, &disk);
        site.server.stop();
    }
}
