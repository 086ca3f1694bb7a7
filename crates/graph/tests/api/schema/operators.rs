//! What operators look at.

use clipsy_dispatch::Message;
use clipsy_domain::clock::from_millis;
use clipsy_domain::failure::FailureCode;
use clipsy_domain::worker::{CardFound, EncoderFound, WorkerSign};
use serde_json::{Value, json};

use super::gql::{Watch, code, data, refusals};
use super::worker;
use crate::support::{Form, START_MS, Server};

fn sign(busy: i64) -> WorkerSign {
    let encoder = |id: &str, works: bool| EncoderFound {
        id: id.into(),
        label: id.to_uppercase(),
        kind: id.into(),
        element: format!("{id}h264enc"),
        works,
        reason: "seen".into(),
        advice: (!works).then(|| "install the driver".into()),
        preferred: works,
    };
    let card = CardFound {
        id: "GPU-1".into(),
        label: "NVIDIA L4".into(),
        kind: "nvidia".into(),
        jobs: 2,
        sessions: 3,
        session_limit: Some(8),
        encoder_load: Some(62),
        decoder_load: Some(0),
        load: Some(100),
        memory_used: Some(3 << 30),
        memory: Some(24 << 30),
    };
    // Of this one its driver tells nothing.
    let silent = CardFound {
        id: "renderD128".into(),
        label: "Arc A380".into(),
        kind: "va".into(),
        jobs: 0,
        sessions: 0,
        session_limit: None,
        encoder_load: None,
        decoder_load: None,
        load: None,
        memory_used: None,
        memory: None,
    };
    WorkerSign {
        id: "test".into(),
        host: "machine".into(),
        version: "1.2.3".into(),
        started_at: from_millis(START_MS),
        seen_at: from_millis(START_MS),
        slots: 3,
        busy,
        encoders: vec![encoder("nvenc", false), encoder("software", true)],
        cards: vec![card, silent],
        draining: false,
    }
}

fn give(server: &Server, sign: &WorkerSign) {
    server.run(async {
        server.app.db.note_worker(sign).await.unwrap();
        let worker = sign.id.clone();
        worker::tell(server, Message::WorkerChanged { worker }).await;
    });
}

#[test]
fn only_admins_look() {
    let server = Server::start();
    let ann = server.token("ann");
    for field in [
        "queue { queued }",
        "workers { id }",
        "failures { totalCount }",
        "throughput { finished }",
        "storageUsage { videos }",
        "users { totalCount }",
        "audit { id }",
        "settings { name }",
        "storageUsage { thumbnailsBytes freeable { garbage } }",
    ] {
        let query = format!("{{ {field} }}");
        assert_eq!(
            code(&server, "", &query, &json!({})),
            "UNAUTHENTICATED",
            "{field}"
        );
        assert_eq!(
            code(&server, &ann, &query, &json!({})),
            "FORBIDDEN",
            "{field}"
        );
        data(&server, &server.token("root"), &query, &json!({}));
    }
    for field in ["pauseQueue", "resumeQueue"] {
        let query =
            format!("mutation {{ {field} {{ queue {{ paused }} userErrors {{ code }} }} }}");
        assert_eq!(
            refusals(&server, &ann, &query, &json!({})),
            ["permission_denied"]
        );
        assert_eq!(code(&server, "", &query, &json!({})), "UNAUTHENTICATED");
    }
    assert_eq!(
        code(&server, "", "{ encoders { id } }", &json!({})),
        "UNAUTHENTICATED"
    );
    data(&server, &ann, "{ encoders { id } }", &json!({}));
}

#[test]
fn queue_workers_and_encoders_are_told() {
    let server = Server::start();
    let (ann, root) = (server.token("ann"), server.token("root"));
    let first = server.video(&ann, "private");
    server.video(&ann, "public");
    worker::claim(&server, first);
    give(&server, &sign(1));
    let query = "{ queue { paused queued running failed concurrency oldestQueuedAt
            jobs(first: 5) { state worker video { number title } } }
        workers { host slots busy encoders draining version lastSeenAt
            jobs { state video { number } }
            cards { name label kind jobs sessions sessionLimit encoderLoad decoderLoad load
                memoryUsedBytes memoryBytes } }
        encoders { name label kind works reason advice preferred element host } }";
    let found = data(&server, &root, query, &json!({}));
    let queue = &found["queue"];
    assert_eq!(
        (&queue["queued"], &queue["running"], &queue["failed"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(
        (&queue["concurrency"], &queue["paused"]),
        (&json!(3), &json!(false))
    );
    assert_eq!(queue["oldestQueuedAt"], "2024-01-15T10:30:00.000Z");
    assert_eq!(queue["jobs"][0]["worker"], "test");
    assert_eq!(queue["jobs"][0]["video"]["number"], first);
    assert_eq!(queue["jobs"][1]["state"], "QUEUED");
    let workers = found["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 1);
    assert_eq!(workers[0]["encoders"], json!(["software"]));
    assert_eq!(workers[0]["jobs"][0]["video"]["number"], first);
    assert_eq!(
        workers[0]["cards"],
        json!([
            {"name": "GPU-1", "label": "NVIDIA L4", "kind": "nvidia", "jobs": 2, "sessions": 3,
                "sessionLimit": 8, "encoderLoad": 62, "decoderLoad": 0, "load": 100,
                "memoryUsedBytes": 3_221_225_472_i64, "memoryBytes": 25_769_803_776_i64},
            {"name": "renderD128", "label": "Arc A380", "kind": "va", "jobs": 0, "sessions": 0,
                "sessionLimit": null, "encoderLoad": null, "decoderLoad": null, "load": null,
                "memoryUsedBytes": null, "memoryBytes": null},
        ])
    );
    assert_eq!(found["encoders"][0]["works"], false);
    assert_eq!(found["encoders"][0]["advice"], "install the driver");
    assert_eq!(
        found["encoders"][1],
        json!({"name": "software", "label": "SOFTWARE", "kind": "software", "works": true,
            "reason": "seen", "advice": null, "preferred": true, "element": "softwareh264enc",
            "host": "machine"})
    );
    // Who has gone silent is gone.
    server.clock.advance(chrono::TimeDelta::seconds(31));
    let found = data(&server, &root, query, &json!({}));
    assert_eq!(
        (&found["workers"], &found["encoders"]),
        (&json!([]), &json!([]))
    );
}

#[test]
fn a_card_is_the_same_for_all_workers_of_a_machine() {
    let server = Server::start();
    let root = server.token("root");
    let second = WorkerSign {
        id: "second".into(),
        ..sign(0)
    };
    let elsewhere = WorkerSign {
        id: "elsewhere".into(),
        host: "another".into(),
        ..sign(0)
    };
    for worker in [&sign(0), &second, &elsewhere] {
        give(&server, worker);
    }
    let query = "{ workers { host cards { id } } }";
    let found = data(&server, &root, query, &json!({}));
    let ids = |worker: usize| {
        let cards = found["workers"][worker]["cards"].as_array().unwrap();
        assert_eq!(cards.len(), 2);
        assert_ne!(cards[0]["id"], cards[1]["id"]);
        cards.clone()
    };
    assert_eq!(found["workers"][0]["host"], "another");
    assert_eq!(ids(1), ids(2));
    assert_ne!(ids(0), ids(1));
}

#[test]
fn the_queue_is_paused_for_good() {
    let server = Server::start();
    let root = server.token("root");
    let run = |verb: &str| {
        let query = format!("mutation {{ {verb} {{ queue {{ paused }} userErrors {{ code }} }} }}");
        data(&server, &root, &query, &json!({}))[verb]["queue"]["paused"].clone()
    };
    let mut watch = Watch::start(
        &server,
        &root,
        "subscription { queueChanged { paused } }",
        &json!({}),
    );
    assert_eq!(watch.next().unwrap()["paused"], false);
    assert_eq!(run("pauseQueue"), true);
    watch.until("it is paused", |queue| queue["paused"] == true);
    assert!(server.run(server.app.db.queue_paused()).unwrap());
    assert!(server.run(server.app.dispatch.queue.paused()).unwrap());
    assert_eq!(run("pauseQueue"), true);
    assert_eq!(run("resumeQueue"), false);
    watch.until("it goes on", |queue| queue["paused"] == false);
    assert!(!server.run(server.app.dispatch.queue.paused()).unwrap());
}

#[test]
fn failures_throughput_and_storage_are_added_up() {
    let server = Server::start();
    let (ann, root) = (server.token("ann"), server.token("root"));
    let ids: Vec<i64> = (0..3).map(|_| server.video(&ann, "private")).collect();
    for id in &ids[..2] {
        server.clock.advance(chrono::TimeDelta::seconds(1));
        let job = worker::claim(&server, *id);
        worker::fail(&server, &job, FailureCode::CorruptInput);
    }
    let job = worker::claim(&server, ids[2]);
    server.clock.advance(chrono::TimeDelta::seconds(5));
    worker::finish(&server, &job);
    let query = "{ failures(first: 1) { totalCount nodes { number failure { code } }
            pageInfo { hasNextPage } }
        throughput(minutes: 3) { at finished failed mediaSeconds encodeSeconds }
        storageUsage { originalsBytes renditionsBytes uploadsBytes freeBytes videos
            largest(first: 1) { number owner { storageBytes } } } }";
    let found = data(&server, &root, query, &json!({}));
    let failures = &found["failures"];
    assert_eq!(failures["totalCount"], 2);
    assert_eq!(failures["nodes"][0]["number"], ids[1]);
    assert_eq!(failures["pageInfo"]["hasNextPage"], true);
    let samples = found["throughput"].as_array().unwrap();
    assert_eq!(samples.len(), 3);
    assert_eq!(
        samples[2],
        json!({"at": "2024-01-15T10:30:00.000Z", "finished": 1, "failed": 2,
            "mediaSeconds": 100.0, "encodeSeconds": 5.0})
    );
    assert_eq!(samples[0]["finished"], 0);
    let usage = &found["storageUsage"];
    assert_eq!(
        (&usage["videos"], &usage["originalsBytes"]),
        (&json!(3), &json!(111))
    );
    assert_eq!(
        (&usage["renditionsBytes"], &usage["uploadsBytes"]),
        (&json!(2_000), &json!(0))
    );
    assert!(usage["freeBytes"].as_i64().unwrap() > 0);
    assert_eq!(usage["largest"][0]["number"], ids[2]);
    assert_eq!(usage["largest"][0]["owner"]["storageBytes"], 2_111);
    for odd in [
        "throughput(minutes: 0) { at }",
        "throughput(minutes: 1441) { at }",
        "storageUsage { largest(first: 101) { id } }",
        "queue { jobs(first: -1) { id } }",
    ] {
        let query = format!("{{ {odd} }}");
        assert_eq!(
            code(&server, &root, &query, &json!({})),
            "BAD_USER_INPUT",
            "{odd}"
        );
    }
}

#[test]
fn workers_are_watched() {
    let server = Server::start();
    let root = server.token("root");
    let query = "subscription { workerChanged { host busy cards { sessions } jobs { id } } }";
    assert_eq!(
        Watch::start(&server, "", query, &json!({})).error(),
        "UNAUTHENTICATED"
    );
    assert_eq!(
        Watch::start(&server, &server.token("ann"), query, &json!({})).error(),
        "FORBIDDEN"
    );
    give(&server, &sign(0));
    let other = WorkerSign {
        id: "other".into(),
        host: "another".into(),
        ..sign(0)
    };
    give(&server, &other);
    let mut watch = Watch::start(&server, &root, query, &json!({}));
    let hosts: Vec<Value> = (0..2)
        .map(|_| watch.next().unwrap()["host"].clone())
        .collect();
    assert_eq!(hosts, ["another", "machine"]);
    give(&server, &sign(2));
    let changed = watch.until("one is busy", |worker| worker["busy"] == 2);
    assert_eq!(changed["host"], "machine");
    assert_eq!(changed["cards"][0]["sessions"], 3);
    let mut busier = sign(2);
    busier.cards[0].sessions = 8;
    give(&server, &busier);
    watch.until("its card is busier", |worker| {
        worker["cards"][0]["sessions"] == 8
    });
}

#[test]
fn the_server_introduces_itself() {
    let server = Server::start();
    let query = "{ serverInfo { version name maxUploadBytes tusUrl anonymousBrowsing
        defaultPasswordActive demo } }";
    let told = data(&server, "", query, &json!({}))["serverInfo"].clone();
    assert_eq!(told["name"], "Clipsy");
    assert_eq!(told["tusUrl"], "/api/uploads/");
    assert_eq!(told["maxUploadBytes"], 50_i64 << 30);
    // In a demonstration that is no secret.
    let secrets = |told: &Value| (told["demo"] == true, told["defaultPasswordActive"] == true);
    assert_eq!(secrets(&told), (true, true));
    let server = Server::start_with(|settings| settings.service.demo = false);
    let told = data(&server, "", query, &json!({}))["serverInfo"].clone();
    assert_eq!(secrets(&told), (false, false));
    let root = server.token("root");
    let told = data(&server, &root, query, &json!({}))["serverInfo"].clone();
    assert_eq!(secrets(&told), (false, true));
}

#[test]
fn admins_set_priorities() {
    let server = Server::start();
    let (ann, root) = (server.token("ann"), server.token("root"));
    let (first, second) = (server.video(&ann, "private"), server.video(&ann, "private"));
    let query = "mutation($input: SetPriorityInput!) { setPriority(input: $input) {
        video { progress { queuePosition } jobs { priority } } userErrors { code field } } }";
    let input =
        |id: i64, priority: i64| json!({"input": {"id": id.to_string(), "priority": priority}});
    let set = data(&server, &root, query, &input(second, 5))["setPriority"].clone();
    assert_eq!(set["video"]["jobs"][0]["priority"], 5);
    assert_eq!(set["video"]["progress"]["queuePosition"], 1);
    let set = data(&server, &root, query, &input(second, -5))["setPriority"].clone();
    assert_eq!(set["video"]["progress"]["queuePosition"], 2);
    assert_eq!(
        refusals(&server, &ann, query, &input(first, 5)["input"]),
        ["permission_denied"]
    );
    assert_eq!(
        code(&server, "", query, &input(first, 5)),
        "UNAUTHENTICATED"
    );
    for (id, priority, expected) in [
        (first, 101, "invalid"),
        (first, -101, "invalid"),
        (4711, 1, "not_found"),
    ] {
        let refused = refusals(&server, &root, query, &input(id, priority)["input"]);
        assert_eq!(refused, [expected], "{id} {priority}");
    }
    server.make_ready(first);
    let refused = refusals(&server, &root, query, &input(first, 1)["input"]);
    assert_eq!(refused, ["not_waiting"]);
}

#[test]
fn admins_set_what_accounts_may_take() {
    let server = Server::start_with(|s| s.service.allowance.bytes = Some(1000));
    let (ann, root) = (server.token("ann"), server.token("root"));
    let limits = "{ viewer { id quotaBytes limits {
        bytes { limit taken own } minutesADay { limit taken own }
        uploads { limit taken own } waiting { limit taken own } } } }";
    let before = data(&server, &ann, limits, &json!({}))["viewer"].clone();
    let usual = |limit: Value| json!({"limit": limit, "taken": 0, "own": false});
    assert_eq!(before["limits"]["bytes"], usual(json!(1000)));
    assert_eq!(before["limits"]["uploads"], usual(json!(100)));
    assert_eq!(before["limits"]["waiting"], usual(Value::Null));

    let query = "mutation($input: SetUserLimitsInput!) { setUserLimits(input: $input) {
        user { limits { bytes { limit own } minutesADay { limit } } } userErrors { code field } } }";
    let input = json!({"id": before["id"], "bytes": 40, "minutesADay": 30});
    let set = data(&server, &root, query, &json!({"input": input}))["setUserLimits"].clone();
    assert_eq!(set["userErrors"], json!([]));
    assert_eq!(
        set["user"]["limits"]["bytes"],
        json!({"limit": 40, "own": true})
    );
    assert_eq!(set["user"]["limits"]["minutesADay"]["limit"], 30);
    server.video(&ann, "private");
    let after = data(&server, &ann, limits, &json!({}))["viewer"].clone();
    assert_eq!(after["quotaBytes"], 40);
    assert_eq!(after["limits"]["bytes"]["taken"], 37);
    assert_eq!(after["limits"]["waiting"]["taken"], 1);
    let form = Form::new().text("title", "x").file("x.mp4", &[0; 10]);
    assert_eq!(
        server.upload(&ann, &form).header("clipsy-error-code"),
        Some("quota_exceeded")
    );

    // Null is what the server has for everybody.
    let input = json!({"id": before["id"], "bytes": null});
    data(&server, &root, query, &json!({"input": input}));
    assert_eq!(server.upload(&ann, &form).status, 201);
    let own = json!({"id": before["id"], "bytes": 1});
    assert_eq!(refusals(&server, &ann, query, &own), ["permission_denied"]);
    let negative = json!({"id": before["id"], "waiting": -1});
    assert_eq!(refusals(&server, &root, query, &negative), ["invalid"]);
    // Nobody sees the limits of others.
    let of_root = "{ videos(first: 1) { nodes { owner { limits { bytes { limit } } } } } }";
    server.video(&root, "public");
    let seen = data(&server, &ann, of_root, &json!({}));
    assert_eq!(seen["videos"]["nodes"][0]["owner"]["limits"], Value::Null);
}

#[test]
fn what_people_do_can_be_looked_up() {
    let server = Server::start();
    let (root, ann) = (server.token("root"), server.token("ann"));
    let id = server.video(&ann, "private");
    let delete =
        "mutation($input: VideoIdInput!) { deleteVideo(input: $input) { userErrors { code } } }";
    let pause = "mutation { pauseQueue { userErrors { code } } }";
    assert_eq!(
        refusals(&server, &ann, delete, &json!({ "id": id.to_string() })),
        [""; 0]
    );
    data(&server, &root, pause, &json!({}));
    // What was so before is nothing new.
    data(&server, &root, pause, &json!({}));
    let query =
        "query($before: ID) { audit(first: 5, before: $before) { id actor action target } }";
    let log = data(&server, &root, query, &json!({}))["audit"].clone();
    let told: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["actor"].as_str().unwrap(),
                one["action"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("root", "pause_queue"), ("ann", "delete_video")]);
    assert_ne!(log[1]["target"], "");
    let rest = data(&server, &root, query, &json!({ "before": log[0]["id"] }))["audit"].clone();
    assert_eq!(rest, json!([log[1]]));
    assert_eq!(
        code(&server, &root, query, &json!({ "before": "x" })),
        "BAD_USER_INPUT"
    );
}
