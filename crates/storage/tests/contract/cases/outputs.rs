//! What attempts show of their work.

use clipsy_domain::asset::AssetState;
use clipsy_domain::notes::Notes;
use clipsy_domain::progress::WarningCode;
use clipsy_domain::tracks::{LeftAside, LeftReason, Track, TrackKind, Tracks};
use clipsy_storage::{Finished, NewRendition, RenditionUpdate};

use crate::support::{POLICY, World, crash, finished, rendition};

pub(crate) async fn what_is_learned_is_shown(world: World) {
    let db = &world.db;
    let job = world.running("film").await;
    let id = job.id;
    world.pass(1);
    assert!(
        db.record_media(id, 1, Some(12.345), 1920, 1080, Some(23.976))
            .await
            .unwrap()
    );
    let asset = world.asset_of(&job).await;
    assert_eq!((asset.duration_s, asset.fps), (Some(12.345), Some(23.976)));
    assert_eq!((asset.width, asset.height), (Some(1920), Some(1080)));
    assert_eq!(asset.updated_at, world.now());

    world.pass(1);
    assert!(db.mark_thumbnail(id, 1).await.unwrap());
    let asset = world.asset_of(&job).await;
    assert!(asset.has_thumbnail && !asset.playable);
    assert_eq!(
        (asset.output_attempt, asset.updated_at),
        (Some(1), world.now())
    );

    world.pass(1);
    assert!(db.mark_playable(id, 1).await.unwrap());
    let asset = world.asset_of(&job).await;
    assert!(asset.has_thumbnail && asset.playable && !asset.has_storyboard);
    assert_eq!(
        (asset.state, asset.output_attempt),
        (AssetState::Processing, Some(1))
    );
    assert_eq!(asset.updated_at, world.now());

    // The attempt starts again on another encoder, and gets there again.
    assert!(!db.mark_unplayable(id, 2).await.unwrap());
    assert!(db.mark_unplayable(id, 1).await.unwrap());
    let asset = world.asset_of(&job).await;
    assert!(!asset.playable && !asset.has_thumbnail);
    assert_eq!(
        (asset.state, asset.output_attempt),
        (AssetState::Processing, None)
    );
    assert!(db.mark_thumbnail(id, 1).await.unwrap());
    assert!(db.mark_playable(id, 1).await.unwrap());

    world.pass(1);
    let made = Finished {
        duration_s: None,
        has_storyboard: false,
        ..finished()
    };
    assert!(db.finish_job(id, 1, &made).await.unwrap());
    let asset = world.asset_of(&job).await;
    assert!(asset.has_thumbnail && asset.playable && !asset.has_storyboard);
    assert_eq!(
        (asset.state, asset.output_attempt),
        (AssetState::Ready, Some(1))
    );
    assert_eq!(
        (asset.duration_s, asset.updated_at),
        (Some(12.345), world.now())
    );

    // Whole numbers stay numbers with a fraction, and what is no number is not known.
    let job = world.running("other").await;
    for (told, kept) in [
        (Some(25.0), Some(25.0)),
        (Some(f64::NAN), None),
        (Some(f64::INFINITY), None),
        (None, None),
    ] {
        assert!(db.record_media(job.id, 1, told, 1, 1, told).await.unwrap());
        let asset = world.asset_of(&job).await;
        assert_eq!((asset.duration_s, asset.fps), (kept, kept));
    }
}

/// They stay when the attempt ends, well or badly, and go when the next one begins.
pub(crate) async fn notes_are_those_of_the_newest_attempt(world: World) {
    let db = &world.db;
    let job = world.running("film").await;
    let id = job.id;
    assert_eq!(world.asset_of(&job).await.notes, Notes::default());
    let track = |index| Track {
        kind: TrackKind::Audio,
        index,
        codec: "AAC \0 'ä'".to_owned(),
        language: Some("deu".to_owned()),
    };
    let mut notes = Notes::default();
    notes.planned(&Tracks {
        video: None,
        audio: Some(track(1)),
        left: vec![LeftAside {
            track: track(0),
            reason: LeftReason::NotDefault,
        }],
    });
    world.pass(1);
    assert!(!db.record_notes(id, 2, &notes).await.unwrap());
    assert!(db.record_notes(id, 1, &notes).await.unwrap());
    let asset = world.asset_of(&job).await;
    assert_eq!((&asset.notes, asset.updated_at), (&notes, world.now()));
    notes.warned(WarningCode::DamagedInput, "a hole");
    assert!(db.record_notes(id, 1, &notes).await.unwrap());
    assert!(db.requeue_job(id, 1).await.unwrap());
    assert_eq!(world.asset_of(&job).await.notes, notes);

    world.claim(id).await;
    assert_eq!(world.asset_of(&job).await.notes, Notes::default());
    // The first one does not know yet that it is over.
    assert!(!db.record_notes(id, 1, &notes).await.unwrap());
    assert_eq!(world.asset_of(&job).await.notes, Notes::default());
    let mut second = Notes::default();
    second.warned(WarningCode::Truncated, "too short");
    assert!(db.record_notes(id, 2, &second).await.unwrap());
    assert!(db.finish_job(id, 2, &finished()).await.unwrap());
    assert!(!db.record_notes(id, 2, &notes).await.unwrap());
    assert_eq!(world.asset_of(&job).await.notes, second);

    // A warning that a later version knows does not hide the video.
    let later = r#"{"tracks": 1, "warnings": [{"code": "later", "message": "x"}]}"#;
    world
        .run(&format!("UPDATE assets SET notes = '{later}'"))
        .await;
    assert_eq!(world.asset_of(&job).await.notes, Notes::default());
}

/// Whether it is tried again, put back, cancelled or taken up: nothing of it looks playable.
pub(crate) async fn a_failed_attempt_leaves_nothing_to_see(world: World) {
    let db = &world.db;
    for way in ["fail", "put back", "cancel", "restart"] {
        let job = world.running(way).await;
        let id = job.id;
        db.record_renditions(id, 1, &[rendition("360p", 360)])
            .await
            .unwrap();
        db.mark_thumbnail(id, 1).await.unwrap();
        db.mark_playable(id, 1).await.unwrap();
        assert!(world.asset_of(&job).await.playable);
        match way {
            "fail" => assert!(
                db.fail_job(id, 1, &crash(), &POLICY)
                    .await
                    .unwrap()
                    .is_some()
            ),
            "put back" => assert!(db.requeue_job(id, 1).await.unwrap()),
            "cancel" => assert!(db.cancel_job(job.asset_id).await.unwrap().is_some()),
            _ => assert_eq!(db.recover("worker", &POLICY).await.unwrap().len(), 1),
        }
        let asset = world.asset_of(&job).await;
        assert!(!asset.playable && !asset.has_thumbnail, "{way}: {asset:?}");
        assert_eq!(asset.output_attempt, None, "{way}");
        assert_eq!(db.renditions(&[asset.id]).await.unwrap(), [], "{way}");
        let prefix = format!("videos/processed/{}/1/", asset.id);
        assert!(world.garbage().await.contains(&prefix), "{way}");
    }
}

pub(crate) async fn renditions_grow(world: World) {
    let db = &world.db;
    let job = world.running("film").await;
    let planned = [
        rendition("360p", 360),
        rendition("1080p", 1080),
        rendition("720p", 720),
    ];
    assert!(db.record_renditions(job.id, 1, &planned).await.unwrap());
    let first = db.renditions(&[job.asset_id]).await.unwrap();
    let rungs: Vec<_> = first
        .iter()
        .map(|rendition| rendition.rung.as_str())
        .collect();
    assert_eq!(rungs, ["1080p", "720p", "360p"]);
    assert!(
        first
            .iter()
            .all(|rendition| !rendition.done && rendition.percent.is_none())
    );
    assert_eq!(
        (first[1].width, first[1].height, first[1].bitrate),
        (1280, 720, 2880)
    );

    let update = |rung: &str, percent, file_size, encoder: Option<&str>| RenditionUpdate {
        rung: rung.to_owned(),
        percent,
        file_size,
        encoder: encoder.map(str::to_owned),
    };
    let updates = [
        update("720p", Some(12.5), None, Some("software")),
        update("360p", None, Some(7_000_000_000), None),
        update("none", Some(1.0), None, None),
    ];
    assert!(db.record_progress(job.id, 1, &updates).await.unwrap());
    let more = [
        update("720p", None, Some(5), None),
        update("360p", Some(f64::NAN), None, None),
    ];
    assert!(db.record_progress(job.id, 1, &more).await.unwrap());
    let mut expected = first.clone();
    expected[1].percent = Some(12.5);
    expected[1].file_size = 5;
    expected[1].encoder = Some("software".to_owned());
    expected[2].file_size = 7_000_000_000;
    assert_eq!(db.renditions(&[job.asset_id]).await.unwrap(), expected);

    // The end says it all again; what was there keeps its number.
    let last = NewRendition {
        file_size: 99,
        codecs: Some("avc1.64001f,mp4a.40.2".to_owned()),
        encoder: Some("nvenc".to_owned()),
        ..rendition("720p", 720)
    };
    let made = Finished {
        renditions: vec![last, rendition("480p", 480)],
        ..finished()
    };
    assert!(db.finish_job(job.id, 1, &made).await.unwrap());
    let found = db.renditions(&[job.asset_id]).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].id, found[0].rung.as_str()), (first[1].id, "720p"));
    assert_eq!(found[0].codecs.as_deref(), Some("avc1.64001f,mp4a.40.2"));
    assert_eq!(found[0].encoder.as_deref(), Some("nvenc"));
    assert_eq!(
        (found[0].file_size, found[0].percent, found[0].done),
        (99, Some(100.0), true)
    );
    assert_eq!(found[1].rung, "480p");
}

pub(crate) async fn renditions_of_many_assets(world: World) {
    let mut assets = Vec::new();
    for number in 0..30 {
        let job = world.running(&format!("{number}")).await;
        assets.push(job.asset_id);
        let planned = [rendition("360p", 360), rendition("720p", 720)];
        world
            .db
            .record_renditions(job.id, 1, &planned[..number % 3])
            .await
            .unwrap();
    }
    let mut shuffled: Vec<i64> = assets.iter().rev().copied().collect();
    shuffled.push(assets[4]);
    shuffled.push(4711);
    let found = world.db.renditions(&shuffled).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.asset_id, one.height)).collect();
    let expected: Vec<_> = assets
        .iter()
        .enumerate()
        .flat_map(|(number, id)| {
            let heights: &[i64] = [&[][..], &[360], &[720, 360]][number % 3];
            heights.iter().map(|height| (*id, *height))
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(world.db.renditions(&[]).await.unwrap(), []);
}

pub(crate) async fn earlier_attempts_become_garbage(world: World) {
    let db = &world.db;
    let (asset, job) = world.asset("film").await;
    for attempt in 1..=3 {
        world.claim(job.id).await;
        if attempt < 3 {
            db.requeue_job(job.id, attempt).await.unwrap();
        }
    }
    // All that was noted has been cleared away, and then a late worker wrote again.
    for note in db.garbage().await.unwrap() {
        db.garbage_gone(note.id).await.unwrap();
    }
    assert!(db.finish_job(job.id, 3, &finished()).await.unwrap());
    let prefix = |attempt| format!("videos/processed/{}/{attempt}/", asset.id);
    assert_eq!(world.garbage().await, [prefix(1), prefix(2)]);
}
