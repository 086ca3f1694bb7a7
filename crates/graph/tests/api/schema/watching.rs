//! What can be watched.

use clipsy_dispatch::Message;
use clipsy_domain::failure::FailureCode;
use clipsy_domain::notes::Notes;
use clipsy_domain::progress::WarningCode;
use clipsy_domain::tracks::{LeftAside, LeftReason, Track, TrackKind, Tracks};
use serde_json::{Value, json};

use super::gql::{Watch, data};
use super::worker;
use crate::support::Server;

const PROGRESS: &str = "subscription($id: ID!) { videoProgress(id: $id) {
    seq state playable percent etaSeconds queuePosition stage attempt
    renditions { id name state percent fps speed etaSeconds bytes encoder attempt error }
    failure { code detail } video { id title state canEdit owner { username }
        progress { percent } renditions { percent } } } }";

fn watch(server: &Server, token: &str, id: i64) -> Watch {
    Watch::start(server, token, PROGRESS, &json!({"id": id.to_string()}))
}

#[test]
fn a_video_is_watched_from_the_queue_to_its_end() {
    let server = Server::start();
    let ann = server.token("ann");
    let first = server.video(&ann, "public");
    let id = server.video(&ann, "public");
    let mut seen = watch(&server, &ann, id);
    let mut other = watch(&server, "", id);
    let now = seen.next().unwrap();
    assert_eq!(
        (&now["state"], &now["stage"]),
        (&json!("QUEUED"), &json!("queued"))
    );
    assert_eq!(
        (&now["queuePosition"], &now["attempt"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(now["video"]["canEdit"], true);
    assert_eq!(other.next().unwrap()["video"]["canEdit"], false);

    worker::claim(&server, first);
    let next = seen.until("it is next", |now| now["queuePosition"] == 1);
    assert!(next["seq"].as_i64() > now["seq"].as_i64());
    let job = worker::claim(&server, id);
    let now = seen.until("it is processed", |now| now["state"] == "PROCESSING");
    assert_eq!(
        (&now["stage"], &now["renditions"]),
        (&json!("probing"), &json!([]))
    );
    worker::plan(&server, &job);
    let now = seen.until("it is planned", |now| now["stage"] == "transcoding");
    assert_eq!(now["renditions"][0]["state"], "WAITING");

    worker::progress(&server, &job, 1, 42.0);
    let now = seen.until("it is on its way", |now| now["percent"] == 42.0);
    assert_eq!(
        (&now["etaSeconds"], &now["attempt"]),
        (&json!(7.5), &json!(1))
    );
    let rendition = &now["renditions"][0];
    for (name, expected) in [
        ("name", json!("720p")),
        ("state", json!("RUNNING")),
        ("percent", json!(42.0)),
        ("fps", json!(50.0)),
        ("speed", json!(2.0)),
        ("bytes", json!(12_345)),
        ("encoder", json!("software")),
        ("attempt", json!(1)),
        ("error", Value::Null),
    ] {
        assert_eq!(rendition[name], expected, "{name}");
    }
    // The whole video says the same.
    assert_eq!(now["video"]["progress"]["percent"], 42.0);
    assert_eq!(now["video"]["renditions"][1]["percent"], 42.0);

    // It is not complete before it is, whatever is told.
    worker::progress(&server, &job, 1, 100.0);
    let now = seen.until("it is almost there", |now| {
        now["percent"].as_f64() > Some(42.0)
    });
    assert!(now["percent"].as_f64().unwrap() < 100.0, "{now}");
    assert_eq!(now["stage"], "publishing");
    worker::finish(&server, &job);
    let now = seen.until("it is ready", |now| now["state"] == "READY");
    assert_eq!(
        (&now["percent"], &now["playable"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(
        (
            &now["renditions"][0]["state"],
            &now["renditions"][0]["percent"]
        ),
        (&json!("DONE"), &json!(100.0))
    );
    let now = other.until("it is ready", |now| now["state"] == "READY");
    assert_eq!(now["video"]["owner"]["username"], "ann");

    // Whoever comes now starts with how it is.
    assert_eq!(watch(&server, "", id).next().unwrap()["state"], "READY");
}

#[test]
fn what_is_noted_about_the_source_is_told_to_its_owner() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let id = server.video(&ann, "public");
    let fields = "tracks { video { kind index codec language } audio { index }
        leftAside { kind index codec language reason } } warnings { code message }";
    let query = format!(
        "subscription($id: ID!) {{ videoProgress(id: $id) {{ state video {{ {fields} }} }} }}"
    );
    let variables = json!({"id": id.to_string()});
    let mut seen = Watch::start(&server, &ann, &query, &variables);
    let nothing = json!({"tracks": null, "warnings": []});
    assert_eq!(seen.next().unwrap()["video"], nothing);

    let job = worker::claim(&server, id);
    let track = |kind, index| Track {
        kind,
        index,
        codec: "A codec".into(),
        language: (index > 0).then(|| "deu".into()),
    };
    let mut notes = Notes::default();
    notes.planned(&Tracks {
        video: Some(track(TrackKind::Video, 0)),
        audio: Some(track(TrackKind::Audio, 1)),
        left: vec![LeftAside {
            track: track(TrackKind::Audio, 0),
            reason: LeftReason::NotDefault,
        }],
    });
    worker::note(&server, &job, &notes);
    let tracks = json!({
        "video": {"kind": "VIDEO", "index": 0, "codec": "A codec", "language": null},
        "audio": {"index": 1},
        "leftAside": [{"kind": "AUDIO", "index": 0, "codec": "A codec", "language": null,
            "reason": "NOT_DEFAULT"}],
    });
    let now = seen.until("the tracks are told", |now| {
        !now["video"]["tracks"].is_null()
    });
    assert_eq!(now["video"], json!({"tracks": tracks, "warnings": []}));
    notes.warned(WarningCode::DamagedInput, "a hole at 3 s");
    worker::note(&server, &job, &notes);
    let all = json!({"tracks": tracks,
        "warnings": [{"code": "DAMAGED_INPUT", "message": "a hole at 3 s"}]});
    seen.until("the warning is told", |now| now["video"] == all);

    let query = format!("query($id: ID!) {{ video(id: $id) {{ {fields} }} }}");
    for (token, expected) in [
        (ann, &all),
        (server.token("root"), &all),
        (bob, &nothing),
        (String::new(), &nothing),
    ] {
        assert_eq!(
            &data(&server, &token, &query, &variables)["video"],
            expected
        );
    }
}

#[test]
fn whoever_comes_in_mid_job_sees_where_it_is() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let job = worker::claim(&server, id);
    worker::plan(&server, &job);
    worker::progress(&server, &job, 1, 33.0);
    drop(watch(&server, &ann, id));
    let mut again = watch(&server, &ann, id);
    let now = again.until("the progress is there", |now| now["percent"] == 33.0);
    assert_eq!(now["renditions"][0]["speed"], 2.0);
}

#[test]
fn many_changes_become_few_and_the_last_one_comes() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let job = worker::claim(&server, id);
    worker::plan(&server, &job);
    let mut seen = watch(&server, &ann, id);
    let start = std::time::Instant::now();
    let mut seq = seen.next().unwrap()["seq"].as_i64().unwrap();
    for step in 1..=400 {
        worker::progress(&server, &job, 1, f64::from(step) / 8.0);
        if step % 40 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(60));
        }
    }
    let mut updates = 0;
    loop {
        let now = seen.next().unwrap();
        updates += 1;
        assert!(now["seq"].as_i64().unwrap() > seq, "{now}");
        seq = now["seq"].as_i64().unwrap();
        if now["percent"] == 50.0 {
            break;
        }
    }
    // Four a second, however long it took, and one that was waiting.
    let most = start.elapsed().as_millis() / 250 + 2;
    assert!(updates <= most, "{updates} updates of at most {most}");
}

#[test]
fn a_retry_goes_on_in_the_same_subscription() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let job = worker::claim(&server, id);
    worker::plan(&server, &job);
    let mut seen = watch(&server, &ann, id);
    let mut other = watch(&server, "", id);
    worker::progress(&server, &job, 1, 60.0);
    let now = seen.until("the first attempt is on its way", |now| {
        now["percent"] == 60.0
    });
    let rendition = now["renditions"][0]["id"].clone();
    worker::fail(&server, &job, FailureCode::Crashed);
    let failed = seen.until("it waits again", |now| now["state"] == "QUEUED");
    assert!(failed["seq"].as_i64() > now["seq"].as_i64());
    assert_eq!(
        failed["renditions"][0]["error"],
        "signal 9 below /srv/clipsy"
    );
    let told = other.until("it waits again", |now| now["state"] == "QUEUED");
    assert_eq!(
        told["renditions"][0]["error"],
        "Processing this video crashed."
    );

    let second = worker::claim(&server, id);
    assert_eq!(second.attempt, 2);
    worker::plan(&server, &second);
    // What the first one still says counts for nothing.
    worker::progress(&server, &second, 2, 5.0);
    worker::progress(&server, &second, 1, 77.0);
    let now = seen.until("the second attempt is on its way", |now| {
        assert_ne!(now["percent"], 77.0);
        now["attempt"] == 2 && now["percent"] == 5.0
    });
    assert!(now["seq"].as_i64() > failed["seq"].as_i64());
    assert_eq!(now["renditions"][0]["id"], rendition);
    worker::progress(&server, &second, 2, 6.0);
    seen.until("it goes on", |now| {
        assert_ne!(now["percent"], 77.0);
        now["percent"] == 6.0
    });
    worker::fail(&server, &second, FailureCode::CorruptInput);
    let now = seen.until("it has failed", |now| now["state"] == "FAILED");
    assert_eq!(now["failure"]["code"], "corrupt_input");
    assert_eq!(now["renditions"][0]["state"], "FAILED");
    assert_eq!(now["renditions"][0]["error"], "signal 9 below /srv/clipsy");
    let told = other.until("it has failed", |now| now["state"] == "FAILED");
    assert_eq!(told["failure"]["detail"], Value::Null);
}

#[test]
fn what_got_lost_is_read_again() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let job = worker::claim(&server, id);
    let mut seen = watch(&server, &ann, id);
    seen.next().unwrap();
    worker::finish(&server, &job);
    // More than the bus keeps for those who are behind.
    server.run(async {
        for number in 0..5_000 {
            let message = Message::JobChanged {
                asset_id: 1_000_000 + number,
                job_id: number,
            };
            worker::tell(&server, message).await;
        }
    });
    seen.until("it is ready", |now| now["state"] == "READY");
}

#[test]
fn what_is_private_or_gone_is_watched_no_longer() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let id = server.video(&ann, "public");
    let mut own = watch(&server, &ann, id);
    let mut others = [watch(&server, &bob, id), watch(&server, "", id)];
    own.next().unwrap();
    for other in &mut others {
        other.next().unwrap();
    }
    let hide =
        "mutation($input: UpdateVideoInput!) { updateVideo(input: $input) { video { id } } }";
    let input = json!({"input": {"id": id.to_string(), "visibility": "PRIVATE", "title": "Mine"}});
    data(&server, &ann, hide, &input);
    for other in &mut others {
        assert_eq!(other.next(), None);
    }
    assert_eq!(watch(&server, &bob, id).error(), "NOT_FOUND");
    own.until("it is renamed", |now| now["video"]["title"] == "Mine");
    let delete = "mutation($input: VideoIdInput!) { deleteVideo(input: $input) { deletedId } }";
    data(
        &server,
        &ann,
        delete,
        &json!({"input": {"id": id.to_string()}}),
    );
    while own.next().is_some() {}
    assert_eq!(watch(&server, &ann, id).error(), "NOT_FOUND");
    assert_eq!(watch(&server, &ann, 99).error(), "NOT_FOUND");
}

#[test]
fn ones_own_videos_are_watched() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let query = "subscription { myVideos { kind videoId video { id number state title } } }";
    assert_eq!(
        Watch::start(&server, "", query, &json!({})).error(),
        "UNAUTHENTICATED"
    );
    let old = server.video(&ann, "private");
    let mut mine = Watch::start(&server, &ann, query, &json!({}));
    // The answer has begun once something came; until then changes may come before the watching.
    crate::support::wait_until("it is watched", || {
        let job = server
            .run(server.app.db.job_of_asset(old))
            .unwrap()
            .unwrap();
        server.run(worker::tell(&server, worker::changed(&job)));
        mine.0.get_ref().set_nonblocking(true).unwrap();
        let mut byte = [0; 2_000];
        let came = mine.0.get_ref().peek(&mut byte);
        mine.0.get_ref().set_nonblocking(false).unwrap();
        came.is_ok_and(|n| String::from_utf8_lossy(&byte[..n]).contains("event: next"))
    });
    let change = mine.next().unwrap();
    assert_eq!(
        (&change["kind"], &change["video"]["number"]),
        (&json!("UPDATED"), &json!(old))
    );

    server.video(&bob, "public");
    let new = server.video(&ann, "public");
    let change = mine.next().unwrap();
    assert_eq!(
        (&change["kind"], &change["video"]["number"]),
        (&json!("CREATED"), &json!(new))
    );
    assert_eq!(change["videoId"], change["video"]["id"]);
    let job = worker::claim(&server, new);
    let change = mine.next().unwrap();
    assert_eq!(
        (&change["kind"], &change["video"]["state"]),
        (&json!("UPDATED"), &json!("PROCESSING"))
    );
    // How far it is, is no news here.
    worker::progress(&server, &job, 1, 10.0);
    server.run(worker::tell(&server, worker::changed(&job)));
    worker::finish(&server, &job);
    let change = mine.next().unwrap();
    assert_eq!(
        (&change["kind"], &change["video"]["state"]),
        (&json!("UPDATED"), &json!("READY"))
    );
    let delete = "mutation($input: VideoIdInput!) { deleteVideo(input: $input) { deletedId } }";
    for id in [new, old] {
        let input = json!({"input": {"id": id.to_string()}});
        let gone = data(&server, &ann, delete, &input)["deleteVideo"]["deletedId"].clone();
        let change = mine.next().unwrap();
        assert_eq!(
            change,
            json!({"kind": "DELETED", "videoId": gone, "video": null})
        );
    }
}
