//! Captions: brought along, given back, and played with a video that is ready.

use bytes::Bytes;
use clipsy_domain::media_key::output_prefix;
use clipsy_domain::playlist::{PlaylistState, Segment, media_playlist};
use serde_json::{Value, json};

use crate::support::{Answer, Server, wait_until};

/// What the clock of the segments shows at first.
const MPEG_START: u64 = 324_001_234;
const FOR_EVER: &str = "public, max-age=31536000, s-maxage=60, immutable";

/// A segment that begins with a picture at that time.
fn segment(pts: u64) -> Vec<u8> {
    let mut packet = vec![0x47, 0x41, 0x00, 0x10, 0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5];
    packet.extend([
        0x21 | ((pts >> 29) as u8 & 0x0e),
        (pts >> 22) as u8,
        1 | ((pts >> 14) as u8 & 0xfe),
        (pts >> 7) as u8,
        1 | ((pts << 1) as u8),
    ]);
    packet.resize(188, 0xff);
    packet
}

/// Gives the output of the first attempt playlists and segments as a worker would: three segments of 2, 4 and 1 s.
fn listed(server: &Server, id: i64) {
    let segments = [(0, 2), (2, 6), (6, 7)].map(|(start_s, end_s)| Segment {
        start_us: start_s * 1_000_000,
        end_us: end_s * 1_000_000,
        bytes: 1,
    });
    let list = media_playlist(&segments, 4, PlaylistState::Complete);
    let master = "#EXTM3U\n#EXT-X-VERSION:6\n\
                  #EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=2x2\n1080p/playlist.m3u8\n\
                  #EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=2x2\n720p/playlist.m3u8\n";
    for (file, bytes) in [
        ("master.m3u8", master.into()),
        ("1080p/playlist.m3u8", list.into()),
        ("1080p/segment_00000.ts", Bytes::from(segment(MPEG_START))),
    ] {
        let key = format!("{}{file}", output_prefix(id, 1));
        server.run(server.app.media.put(&key, bytes)).unwrap();
    }
}

fn ready(server: &Server, visibility: &str) -> i64 {
    let id = server.video(&server.token("ann"), visibility);
    server.make_playable(id);
    listed(server, id);
    server.make_ready_now(id);
    id
}

fn put(server: &Server, token: &str, path: &str, body: &[u8]) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("Content-Type", "text/vtt")];
    if !token.is_empty() {
        headers.push(("Authorization", bearer.as_str()));
    }
    server.send("PUT", path, &headers, body)
}

/// Addresses in a playlist, and what `#EXT-X-MEDIA` says.
fn addresses(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

const SRT: &[u8] = b"1\r\n00:00:01,000 --> 00:00:03,000\r\nSch\xf6ne Gr\xfc\xdfe\r\n\r\n\
                     2\r\n00:00:06,500 --> 00:01:00,000\r\n<font color=red>Ende & aus</font>\r\n";
const VTT: &str = "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nSchöne Grüße\n\n\
                   00:00:06.500 --> 00:01:00.000\nEnde &amp; aus\n";

#[test]
fn captions_come_and_go_without_encoding_again() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = ready(&server, "public");
    let media = format!("/media/videos/processed/{id}");
    let master = format!("{media}/master.m3u8");
    let before = server.get(&master);
    let path = format!("/api/videos/{id}/captions/DE.vtt");
    let said = "?label=Deutsch%20%22neu%22&default=true";
    let set = put(&server, &ann, &format!("{path}{said}"), SRT);
    assert_eq!(set.status, 200, "{}", set.text());
    let told = set.json()["captions"].clone();
    let url = told[0]["url"].as_str().unwrap().to_owned();
    assert_eq!(
        told,
        json!([{"language": "de", "kind": "subtitles", "label": "Deutsch \"neu\"", "default": true,
                "forced": false, "url": url}])
    );
    let deaf = put(
        &server,
        &ann,
        &format!("{path}?kind=captions"),
        VTT.as_bytes(),
    );
    assert_eq!(deaf.status, 200, "{}", deaf.text());

    // Whole, by both addresses.
    let whole = server.get(&url);
    assert_eq!((whole.status, whole.text().as_str()), (200, VTT));
    assert_eq!(
        whole.header("content-type"),
        Some("text/vtt; charset=utf-8")
    );
    assert_eq!(whole.header("cache-control"), Some(FOR_EVER));
    assert_eq!(whole.header("access-control-allow-origin"), Some("*"));
    let by_language = server.get(&path);
    assert_eq!(
        (by_language.status, by_language.text().as_str()),
        (200, VTT)
    );
    assert_eq!(by_language.header("cache-control"), Some("no-cache"));
    let etag = by_language.header("etag").unwrap().to_owned();
    let again = server.send("GET", &path, &[("If-None-Match", &etag)], b"");
    assert_eq!(again.status, 304);

    // As a rendition, with the segments of the video.
    let with = server.get(&master);
    assert_ne!(with.header("etag"), before.header("etag"));
    assert_eq!(with.header("cache-control"), Some("no-cache"));
    let etag = with.header("etag").unwrap().to_owned();
    assert_eq!(
        server
            .send("GET", &master, &[("If-None-Match", &etag)], b"")
            .status,
        304
    );
    let with = with.text();
    assert_eq!(addresses(&with), addresses(&before.text()));
    assert_eq!(with.matches(",SUBTITLES=\"captions\"").count(), 2);
    assert!(with.contains(
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"captions\",NAME=\"Deutsch 'neu'\",LANGUAGE=\"de\",\
         DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI=\"captions/de/playlist.m3u8\"\n"
    ), "{with}");
    assert!(
        with.contains("URI=\"captions/de.sdh/playlist.m3u8\""),
        "{with}"
    );
    let list = server.get(&format!("{media}/captions/de/playlist.m3u8"));
    assert_eq!(
        list.header("content-type"),
        Some("application/vnd.apple.mpegurl")
    );
    let list = list.text();
    let durations = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with('#'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let video = server.get(&format!("{media}/1080p/playlist.m3u8")).text();
    assert_eq!(durations(&list), durations(&video));
    let head = format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{MPEG_START},LOCAL:00:00:00.000\n");
    let first = "\n00:00:01.000 --> 00:00:03.000\nSchöne Grüße\n";
    let last = "\n00:00:06.500 --> 00:01:00.000\nEnde &amp; aus\n";
    let files = addresses(&list);
    assert_eq!(files.len(), 3);
    for (file, cues) in files.iter().zip([first, first, last]) {
        assert!(file.contains(&server.revision(id)), "{file}");
        let path = format!("{media}/captions/de/{file}");
        // The second time it comes from memory.
        for _ in 0..2 {
            let segment = server.get(&path);
            assert_eq!(segment.text(), format!("{head}{cues}"));
            assert_eq!(
                segment.header("content-type"),
                Some("text/vtt; charset=utf-8")
            );
            assert_eq!(segment.header("cache-control"), Some(FOR_EVER));
        }
    }
    let old = format!("{media}/captions/de/{}", files[0]);
    for odd in [
        old.replace("_00000", "_00003"),
        old.replace("/de/", "/en/"),
        old.replace("/de/", "/de.sdh/"),
        old.replace(&server.revision(id), "2-0123456789abcdef01234567"),
        format!("{media}/captions/en/playlist.m3u8"),
        format!("{media}/{}/captions/de/playlist.m3u8", server.revision(id)),
        format!("{media}/captions/de/{}/playlist.m3u8", server.revision(id)),
    ] {
        server.get(&odd).is_not_found();
    }

    // Others of the language take their place, and what is cached is not what is played.
    let newer = put(&server, &ann, &path, b"0:00:00.000,0:00:01.000\nnew\n");
    assert_eq!(newer.status, 200, "{}", newer.text());
    server.get(&url).is_not_found();
    server.get(&old).is_not_found();
    let list = server
        .get(&format!("{media}/captions/de/playlist.m3u8"))
        .text();
    let segment = server.get(&format!("{media}/captions/de/{}", addresses(&list)[0]));
    assert_eq!(
        segment.text(),
        format!("{head}\n00:00:00.000 --> 00:00:01.000\nnew\n")
    );
    wait_until("the old file is gone", || {
        server.stored("videos/captions").len() == 2
    });

    // And without any, all is as it was, to the byte.
    for kind in ["subtitles", "captions"] {
        let path = format!("{path}?kind={kind}");
        let gone = server.call("DELETE", &path, &ann, &Value::Null);
        assert_eq!(gone.status, 200, "{}", gone.text());
        assert_eq!(server.call("DELETE", &path, &ann, &Value::Null).status, 404);
    }
    let after = server.get(&master);
    assert_eq!(after.body, before.body);
    assert_eq!(after.header("etag"), before.header("etag"));
    wait_until("all files are gone", || {
        server.stored("videos/captions").is_empty()
    });
}

#[test]
fn captions_may_come_before_there_is_anything_to_play() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let path = format!("/api/videos/{id}/captions/de.vtt");
    assert_eq!(put(&server, &ann, &path, SRT).status, 200);
    let list = format!("/media/videos/processed/{id}/captions/de/playlist.m3u8");
    server.get(&list).is_not_found();
    server.make_playable(id);
    listed(&server, id);
    // Until it is ready another attempt may take over: nothing is kept.
    let text = server.get(&list).text();
    let file = format!(
        "/media/videos/processed/{id}/captions/de/{}",
        addresses(&text)[0]
    );
    let segment = server.get(&file);
    assert_eq!(segment.status, 200, "{}", segment.text());
    assert_eq!(segment.header("cache-control"), Some("no-cache"));
    server.make_ready_now(id);
    assert_eq!(server.get(&file).header("cache-control"), Some(FOR_EVER));
    let deleted = server.call("DELETE", &format!("/api/videos/{id}/"), &ann, &Value::Null);
    assert_eq!(deleted.status, 204);
    wait_until("they go with the video", || {
        server.stored("videos/captions").is_empty()
    });
}

#[test]
fn captions_are_for_those_who_may_see_the_video() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let id = ready(&server, "private");
    let path = format!("/api/videos/{id}/captions/de.vtt");
    for (token, status) in [("", 401), (bob.as_str(), 404), (ann.as_str(), 200)] {
        let answer = put(&server, token, &path, SRT);
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let video = server.call("GET", &format!("/api/videos/{id}/"), &ann, &Value::Null);
    let url = video.json()["captions"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let list = format!("/media/videos/processed/{id}/captions/de/playlist.m3u8");
    let text = server.call("GET", &list, &ann, &Value::Null).text();
    let segment = list.replace("playlist.m3u8", addresses(&text)[0]);
    for path in [&path, &url, &list, &segment] {
        assert_eq!(server.get(path).status, 404, "{path}");
        assert_eq!(
            server.call("GET", path, &bob, &Value::Null).status,
            404,
            "{path}"
        );
        let own = server.call("GET", path, &ann, &Value::Null);
        assert_eq!(own.status, 200, "{path}");
        let cache = own.header("cache-control").unwrap();
        assert!(cache.starts_with("private"), "{path}: {cache}");
    }
    // By a link everything opens that the playlist names.
    let link = server.call(
        "POST",
        &format!("/api/videos/{id}/playback/"),
        &ann,
        &Value::Null,
    );
    let master = link.json()["hls_playlist"].as_str().unwrap().to_owned();
    let folder = master.strip_suffix("master.m3u8").unwrap();
    assert!(
        server
            .get(&master)
            .text()
            .contains("captions/de/playlist.m3u8")
    );
    let list = server.get(&format!("{folder}captions/de/playlist.m3u8"));
    assert_eq!(list.status, 200);
    let segment = format!("{folder}captions/de/{}", addresses(&list.text())[0]);
    assert_eq!(server.get(&segment).status, 200);

    // Those of a public video can be read by everybody and changed by its owner.
    let id = ready(&server, "public");
    let path = format!("/api/videos/{id}/captions/de.vtt");
    assert_eq!(put(&server, &ann, &path, SRT).status, 200);
    assert_eq!(server.get(&path).status, 200);
    assert_eq!(put(&server, &bob, &path, SRT).status, 403);
    assert_eq!(server.call("DELETE", &path, &bob, &Value::Null).status, 403);

    // Those of an unlisted one by its key.
    let id = ready(&server, "unlisted");
    let number = format!("/api/videos/{id}/captions/de.vtt");
    let set = put(&server, &ann, &number, SRT);
    assert_eq!(set.status, 200);
    let url = set.json()["captions"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(url.starts_with("/media/v/"), "{url}");
    assert_eq!(server.get(&url).status, 200);
    assert_eq!(server.get(&number).status, 404);
    let key = set.json()["url"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let keyed = format!("/api/videos/{key}/captions/de.vtt");
    assert_eq!(server.get(&keyed).status, 200);
    assert_eq!(put(&server, &ann, &keyed, SRT).status, 404);
}

#[test]
fn files_that_cannot_be_taken_are_told_with_their_line() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let path = format!("/api/videos/{id}/captions/de.vtt");
    for (body, code, line) in [
        (
            &b"WEBVTT\n\n00:01.000 --> 00:00.000\nHi\n"[..],
            "captions_backwards",
            json!(3),
        ),
        (
            b"1\n00:00:01,000 -> 00:00:02,000\n",
            "captions_format",
            json!(1),
        ),
        (
            b"<tt xmlns='http://www.w3.org/ns/ttml'/>",
            "captions_format",
            Value::Null,
        ),
        (b"", "captions_empty", Value::Null),
        (b"\xff\xfe1", "captions_encoding", json!(1)),
    ] {
        let refused = put(&server, &ann, &path, body);
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert_eq!(refused.header("clipsy-error-code"), Some(code));
        assert_eq!(refused.json()["line"], line, "{}", refused.text());
    }
    for (asked, field) in [
        ("/captions/x_y.vtt", "language"),
        ("/captions/de.vtt?kind=chapters", "kind"),
        ("/captions/de.vtt?default=maybe", "default"),
    ] {
        let refused = put(&server, &ann, &format!("/api/videos/{id}{asked}"), SRT);
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.json()[field].is_array(), "{}", refused.text());
    }
    let long = format!("/api/videos/{id}/captions/de.vtt?label={}", "x".repeat(101));
    assert!(put(&server, &ann, &long, SRT).json()["label"].is_array());
    assert_eq!(
        put(&server, &ann, &path.replace(".vtt", ".srt"), SRT).status,
        404
    );
    let large = vec![b'x'; (2 << 20) + 1];
    assert_eq!(put(&server, &ann, &path, &large).status, 413);
    assert!(server.stored("videos/captions").is_empty());
}

#[test]
fn captions_count_for_the_account() {
    let server = Server::start_with(|settings| {
        settings.service.allowance.bytes = Some(100);
    });
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let path = format!("/api/videos/{id}/captions/de.vtt");
    let small = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n";
    let taken = put(&server, &ann, &path, small);
    assert_eq!(taken.status, 200, "{}", taken.text());
    let refused = put(&server, &ann, &path.replace("de.", "en."), small);
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(refused.header("clipsy-error-code"), Some("quota_exceeded"));
}
