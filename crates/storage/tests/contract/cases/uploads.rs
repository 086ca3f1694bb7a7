//! Uploads and garbage.

use chrono::TimeDelta;
use clipsy_domain::asset::Visibility;
use clipsy_domain::tags::tag_key;
use clipsy_domain::trace::TraceParent;
use clipsy_domain::upload::{Upload, UploadKind, UploadRole};
use clipsy_domain::user::{Allowance, Role, Viewer};
use clipsy_storage::{AssetFilter, Error, Exceeded, Finished, UploadChange};

use crate::support::{World, finished, new_asset};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

pub(crate) async fn new_upload(world: &World, id: &str) -> Upload {
    let owner = match world.db.user_by_name("owner").await.unwrap() {
        Some((owner, _)) => owner,
        None => world.user("owner").await,
    };
    let upload = Upload {
        id: id.to_owned(),
        owner_id: owner.id,
        kind: UploadKind::Tus,
        length: None,
        title: "title".to_owned(),
        description: String::new(),
        tags: Vec::new(),
        visibility: Visibility::Private,
        filename: "film.mp4".to_owned(),
        filetype: String::new(),
        metadata: None,
        role: UploadRole::Whole,
        asset_id: None,
        created_at: world.now(),
        expires_at: world.now() + TimeDelta::hours(1),
        trace: None,
    };
    world.db.insert_upload(&upload).await.unwrap();
    upload
}

pub(crate) async fn uploads_are_kept(world: World) {
    let plain = new_upload(&world, "plain").await;
    let full = Upload {
        id: "full".to_owned(),
        length: Some(i64::MAX),
        title: "100 % \"Ö\" 🎬 '; --".to_owned(),
        description: "two\nlines".to_owned(),
        tags: vec!["Öl".to_owned(), "\"quoted\"".to_owned()],
        metadata: Some("filename ZmlsbQ==".to_owned()),
        role: UploadRole::parse("final;/files/a /files/b").unwrap(),
        trace: TraceParent::parse(TRACE),
        ..plain.clone()
    };
    world.db.insert_upload(&full).await.unwrap();
    for upload in [&plain, &full] {
        let found = world.db.upload(&upload.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(upload));
    }
    for id in ["none", "PLAIN", "plain\0", ""] {
        assert_eq!(world.db.upload(id).await.unwrap(), None, "{id:?}");
    }
    let taken = world.db.insert_upload(&full).await;
    assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
}

pub(crate) async fn uploads_change_until_they_are_assets(world: World) {
    let old = new_upload(&world, "u").await;
    let same = world
        .db
        .update_upload("u", UploadChange::default())
        .await
        .unwrap();
    assert_eq!(same.as_ref(), Some(&old));
    let change = UploadChange {
        length: Some(5),
        title: Some("new\0".to_owned()),
        description: Some("text".to_owned()),
        tags: Some(vec!["tag".to_owned()]),
        visibility: Some(Visibility::Unlisted),
        filename: Some("a.mov".to_owned()),
        filetype: Some("video/quicktime".to_owned()),
        metadata: Some("a".to_owned()),
        expires_at: Some(old.expires_at + TimeDelta::hours(1)),
    };
    let new = world.db.update_upload("u", change).await.unwrap().unwrap();
    let expected = Upload {
        length: Some(5),
        title: "new\u{fffd}".to_owned(),
        description: "text".to_owned(),
        tags: vec!["tag".to_owned()],
        visibility: Visibility::Unlisted,
        filename: "a.mov".to_owned(),
        filetype: "video/quicktime".to_owned(),
        metadata: Some("a".to_owned()),
        expires_at: old.expires_at + TimeDelta::hours(1),
        ..old
    };
    assert_eq!(new, expected);
    assert_eq!(world.db.upload("u").await.unwrap(), Some(expected));

    let asset = new_asset(new.owner_id, "x");
    let (asset, _) = world.db.create_asset(asset, Some("u")).await.unwrap();
    let change = UploadChange {
        length: Some(6),
        ..UploadChange::default()
    };
    for id in ["u", "none"] {
        let done = world.db.update_upload(id, change.clone()).await.unwrap();
        assert_eq!(done, None, "{id}");
    }
    let upload = world.db.upload("u").await.unwrap().unwrap();
    assert_eq!((upload.length, upload.asset_id), (Some(5), Some(asset.id)));
}

/// Also those after the first, whether the uploader or the server starts them.
pub(crate) async fn jobs_belong_to_the_trace_of_their_upload(world: World) {
    let db = &world.db;
    let trace = TraceParent::parse(TRACE);
    for id in ["announced", "whole"] {
        let upload = Upload {
            id: id.to_owned(),
            trace: trace.clone(),
            ..new_upload(&world, &format!("{id}, untraced")).await
        };
        db.insert_upload(&upload).await.unwrap();
        let new = new_asset(upload.owner_id, id);
        let (asset, job) = match id {
            "whole" => db.create_asset(new, Some(id)).await.unwrap(),
            _ => db.publish_upload(new, id).await.unwrap(),
        };
        assert_eq!(job.trace, trace);
        db.cancel_job(asset.id).await.unwrap().unwrap();
        let again = db.retry_job(asset.id).await.unwrap().unwrap();
        assert_eq!(again.trace, trace);
        assert_eq!(world.claim(again.id).await.trace, trace);
    }
    let upload = new_upload(&world, "u").await;
    let asset = new_asset(upload.owner_id, "x");
    let (_, job) = db.create_asset(asset, Some("u")).await.unwrap();
    assert_eq!(job.trace, None);
}

pub(crate) async fn deleted_uploads_leave_their_bytes_as_garbage(world: World) {
    let upload = new_upload(&world, "half").await;
    assert!(world.db.delete_upload("half").await.unwrap());
    assert!(!world.db.delete_upload("half").await.unwrap());
    assert_eq!(world.db.upload("half").await.unwrap(), None);
    let both = ["uploads/half", "videos/originals/half.mp4"];
    assert_eq!(world.garbage().await, both);

    // The bytes of this one are an original now.
    new_upload(&world, "whole").await;
    let asset = new_asset(upload.owner_id, "x");
    let (asset, _) = world.db.create_asset(asset, Some("whole")).await.unwrap();
    assert!(world.db.delete_upload("whole").await.unwrap());
    assert_eq!(world.garbage().await, both);
    assert!(world.db.asset(asset.id).await.unwrap().is_some());
}

pub(crate) async fn uploads_expire(world: World) {
    let ids = |uploads: Vec<Upload>| -> Vec<String> {
        uploads.into_iter().map(|upload| upload.id).collect()
    };
    let db = &world.db;
    let first = new_upload(&world, "first").await;
    world.pass(1_000);
    new_upload(&world, "second").await;
    let third = Upload {
        id: "third".to_owned(),
        kind: UploadKind::Multipart,
        ..first.clone()
    };
    db.insert_upload(&third).await.unwrap();
    let asset = new_asset(first.owner_id, "x");
    db.create_asset(asset, Some("first")).await.unwrap();
    assert_eq!(ids(db.expired_uploads().await.unwrap()), [""; 0]);
    assert_eq!(
        ids(db.uploads_of_kind(UploadKind::Tus).await.unwrap()),
        ["second"]
    );
    assert_eq!(
        ids(db.uploads_of_kind(UploadKind::Multipart).await.unwrap()),
        ["third"]
    );

    world.pass(3_600_000 - 1_000 - 1);
    assert_eq!(ids(db.expired_uploads().await.unwrap()), [""; 0]);
    world.pass(1);
    assert_eq!(ids(db.expired_uploads().await.unwrap()), ["first", "third"]);
    world.pass(1_000);
    assert_eq!(
        ids(db.expired_uploads().await.unwrap()),
        ["first", "third", "second"]
    );
}

pub(crate) async fn garbage_is_noted_until_it_is_gone(world: World) {
    let db = &world.db;
    db.add_garbage("videos/a").await.unwrap();
    let notes = db.garbage().await.unwrap();
    assert_eq!(notes[0].key_or_prefix, "videos/a");
    // Noted again while it is being deleted: that must not be forgotten with the first note.
    db.add_garbage("videos/a").await.unwrap();
    for _ in 0..2 {
        db.garbage_gone(notes[0].id).await.unwrap();
    }
    assert_eq!(world.garbage().await, ["videos/a"]);
    let left = db.garbage().await.unwrap();
    assert_eq!(left.len(), 1);
    db.garbage_gone(left[0].id).await.unwrap();
    assert_eq!(db.garbage().await.unwrap(), []);
}

pub(crate) async fn uploads_in_one_request_are_lost_with_their_receiver(world: World) {
    let db = &world.db;
    let broken = async || -> Vec<String> {
        let broken = db.broken_uploads("here").await.unwrap();
        broken.into_iter().map(|upload| upload.id).collect()
    };
    let first = new_upload(&world, "resumable").await;
    let upload = |id: &str| Upload {
        id: id.to_owned(),
        kind: UploadKind::Multipart,
        created_at: world.now(),
        ..first.clone()
    };
    for (id, receiver) in [("own", "here"), ("others", "there")] {
        let (upload, allowance) = (upload(id), Allowance::default());
        let begun = db.begin_upload(&upload, Some(receiver), 0, &allowance);
        assert_eq!(begun.await.unwrap(), Ok(()));
    }
    db.insert_upload(&upload("nobody's")).await.unwrap();
    assert_eq!(broken().await, ["nobody's", "own"]);
    let end = upload("x").expires_at - world.now();
    world.pass(end.num_milliseconds());
    assert_eq!(broken().await, ["nobody's", "others", "own"]);
}

pub(crate) async fn an_upload_becomes_what_its_row_says(world: World) {
    let db = &world.db;
    let upload = new_upload(&world, "u").await;
    let edit = UploadChange {
        title: Some("edited".to_owned()),
        description: Some("late".to_owned()),
        tags: Some(vec!["Early".to_owned()]),
        visibility: Some(Visibility::Unlisted),
        ..UploadChange::default()
    };
    db.update_upload("u", edit).await.unwrap();
    let new = new_asset(upload.owner_id, "before");
    let (asset, job) = db.publish_upload(new.clone(), "u").await.unwrap();
    assert_eq!(
        (&*asset.title, &*asset.description, asset.visibility),
        ("edited", "late", Visibility::Unlisted)
    );
    assert_eq!(asset.tags, ["Early"]);
    let mut tagged = AssetFilter::new(Viewer::User(upload.owner_id, Role::User));
    tagged.tag = tag_key("early");
    assert_eq!(
        db.assets(&tagged).await.unwrap(),
        std::slice::from_ref(&asset)
    );
    tagged.tag = None;
    tagged.search = Some("late early".to_owned());
    assert_eq!(
        db.assets(&tagged).await.unwrap(),
        std::slice::from_ref(&asset)
    );
    assert_eq!(asset.source_key, new.source_key);
    let again = db.publish_upload(new.clone(), "u").await.unwrap();
    assert_eq!((again.0.id, again.1.id), (asset.id, job.id));
    let none = db.publish_upload(new, "none").await;
    assert!(matches!(none, Err(Error::Missing { .. })), "{none:?}");
}

pub(crate) async fn what_an_owner_sends_and_has_is_known(world: World) {
    let db = &world.db;
    let ids = |uploads: Vec<Upload>| -> Vec<String> {
        uploads.into_iter().map(|upload| upload.id).collect()
    };
    let first = new_upload(&world, "first").await;
    let owner = first.owner_id;
    let other = world.user("other").await.id;
    world.pass(1);
    for (id, owner_id, kind, concat) in [
        ("second", owner, UploadKind::Tus, Some("partial")),
        ("whole", owner, UploadKind::Tus, Some("final;first second")),
        ("plain", owner, UploadKind::Multipart, None),
        ("others", other, UploadKind::Tus, None),
    ] {
        let upload = Upload {
            id: id.to_owned(),
            owner_id,
            kind,
            role: concat.and_then(UploadRole::parse).unwrap_or_default(),
            created_at: world.now(),
            ..first.clone()
        };
        db.insert_upload(&upload).await.unwrap();
    }
    assert_eq!(
        ids(db.unfinished_uploads(owner).await.unwrap()),
        ["first", "second", "whole"]
    );
    assert_eq!(ids(db.unfinished_uploads(other).await.unwrap()), ["others"]);
    assert_eq!(ids(db.concatenated_uploads().await.unwrap()), [""; 0]);
    assert_eq!(db.taken(owner).await.unwrap().bytes, 0);
    assert_eq!(db.taken(owner).await.unwrap().uploads, 4);

    for (key, bytes, upload) in [("a", 5, "whole"), ("b", i64::from(i32::MAX), "first")] {
        let mut asset = new_asset(owner, key);
        asset.source_bytes = bytes;
        db.publish_upload(asset, upload).await.unwrap();
    }
    assert_eq!(ids(db.unfinished_uploads(owner).await.unwrap()), ["second"]);
    assert_eq!(ids(db.concatenated_uploads().await.unwrap()), ["whole"]);
    let bytes = 5 + i64::from(i32::MAX);
    let taken = db.taken(owner).await.unwrap();
    assert_eq!((taken.bytes, taken.uploads, taken.waiting), (bytes, 2, 2));
    assert_eq!(db.taken(other).await.unwrap().bytes, 0);
}

pub(crate) async fn room_is_given_once(world: World) {
    let db = &world.db;
    let first = new_upload(&world, "first").await;
    let owner = first.owner_id;
    let allowance = Allowance {
        bytes: Some(100),
        uploads: Some(8),
        ..Allowance::default()
    };
    let upload = |number: usize| Upload {
        id: format!("u{number}"),
        length: Some(30),
        ..first.clone()
    };
    // From several servers at the same time.
    let mut together = tokio::task::JoinSet::new();
    for number in 0..6 {
        let (db, upload) = (world.another().await, upload(number));
        together.spawn(async move {
            db.begin_upload(&upload, None, 30, &allowance)
                .await
                .unwrap()
        });
    }
    let begun = together.join_all().await;
    assert_eq!(begun.iter().filter(|begun| begun.is_ok()).count(), 3);
    let mut refused = begun.iter().filter_map(|begun| begun.err());
    assert!(refused.all(|exceeded| exceeded == Exceeded::Bytes(100)));
    assert_eq!(db.taken(owner).await.unwrap().bytes, 90);

    // One of which nobody knows how long it is asks as it goes on.
    let mut together = tokio::task::JoinSet::new();
    for number in 10..14 {
        let db = world.another().await;
        let upload = Upload {
            length: None,
            ..upload(number)
        };
        assert_eq!(
            db.begin_upload(&upload, None, 0, &allowance).await.unwrap(),
            Ok(())
        );
        together.spawn(async move { db.reserve(&upload, 4, 6, 100).await.unwrap() });
    }
    let mut reserved = together.join_all().await;
    reserved.sort_unstable();
    assert_eq!(reserved, [Ok(4), Ok(6), Err(0), Err(0)]);
    assert_eq!(db.taken(owner).await.unwrap().bytes, 100);
    let eighth = db
        .begin_upload(&upload(20), None, 0, &allowance)
        .await
        .unwrap();
    assert_eq!(eighth, Err(Exceeded::Uploads(8)));
    assert_eq!(db.upload("u20").await.unwrap(), None);
    // What becomes a video counts with its bytes, and what is given up no more.
    let done: Vec<_> = (0..6).filter(|number| begun[*number].is_ok()).collect();
    assert_eq!(begun.len(), 6);
    let mut kept = 0;
    for number in 0..6 {
        let id = format!("u{number}");
        if db.upload(&id).await.unwrap().is_some() {
            kept += 1;
            if kept == 1 {
                let mut asset = new_asset(owner, "video");
                asset.source_bytes = 30;
                db.publish_upload(asset, &id).await.unwrap();
            } else if kept == 2 {
                assert!(db.delete_upload(&id).await.unwrap());
            }
        }
    }
    assert_eq!((done.len(), kept), (3, 3));
    assert_eq!(db.taken(owner).await.unwrap().bytes, 70);
}

pub(crate) async fn accounts_have_limits_of_their_own(world: World) {
    let db = &world.db;
    let first = new_upload(&world, "first").await;
    let owner = first.owner_id;
    assert_eq!(db.allowance(owner).await.unwrap(), Allowance::default());
    let own = Allowance {
        bytes: Some(1 << 40),
        minutes_a_day: Some(10),
        uploads: None,
        waiting: Some(3),
    };
    assert!(db.set_allowance(owner, own).await.unwrap());
    assert_eq!(db.allowance(owner).await.unwrap(), own);
    assert!(!db.set_allowance(4711, own).await.unwrap());
    let usual = Allowance {
        uploads: Some(7),
        waiting: Some(1),
        ..Allowance::default()
    };
    let limits = own.or(usual);
    assert_eq!((limits.uploads, limits.waiting), (Some(7), Some(3)));

    let begin = async |id: &str| {
        let upload = Upload {
            id: id.to_owned(),
            ..first.clone()
        };
        db.begin_upload(&upload, None, 1, &limits).await.unwrap()
    };
    assert_eq!(begin("a").await, Ok(()));
    let (asset, job) = db.publish_upload(new_asset(owner, "a"), "a").await.unwrap();
    assert_eq!(begin("b").await, Ok(()));
    assert_eq!(begin("c").await, Err(Exceeded::Waiting(3)));
    let job = world.claim(job.id).await;
    let made = Finished {
        duration_s: Some(601.0),
        ..finished()
    };
    assert!(db.finish_job(job.id, job.attempt, &made).await.unwrap());
    assert_eq!(begin("c").await, Err(Exceeded::Minutes(10)));
    world.pass(24 * 60 * 60 * 1_000);
    assert_eq!(begin("c").await, Ok(()));
    assert_eq!(
        db.asset(asset.id).await.unwrap().unwrap().duration_s,
        Some(601.0)
    );
}
