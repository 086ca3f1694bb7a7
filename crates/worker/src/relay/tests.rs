use clipsy_dispatch::{Received, Subscription};
use clipsy_domain::media_key;
use clipsy_domain::notes::Warning;
use clipsy_domain::progress::WarningCode;
use clipsy_domain::tracks::LeftReason;
use tokio::sync::mpsc;

use super::*;
use crate::testing::{Setup, setup};

const PLANNED: &str = r#"{"event":"planned","renditions":[{"name":"360p","width":640,
    "height":360,"max_kbps":700},{"name":"../x","width":2,"height":2,"max_kbps":1}],
    "frame_rate":"25","segment_s":2,"duration_s":6.0,"hdr_source":null,"deinterlaced":false,
    "orientation":{"degrees":0,"mirrored":false},"audio_track":null}"#;

fn relay(setup: &Setup) -> Relay<'_> {
    let publisher = Publisher::new(
        setup.worker.media.clone(),
        setup.folder.path().join("out"),
        media_key::output_prefix(setup.job.asset_id, setup.job.attempt),
        CancellationToken::new(),
    );
    Relay::new(
        &setup.worker,
        &setup.job,
        publisher,
        CancellationToken::new(),
        watch::Notes::default(),
        false,
    )
}

fn progress(seq: u64) -> String {
    let event = Event::Progress {
        seq,
        percent: Some(1.0),
        renditions: vec![RenditionProgress {
            rung: "360p".into(),
            percent: Some(1.0),
            frames: seq,
            fps: 25.0,
            speed: 1.0,
            eta_s: None,
            bytes: 1,
            encoder: "software".into(),
        }],
    };
    serde_json::to_string(&event).unwrap()
}

/// Lets a relay hear these lines, after which the child has ended.
async fn hear(relay: &mut Relay<'_>, said: Vec<String>) -> Told {
    let (sender, lines) = mpsc::channel(8);
    let say = tokio::spawn(async move {
        for line in said {
            if sender.send(line).await.is_err() {
                return;
            }
        }
    });
    let told = relay.follow(lines).await;
    say.abort();
    told
}

/// The events of a job that were told so far.
async fn told(events: &mut Subscription) -> Vec<Event> {
    let mut told = Vec::new();
    let soon = Duration::from_millis(10);
    while let Ok(Some(Received::Message(message))) = tokio::time::timeout(soon, events.next()).await
    {
        if let Message::Progress { event, .. } = message.as_ref() {
            told.push(event.clone());
        }
    }
    told
}

#[tokio::test]
async fn progress_is_told_now_and_then_but_the_last_always() {
    let setup = setup().await;
    let mut events = setup.worker.dispatch.events.subscribe();
    let started = Instant::now();
    let said = (1..=500).map(progress).collect();
    let end = hear(&mut relay(&setup), said).await;
    assert!(matches!(end, Told::Nothing), "{end:?}");
    let most = started.elapsed().as_millis() / TELL.as_millis() + 2;
    let told = told(&mut events).await;
    assert!(
        told.len() as u128 <= most,
        "{} of 500 were told",
        told.len()
    );
    assert!(
        matches!(told.last(), Some(Event::Progress { seq: 500, .. })),
        "{told:?}"
    );
}

#[tokio::test]
async fn the_plan_is_written_down_without_what_the_ladder_does_not_have() {
    let setup = setup().await;
    let said = vec!["not json".into(), PLANNED.replace('\n', " ")];
    hear(&mut relay(&setup), said).await;
    let db = &setup.worker.db;
    let renditions = db.renditions(&[setup.job.asset_id]).await.unwrap();
    let rungs: Vec<&str> = renditions.iter().map(|r| r.rung.as_str()).collect();
    assert_eq!(rungs, ["360p"]);
    let asset = db.asset(setup.job.asset_id).await.unwrap().unwrap();
    assert_eq!((asset.duration_s, asset.fps), (Some(6.0), Some(25.0)));
}

#[tokio::test]
async fn what_the_child_noted_is_written_down_once() {
    let setup = setup().await;
    let mut events = setup.worker.dispatch.events.subscribe();
    let warning = |code: &str, message: &str| {
        format!(r#"{{"event":"warning","code":"{code}","message":"{message}"}}"#)
    };
    let tracks = r#""tracks":{"video":null,"audio":{"kind":"audio","index":1,"codec":"AAC",
        "language":"deu"},"left":[{"kind":"audio","index":0,"codec":"AAC","language":null,
        "reason":"not_default"}]},"audio_track":1}"#;
    let planned = PLANNED.replace(r#""audio_track":null}"#, tracks);
    let said = vec![
        warning("edit_rate", "before the plan"),
        planned.replace('\n', " "),
        warning("damaged_input", "a hole"),
        warning("damaged_input", "another hole"),
        warning("no_such_code", "from the future"),
    ];
    hear(&mut relay(&setup), said).await;
    let db = &setup.worker.db;
    let notes = db.asset(setup.job.asset_id).await.unwrap().unwrap().notes;
    let found = notes.tracks.unwrap();
    assert_eq!(found.audio.map(|track| track.index), Some(1));
    assert_eq!(found.left[0].reason, LeftReason::NotDefault);
    let warning = |code, message: &str| Warning {
        code,
        message: message.into(),
    };
    assert_eq!(
        notes.warnings,
        [
            warning(WarningCode::EditRate, "before the plan"),
            warning(WarningCode::DamagedInput, "a hole"),
        ]
    );
    // Whoever watches is told to look: after each of the two warnings and each part of the plan.
    let mut looks = 0;
    while let Ok(Some(Received::Message(message))) =
        tokio::time::timeout(Duration::from_millis(10), events.next()).await
    {
        looks += usize::from(matches!(message.as_ref(), Message::JobChanged { .. }));
    }
    assert_eq!(looks, 4);
}

#[tokio::test]
async fn a_chatty_child_is_not_repeated_for_ever() {
    let setup = setup().await;
    let mut events = setup.worker.dispatch.events.subscribe();
    let warning = Event::Warning {
        code: WarningCode::DamagedInput,
        message: "x".into(),
    };
    let said = vec![serde_json::to_string(&warning).unwrap(); 900];
    hear(&mut relay(&setup), said).await;
    assert_eq!(told(&mut events).await.len(), MOST_EVENTS as usize);
}

#[tokio::test]
async fn an_attempt_that_was_lost_ends_at_its_next_write() {
    let setup = setup().await;
    setup
        .worker
        .db
        .cancel_job(setup.job.asset_id)
        .await
        .unwrap();
    let end = hear(&mut relay(&setup), vec![PLANNED.replace('\n', " ")]).await;
    assert!(matches!(end, Told::Lost), "{end:?}");
}

#[tokio::test]
async fn a_silent_child_is_noticed() {
    let setup = setup().await;
    let mut relay = relay(&setup);
    relay.patience = Duration::from_millis(20);
    let (_sender, lines) = mpsc::channel(1);
    let end = relay.follow(lines).await;
    assert!(matches!(end, Told::Silent), "{end:?}");
}

#[tokio::test]
async fn a_stopped_relay_ends_without_a_word() {
    let setup = setup().await;
    let mut relay = relay(&setup);
    relay.stop.cancel();
    let (_sender, lines) = mpsc::channel(1);
    let end = relay.follow(lines).await;
    assert!(matches!(end, Told::Nothing), "{end:?}");
}
