//! Choosing the picture that stands for a video.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use clipsy_domain::media_key::{chosen_thumbnail, output_prefix};
use clipsy_domain::photo::PhotoError;
use clipsy_domain::playlist::{PlaylistState, Segment, media_playlist};
use clipsy_service::StillError;
use serde_json::{Value, json};

use super::gql::{Watch, code, data, refusals};
use crate::support::{Server, wait_until};

const CHOOSE: &str = "mutation($input: ChooseThumbnailInput!) { chooseThumbnail(input: $input) {
    video { thumbnailUrl thumbnailChosen playback { thumbnailUrl } } userErrors { code } } }";
const RESET: &str = "mutation($input: VideoIdInput!) { resetThumbnail(input: $input) {
    video { thumbnailUrl thumbnailChosen } userErrors { code } } }";
const FOR_EVER: &str = "public, max-age=31536000, s-maxage=60, immutable";

/// Replaces the playlist of the highest rendition: segments of 10 s, the last one of 500 ms.
fn listed(server: &Server, id: i64, segments: u64, state: PlaylistState) {
    let starts = (0..segments).map(|n| n * 10_000_000);
    let segments: Vec<Segment> = starts
        .map(|start_us| Segment {
            start_us,
            end_us: start_us
                + if start_us == 120_000_000 {
                    500_000
                } else {
                    10_000_000
                },
            bytes: 1,
        })
        .collect();
    let text = media_playlist(&segments, 10, state);
    let key = format!("{}1080p/playlist.m3u8", output_prefix(id, 1));
    let put = server.app.media.put(&key, Bytes::from(text));
    server.run(put).unwrap();
}

/// A video of 120.5 s of ann's that is ready.
fn ready(server: &Server, visibility: &str) -> i64 {
    let id = server.video(&server.token("ann"), visibility);
    server.make_ready(id);
    listed(server, id, 13, PlaylistState::Complete);
    id
}

fn input(id: i64, at_s: f64) -> Value {
    json!({"id": id.to_string(), "atSeconds": at_s})
}

/// Chooses, which works, and gives the address of the picture.
fn choose(server: &Server, token: &str, id: i64, at_s: f64) -> String {
    let data = data(server, token, CHOOSE, &json!({"input": input(id, at_s)}));
    let payload = &data["chooseThumbnail"];
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    assert_eq!(payload["video"]["thumbnailChosen"], true);
    payload["video"]["thumbnailUrl"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_picture_of_a_moment_stands_for_the_video() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = ready(&server, "public");
    let before = format!("/media/videos/thumbnails/{id}_{}.jpg", server.revision(id));
    let rest = || {
        let video = server.call("GET", &format!("/api/videos/{id}/"), "", &Value::Null);
        video.json()["thumbnail"].as_str().unwrap().to_owned()
    };
    assert_eq!(rest(), before);
    let mut addresses = vec![before.clone()];
    for (at_s, segment, offset_us) in [
        (0.0, 0, 0),
        (9.999_999, 0, 9_999_999),
        (10.0, 1, 0),
        (65.25, 6, 5_250_000),
        (120.5, 12, 500_000),
        // A little behind the end is the end.
        (121.4, 12, 500_000),
    ] {
        let url = choose(&server, &ann, id, at_s);
        assert!(!addresses.contains(&url), "{url} was another picture's");
        let picture = server.get(&url);
        let key = format!("{}1080p/segment_{segment:05}.ts", output_prefix(id, 1));
        assert_eq!(picture.text(), format!("{key} at {offset_us}"));
        assert_eq!(picture.header("content-type"), Some("image/jpeg"));
        assert_eq!(picture.header("cache-control"), Some(FOR_EVER));
        assert_eq!(rest(), url);
        let page = server.get(&format!("/watch/{id}")).text();
        assert!(page.contains(&url), "the page's head has another picture");
        addresses.push(url);
    }
    // Only the last one is kept.
    wait_until("the others are gone", || {
        server.stored("videos/thumbnails").len() == 1
    });
    // Whoever knows an older address sees the new picture, and asks again.
    let stale = server.get(&addresses[1]);
    assert_eq!(stale.text(), server.get(&addresses[6]).text());
    assert_eq!(stale.header("cache-control"), Some("no-cache"));
    let bare = server.get(&format!("/media/videos/thumbnails/{id}.jpg"));
    assert_eq!(bare.text(), stale.text());
    assert_eq!(bare.header("cache-control"), Some("no-cache"));
    // The one that was made with the video is still there.
    let made = server.get(&before);
    assert_eq!(made.body, b"\xff\xd8 a picture");
    assert_eq!(made.header("cache-control"), Some(FOR_EVER));

    let reset = json!({"input": {"id": id.to_string()}});
    let reset = data(&server, &ann, RESET, &reset)["resetThumbnail"].clone();
    assert_eq!(
        reset,
        json!({"video": {"thumbnailUrl": before, "thumbnailChosen": false}, "userErrors": []})
    );
    wait_until("all are gone", || {
        server.stored("videos/thumbnails").is_empty()
    });
    assert_eq!(server.get(&addresses[6]).body, made.body);
}

#[test]
fn only_who_may_change_a_video_chooses() {
    let server = Server::start();
    let id = ready(&server, "public");
    let private = ready(&server, "private");
    for (token, id, expected) in [
        (server.token("bob"), id, "permission_denied"),
        (server.token("bob"), private, "not_found"),
        (server.token("ann"), 99, "not_found"),
    ] {
        let input = input(id, 1.0);
        assert_eq!(refusals(&server, &token, CHOOSE, &input), [expected]);
        let input = json!({"id": id.to_string()});
        assert_eq!(refusals(&server, &token, RESET, &input), [expected]);
    }
    let variables = json!({"input": input(id, 1.0)});
    assert_eq!(code(&server, "", CHOOSE, &variables), "UNAUTHENTICATED");
    assert!(server.stored("videos/thumbnails").is_empty());
    choose(&server, &server.token("root"), id, 1.0);

    // Of a private video the picture is private, under each of its addresses.
    let ann = server.token("ann");
    let url = choose(&server, &ann, private, 1.0);
    assert!(url.starts_with("/media/s/"), "{url}");
    let own = server.get(&url);
    assert_eq!(own.status, 200);
    let cache = own.header("cache-control").unwrap();
    assert_eq!(cache, "private, max-age=31536000, immutable");
    let (_, plain) = url.split_once("/videos/").unwrap();
    let plain = format!("/media/videos/{plain}");
    assert_eq!(server.get(&plain).status, 404);
    let bob = server.token("bob");
    assert_eq!(server.call("GET", &plain, &bob, &Value::Null).status, 404);
    assert_eq!(server.call("GET", &plain, &ann, &Value::Null).status, 200);
}

#[test]
fn what_cannot_be_chosen_is_told() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let refused = |at_s: f64| refusals(&server, &ann, CHOOSE, &input(id, at_s));
    assert_eq!(refused(1.0), ["not_playable"]);
    server.make_playable(id);
    // Two segments are there yet; the length is known.
    listed(&server, id, 2, PlaylistState::Growing);
    assert_eq!(refused(20.0), ["not_playable"]);
    assert_eq!(refused(130.0), ["out_of_range"]);
    assert_eq!(refused(-1.0), ["out_of_range"]);
    assert_eq!(refused(1e300), ["out_of_range"]);
    let url = choose(&server, &ann, id, 19.5);
    assert!(
        server
            .get(&url)
            .text()
            .ends_with("1080p/segment_00001.ts at 9500000")
    );

    for (trouble, expected) in [
        (StillError::Busy, "busy"),
        (StillError::Missing, "not_playable"),
        (StillError::OutOfDisk, "out_of_disk"),
        (StillError::Failed("why".into()), "picture_failed"),
    ] {
        *server.stills.trouble.lock().unwrap() = Some(trouble);
        assert_eq!(refused(1.0), [expected]);
    }
    // What was chosen before stands.
    assert_eq!(server.get(&url).header("cache-control"), Some(FOR_EVER));
    assert_eq!(server.stored("videos/thumbnails").len(), 1);

    // A playlist that is none of ours is our fault.
    *server.stills.trouble.lock().unwrap() = None;
    let key = format!("{}1080p/playlist.m3u8", output_prefix(id, 1));
    let put = server
        .app
        .media
        .put(&key, Bytes::from_static(b"#EXTM3U\n#EXTINF:x,\n"));
    server.run(put).unwrap();
    let variables = json!({"input": input(id, 1.0)});
    assert_eq!(
        code(&server, &ann, CHOOSE, &variables),
        "INTERNAL_SERVER_ERROR"
    );
}

#[test]
fn a_choice_stays_until_the_video_goes() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    server.make_playable(id);
    listed(&server, id, 2, PlaylistState::Growing);
    let url = choose(&server, &ann, id, 3.0);
    let steer = |verb: &str| {
        let path = format!("/api/videos/{id}/{verb}/");
        assert_eq!(server.call("POST", &path, &ann, &Value::Null).status, 200);
    };
    steer("cancel");
    assert_eq!(server.get(&url).header("cache-control"), Some(FOR_EVER));
    steer("retry");
    server.make_ready(id);
    let path = format!("/api/videos/{id}/");
    let video = server.call("GET", &path, "", &Value::Null).json();
    assert_eq!(video["thumbnail"], url.as_str());
    assert_eq!(server.get(&url).status, 200);

    assert_eq!(server.call("DELETE", &path, &ann, &Value::Null).status, 204);
    assert_eq!(server.get(&url).status, 404);
    wait_until("all files are gone", || server.stored("videos").is_empty());
}

#[test]
fn of_many_choices_at_once_one_picture_is_left() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = ready(&server, "public");
    std::thread::scope(|scope| {
        // As many as one account may have under way.
        for n in 0..4 {
            let (server, ann) = (&server, &ann);
            scope.spawn(move || choose(server, ann, id, f64::from(n)));
        }
    });
    let read = server.run(server.app.db.asset(id)).unwrap().unwrap();
    let key = chosen_thumbnail(id, &read.chosen_thumbnail.unwrap());
    wait_until("the others are gone", || {
        server.stored("videos/thumbnails") == [key.clone()]
    });
}

#[test]
fn a_picture_whose_video_goes_meanwhile_goes_too() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = ready(&server, "public");
    std::thread::scope(|scope| {
        let (server, ann) = (&server, &ann);
        scope.spawn(move || {
            // Either it was faster, or there is nothing any more.
            let codes = refusals(server, ann, CHOOSE, &input(id, 1.0));
            assert!(codes.is_empty() || codes == ["not_found"] || codes == ["not_playable"]);
        });
        let path = format!("/api/videos/{id}/");
        assert_eq!(server.call("DELETE", &path, ann, &Value::Null).status, 204);
    });
    wait_until("all files are gone", || server.stored("videos").is_empty());
}

#[test]
fn watchers_hear_of_a_choice() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = ready(&server, "public");
    let query = "subscription { myVideos { kind video { thumbnailUrl } } }";
    let mut mine = Watch::start(&server, &ann, query, &json!({}));
    let query = "subscription($id: ID!) { videoProgress(id: $id) { video { thumbnailUrl } } }";
    let mut one = Watch::start(&server, "", query, &json!({"id": id.to_string()}));
    one.next().unwrap();
    for at_s in [1.0, 2.0] {
        let url = choose(&server, &ann, id, at_s);
        let now = mine.until("the picture is told", |change| {
            change["video"]["thumbnailUrl"] == url.as_str()
        });
        assert_eq!(now["kind"], "UPDATED");
        one.until("the picture is shown", |now| {
            now["video"]["thumbnailUrl"] == url.as_str()
        });
    }
}

#[test]
fn one_account_does_not_take_all_places_for_thumbnails() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let id = ready(&server, "public");
    let other = server.video(&bob, "public");
    server.make_ready(other);
    listed(&server, other, 13, PlaylistState::Complete);
    let stills = &server.stills;
    stills.held.store(true, Ordering::SeqCst);
    let at_work = |count| {
        wait_until("the pictures are being made", || {
            stills.busy.load(Ordering::SeqCst) == count
        });
    };
    std::thread::scope(|scope| {
        let choose = |number: u8| choose(&server, &ann, id, f64::from(number));
        let asked: Vec<_> = (0..4).map(|n| scope.spawn(move || choose(n))).collect();
        at_work(4);
        for second in 4..8 {
            let wanted = input(id, f64::from(second));
            assert_eq!(refusals(&server, &ann, CHOOSE, &wanted), ["busy"]);
        }
        let his = scope.spawn(|| self::choose(&server, &bob, other, 1.0));
        at_work(5);
        stills.held.store(false, Ordering::SeqCst);
        for choice in asked.into_iter().chain([his]) {
            choice.join().unwrap();
        }
    });
    choose(&server, &ann, id, 9.0);
}

#[test]
fn a_picture_of_ones_own_stands_for_the_video() {
    let server = Server::start();
    let ann = server.token("ann");
    // Also before there is anything to see.
    let id = server.video(&ann, "public");
    let query =
        "query($id: ID!) { video(id: $id) { thumbnailUploadUrl thumbnailUrl thumbnailChosen } }";
    let now =
        |token: &str| data(&server, token, query, &json!({"id": id.to_string()}))["video"].clone();
    let path = format!("/api/videos/{id}/thumbnail/");
    assert_eq!(now(&ann)["thumbnailUploadUrl"], path.as_str());
    assert_eq!(now("")["thumbnailUploadUrl"], Value::Null);
    let put = |token: &str, picture: &[u8]| {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "image/png"),
        ];
        server.send("PUT", &path, &headers, picture)
    };
    let png = b"\x89PNG\r\n\x1a\n and the rest";
    let made = put(&ann, png);
    assert_eq!(made.status, 200, "{}", made.text());
    let url = made.json()["thumbnail"].as_str().unwrap().to_owned();
    assert_eq!(now(&ann)["thumbnailUrl"], url.as_str());
    assert_eq!(now(&ann)["thumbnailChosen"], true);
    let picture = server.get(&url);
    assert_eq!(picture.body, [b"poster of ".as_slice(), png].concat());
    assert_eq!(picture.header("content-type"), Some("image/jpeg"));
    // It stays when the video is made, and can be replaced.
    server.make_ready(id);
    assert_eq!(now("")["thumbnailUrl"], url.as_str());
    assert_eq!(put(&ann, b"\xff\xd8\xff another").status, 200);
    wait_until("only the last one is kept", || {
        server.stored("videos/thumbnails").len() == 1
    });
    assert_ne!(now("")["thumbnailUrl"], url.as_str());

    for (picture, code) in [
        (b"GIF89a".as_slice(), "picture_type"),
        (b"", "picture_type"),
        (b"<svg onload=alert(1)>", "picture_type"),
    ] {
        let refused = put(&ann, picture);
        assert_eq!(refused.status, 400);
        assert_eq!(refused.header("clipsy-error-code"), Some(code));
    }
    for (trouble, status, code) in [
        (StillError::Busy, 503, "busy"),
        (StillError::Refused(PhotoError::Size), 400, "picture_size"),
        (
            StillError::Refused(PhotoError::Damaged),
            400,
            "picture_damaged",
        ),
    ] {
        *server.stills.trouble.lock().unwrap() = Some(trouble);
        let refused = put(&ann, png);
        assert_eq!(
            (refused.status, refused.header("clipsy-error-code")),
            (status, Some(code))
        );
    }
    *server.stills.trouble.lock().unwrap() = None;
    let too_many = vec![0x89; (10 << 20) + 1];
    assert_eq!(put(&ann, &too_many).status, 413);
    assert_eq!(put(&server.token("bob"), png).status, 403);
    assert_eq!(server.send("PUT", &path, &[], png).status, 401);
    assert_eq!(server.stored("videos/thumbnails").len(), 1);

    let reset = server.call("DELETE", &path, &ann, &Value::Null);
    assert_eq!(reset.status, 200, "{}", reset.text());
    assert_eq!(now("")["thumbnailChosen"], false);
    wait_until("all are gone", || {
        server.stored("videos/thumbnails").is_empty()
    });
}
