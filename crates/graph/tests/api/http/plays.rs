//! Counting plays.

use clipsy_service::videos::flush_plays;

use crate::support::Server;

fn views(server: &Server, id: i64) -> i64 {
    server.run(flush_plays(&server.app)).unwrap();
    let video = server.get(&format!("/api/videos/{id}/")).json();
    video["views"].as_i64().unwrap()
}

#[test]
fn a_play_is_counted_once_for_each_viewer_and_half_hour() {
    let server = Server::start_with(|s| {
        s.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    });
    let id = server.video(&server.token("ann"), "public");
    server.make_ready(id);
    let before = server.get(&format!("/api/videos/{id}/")).json();
    let master = format!("/media/videos/processed/{id}/master.m3u8");
    let play = |agent: &str, address: &str| {
        let headers = [("User-Agent", agent), ("X-Forwarded-For", address)];
        assert_eq!(server.send("GET", &master, &headers, b"").status, 200);
    };
    for _ in 0..3 {
        play("A", "203.0.113.1");
    }
    assert_eq!(views(&server, id), 1);
    // Another name for a browser makes nobody else of a viewer.
    for number in 0..50 {
        play(&format!("B {number}"), "203.0.113.1");
    }
    assert_eq!(views(&server, id), 1);
    play("A", "203.0.113.2");
    play("A", "2001:db8::1");
    play("A", "2001:db8::2");
    assert_eq!(views(&server, id), 3);
    server.clock.advance(chrono::TimeDelta::minutes(30));
    play("A", "203.0.113.1");
    assert_eq!(views(&server, id), 4);
    // Looking is not playing.
    server.send("HEAD", &master, &[], b"");
    server.get(&format!(
        "/media/videos/processed/{id}/720p/segment_00000.ts"
    ));
    server.get(&format!("/media/videos/thumbnails/{id}_1.jpg"));
    assert_eq!(views(&server, id), 4);
    let after = server.get(&format!("/api/videos/{id}/")).json();
    assert_eq!(before["updated_at"], after["updated_at"]);
}

#[test]
fn plays_are_written_down_when_the_server_stops() {
    let server = Server::start();
    let id = server.video(&server.token("ann"), "public");
    server.make_ready(id);
    server.get(&format!("/media/videos/processed/{id}/master.m3u8"));
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    server.run(clipsy_graph::background::run(server.app.clone(), stop));
    let asset = server.run(async { server.app.db.asset(id).await.unwrap().unwrap() });
    assert_eq!(asset.views, 1);
}
