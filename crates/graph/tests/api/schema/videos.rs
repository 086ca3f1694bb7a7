//! Videos: who sees what of them, and what can be done with them.

use serde_json::{Value, json};

use super::gql::{Watch, ask, code, data, refusals};
use super::worker;
use crate::support::Server;
use clipsy_domain::failure::FailureCode;

const VIDEO: &str = "query($id: ID!) { video(id: $id) {
    id number title description visibility state playable duration width height fps views attempts
    createdAt updatedAt thumbnailUrl embedUrl canEdit canCancel canRetry
    owner { id username email }
    source { filename contentType bytes sha256 downloadUrl }
    playback { hlsUrl thumbnailUrl storyboardUrl expiresAt }
    failure { code message advice stage retryable detail log }
    renditions { id name width height state percent bytes bitrateKbps codecs encoder attempt error }
    progress { percent queuePosition stage }
    jobs { id state attempt failures video { number } }
} }";

fn video(server: &Server, token: &str, id: i64) -> Value {
    let id = id.to_string();
    data(server, token, VIDEO, &json!({"id": id}))["video"].clone()
}

#[test]
fn a_ready_video_shows_everything() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    server.make_ready(id);
    let seen = video(&server, "", id);
    for (name, expected) in [
        ("number", json!(id)),
        ("title", json!("A video")),
        ("state", json!("READY")),
        ("playable", json!(true)),
        ("duration", json!(120.5)),
        ("width", json!(1920)),
        ("fps", json!(30.0)),
        ("attempts", json!(1)),
        ("progress", Value::Null),
        ("failure", Value::Null),
        ("canEdit", json!(false)),
        ("canRetry", json!(false)),
        ("embedUrl", json!(format!("/embed/{id}"))),
        ("jobs", json!([])),
    ] {
        assert_eq!(seen[name], expected, "{name}");
    }
    assert_eq!(seen["owner"]["username"], "ann");
    assert_eq!(seen["owner"]["email"], Value::Null);
    assert_eq!(seen["source"]["filename"], Value::Null);
    assert_eq!(seen["source"]["bytes"], 37);
    let master = format!("/media/videos/processed/{id}/master.m3u8");
    assert_eq!(seen["playback"]["hlsUrl"], master);
    assert_eq!(seen["playback"]["expiresAt"], Value::Null);
    let rendition = &seen["renditions"][0];
    assert_eq!(rendition["name"], "1080p");
    assert_eq!(
        (&rendition["state"], &rendition["percent"]),
        (&json!("DONE"), &json!(100.0))
    );
    assert_eq!(rendition["bytes"], 15_728_640);
    assert_eq!(rendition["error"], Value::Null);

    let own = video(&server, &ann, id);
    assert_eq!(own["source"]["filename"], "film.mp4");
    assert_eq!(own["owner"]["email"], "ann@example.com");
    assert_eq!(own["canEdit"], true);
    assert_eq!(own["jobs"][0]["state"], "DONE");
    assert_eq!(own["jobs"][0]["video"]["number"], id);
    let download = own["source"]["downloadUrl"].as_str().unwrap();
    assert_eq!(server.get(download).status, 200);

    // The global id says the same as the number.
    let query = "query($id: ID!) { node(id: $id) { __typename id } }";
    let node =
        |token: &str, id: &Value| data(&server, token, query, &json!({"id": id}))["node"].clone();
    assert_eq!(node("", &seen["id"])["__typename"], "Video");
    let by_id = data(&server, "", VIDEO, &json!({"id": seen["id"]}));
    assert_eq!(by_id["video"], seen);
    assert_eq!(node(&ann, &own["jobs"][0]["id"])["__typename"], "Job");
    assert_eq!(node("", &own["jobs"][0]["id"]), Value::Null);
    assert_eq!(
        node(&server.token("bob"), &own["jobs"][0]["id"]),
        Value::Null
    );
    assert_eq!(node("", &own["owner"]["id"])["__typename"], "User");
    for nothing in ["x", "Vmlk", "VmlkZW86OTk"] {
        assert_eq!(node(&ann, &json!(nothing)), Value::Null);
    }
}

#[test]
fn private_videos_are_not_there_for_others_and_signed_for_their_own() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let id = server.video(&ann, "private");
    server.make_ready(id);
    assert_eq!(video(&server, "", id), Value::Null);
    assert_eq!(video(&server, &bob, id), Value::Null);
    let own = video(&server, &ann, id);
    let path = own["playback"]["hlsUrl"].as_str().unwrap();
    assert!(path.starts_with("/media/s/"), "{path}");
    assert!(own["playback"]["expiresAt"].is_string());
    assert_eq!(server.get(path).status, 200);
    assert_eq!(
        server.get(own["thumbnailUrl"].as_str().unwrap()).status,
        200
    );
    // The same again within the quarter, so that browsers keep what they have.
    assert_eq!(
        video(&server, &ann, id)["thumbnailUrl"],
        own["thumbnailUrl"]
    );
    assert_eq!(
        server
            .get(&format!("/media/videos/processed/{id}/master.m3u8"))
            .status,
        404
    );
    // Who has an account here is told only where a video of theirs can be found.
    let query = "query($id: ID!) { node(id: $id) { id } }";
    let variables = json!({"id": own["owner"]["id"]});
    assert_eq!(data(&server, &bob, query, &variables)["node"], Value::Null);
    assert_ne!(data(&server, &ann, query, &variables)["node"], Value::Null);
    // Unlisted ones are seen by whoever has the link, and not listed.
    let unlisted = server.video(&ann, "unlisted");
    server.make_ready(unlisted);
    let query = "query($id: ID!) { video(id: $id) { id url embedUrl visibility canEdit
        playback { hlsUrl } } }";
    let ask = |token: &str, id: &str| data(&server, token, query, &json!({"id": id}));
    let own = ask(&ann, &unlisted.to_string())["video"].clone();
    let key = own["url"]
        .as_str()
        .unwrap()
        .strip_prefix("/watch/")
        .unwrap();
    assert_eq!(own["embedUrl"], format!("/embed/{key}"));
    for (token, manages) in [("", false), (bob.as_str(), false), (ann.as_str(), true)] {
        let by_key = ask(token, key)["video"].clone();
        let told = (&by_key["id"], &by_key["url"], &by_key["canEdit"]);
        assert_eq!(told, (&own["id"], &own["url"], &json!(manages)));
        let master = by_key["playback"]["hlsUrl"].as_str().unwrap();
        assert_eq!(server.get(master).status, 200);
    }
    let node = "query($id: ID!) { node(id: $id) { id } }";
    let watch = "subscription($id: ID!) { videoProgress(id: $id) { state } }";
    let link =
        "mutation($id: ID!) { createPlaybackLink(input: {id: $id}) { url userErrors { code } } }";
    let global = own["id"].as_str().unwrap();
    for token in ["", &bob] {
        for id in [unlisted.to_string(), global.to_owned()] {
            assert_eq!(ask(token, &id)["video"], Value::Null);
            let variables = json!({"id": id});
            let refused = data(&server, token, link, &variables)["createPlaybackLink"].clone();
            assert_eq!(refused["userErrors"][0]["code"], "not_found");
            let mut closed = Watch::start(&server, token, watch, &variables);
            let told = closed.result();
            assert!(told.is_none_or(|told| told["data"].is_null()), "by number");
        }
        assert_eq!(
            data(&server, token, node, &json!({"id": global}))["node"],
            Value::Null
        );
        let variables = json!({"id": key});
        let mut open = Watch::start(&server, token, watch, &variables);
        assert_eq!(open.next().unwrap()["state"], "READY");
        let made = data(&server, token, link, &variables)["createPlaybackLink"].clone();
        assert_eq!(server.get(made["url"].as_str().unwrap()).status, 200);
    }
    let listed = data(&server, &bob, "{ videos { totalCount } }", &json!({}));
    assert_eq!(listed["videos"]["totalCount"], 0);
}

const UPDATE: &str = "mutation($input: UpdateVideoInput!) { updateVideo(input: $input) {
    video { title description visibility } userErrors { code message field } } }";

#[test]
fn videos_are_changed_by_their_own_only() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let id = server.video(&ann, "public").to_string();
    let change = |token: &str, input: Value| {
        data(&server, token, UPDATE, &json!({"input": input}))["updateVideo"].clone()
    };
    let changed = change(
        &ann,
        json!({"id": id, "title": " New ", "visibility": "UNLISTED", "description": null}),
    );
    assert_eq!(
        changed,
        json!({"video": {"title": "New", "description": "", "visibility": "UNLISTED"},
            "userErrors": []})
    );
    let refused = change(&ann, json!({"id": id, "title": "  "}));
    assert_eq!(
        refused,
        json!({"video": null, "userErrors": [{"code": "invalid",
            "message": "This field may not be blank.", "field": ["input", "title"]}]})
    );
    assert_eq!(
        refusals(&server, &bob, UPDATE, &json!({"id": id})),
        // It is unlisted now.
        ["not_found"]
    );
    assert_eq!(
        refusals(&server, &ann, UPDATE, &json!({"id": "99"})),
        ["not_found"]
    );
    assert_eq!(
        refusals(&server, &ann, UPDATE, &json!({"id": "nonsense"})),
        ["not_found"]
    );
    let input = json!({"input": {"id": id, "title": "x"}});
    assert_eq!(code(&server, "", UPDATE, &input), "UNAUTHENTICATED");
    assert_eq!(
        change(&server.token("root"), json!({"id": id, "title": "By root"}))["video"]["title"],
        "By root"
    );
    change(&ann, json!({"id": id, "visibility": "PRIVATE"}));
    // To others it is not there any more.
    assert_eq!(
        refusals(&server, &bob, UPDATE, &json!({"id": id})),
        ["not_found"]
    );
    // What an argument cannot be is told before anything is done.
    let odd = json!({"input": {"id": id, "visibility": "SECRET"}});
    let answer = ask(&server, &ann, UPDATE, &odd).json();
    assert!(
        answer["errors"][0]["extensions"]["code"].is_string(),
        "{answer}"
    );
}

#[test]
fn jobs_are_stopped_and_started_again() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let id = server.video(&ann, "public");
    let input = json!({"id": id.to_string()});
    let both = |token: &str, verb: &str| {
        let query = format!(
            "mutation($input: VideoIdInput!) {{ {verb}(input: $input) {{
            video {{ state canCancel canRetry attempts jobs {{ state }} }}
            userErrors {{ code field }} }} }}"
        );
        data(&server, token, &query, &json!({"input": input}))[verb].clone()
    };
    let errors = |payload: Value| payload["userErrors"][0]["code"].clone();
    assert_eq!(errors(both(&bob, "cancelVideo")), "permission_denied");
    assert_eq!(errors(both(&ann, "retryVideo")), "not_retryable");
    let cancelled = both(&ann, "cancelVideo")["video"].clone();
    assert_eq!(cancelled["state"], "CANCELLED");
    assert_eq!(
        (&cancelled["canRetry"], &cancelled["attempts"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(errors(both(&ann, "cancelVideo")), "not_cancellable");
    let again = both(&ann, "retryVideo")["video"].clone();
    assert_eq!(again["state"], "QUEUED");
    assert_eq!(
        again["jobs"],
        json!([{"state": "QUEUED"}, {"state": "CANCELLED"}])
    );

    // A failure is explained to everybody, in detail to the owner only.
    let job = worker::claim(&server, id);
    worker::plan(&server, &job);
    worker::fail(&server, &job, FailureCode::CorruptInput);
    let own = video(&server, &ann, id);
    assert_eq!(own["state"], "FAILED");
    assert_eq!(own["failure"]["code"], "corrupt_input");
    assert_eq!(own["failure"]["stage"], "transcode");
    assert_eq!(own["failure"]["retryable"], false);
    assert_eq!(own["failure"]["detail"], "signal 9 below /srv/clipsy");
    assert_eq!(own["failure"]["log"], json!(["last words"]));
    let other = video(&server, "", id);
    assert_eq!(other["failure"]["message"], own["failure"]["message"]);
    assert_eq!(
        (&other["failure"]["detail"], &other["failure"]["log"]),
        (&Value::Null, &Value::Null)
    );

    let delete = "mutation($input: VideoIdInput!) { deleteVideo(input: $input) {
        deletedId userErrors { code } } }";
    assert_eq!(
        refusals(&server, &bob, delete, &input),
        ["permission_denied"]
    );
    let deleted = data(&server, &ann, delete, &json!({"input": input}));
    assert_eq!(deleted["deleteVideo"]["deletedId"], own["id"]);
    assert_eq!(video(&server, &ann, id), Value::Null);
    assert_eq!(refusals(&server, &ann, delete, &input), ["not_found"]);
}

#[test]
fn links_play_for_a_while() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "private");
    let link = "mutation($input: VideoIdInput!) { createPlaybackLink(input: $input) {
        url expiresAt userErrors { code } } }";
    let input = json!({"id": id.to_string()});
    assert_eq!(refusals(&server, &ann, link, &input), ["not_playable"]);
    server.make_ready(id);
    let made = data(&server, &ann, link, &json!({"input": input}));
    let made = &made["createPlaybackLink"];
    assert_eq!(server.get(made["url"].as_str().unwrap()).status, 200);
    assert!(made["expiresAt"].is_string());
    assert_eq!(
        refusals(&server, &server.token("bob"), link, &input),
        ["not_found"]
    );
    assert_eq!(refusals(&server, "", link, &input), ["not_found"]);
}

#[test]
fn progress_is_told_from_rows_and_from_what_was_heard() {
    let server = Server::start();
    let ann = server.token("ann");
    let first = server.video(&ann, "public");
    let id = server.video(&ann, "public");
    let queued = video(&server, "", id)["progress"].clone();
    assert_eq!(
        queued,
        json!({"percent": 0.0, "queuePosition": 2, "stage": "queued"})
    );
    worker::claim(&server, first);
    assert_eq!(video(&server, "", id)["progress"]["queuePosition"], 1);
    let job = worker::claim(&server, id);
    assert_eq!(video(&server, "", id)["progress"]["stage"], "probing");
    worker::plan(&server, &job);
    let planned = video(&server, "", id);
    assert_eq!(planned["progress"]["stage"], "transcoding");
    assert_eq!(planned["renditions"][0]["state"], "WAITING");
    assert_eq!(planned["renditions"][0]["attempt"], 1);
    worker::progress(&server, &job, 1, 42.0);
    crate::support::wait_until("the progress is heard of", || {
        video(&server, "", id)["progress"]["percent"] == 42.0
    });
    let running = video(&server, "", id)["renditions"][1].clone();
    assert_eq!(
        (&running["state"], &running["encoder"]),
        (&json!("RUNNING"), &json!("software"))
    );
    assert_eq!(running["bytes"], 12_345);
    worker::finish(&server, &job);
    let ready = video(&server, "", id);
    assert_eq!(
        (&ready["state"], &ready["progress"]),
        (&json!("READY"), &Value::Null)
    );
}
