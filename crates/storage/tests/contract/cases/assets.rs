//! Making, changing and deleting assets.

use clipsy_domain::asset::{AssetState, Visibility};
use clipsy_domain::job::JobState;
use clipsy_storage::{AssetChange, Error, NewAsset};
use futures_util::future;

use super::uploads::new_upload;
use crate::support::{World, new_asset, rendition};

pub(crate) async fn an_asset_comes_with_its_job(world: World) {
    let owner = world.user("owner").await;
    let new = NewAsset {
        description: "about".to_owned(),
        visibility: Visibility::Unlisted,
        source_key: "videos/originals/abc.mp4".to_owned(),
        source_bytes: 5_000_000_000,
        source_sha256: Some("00ff".to_owned()),
        ..new_asset(owner.id, "title")
    };
    let (asset, job) = world.db.create_asset(new, None).await.unwrap();
    assert_eq!(asset.owner_id, owner.id);
    assert_eq!(
        (asset.title.as_str(), asset.description.as_str()),
        ("title", "about")
    );
    assert_eq!(asset.visibility, Visibility::Unlisted);
    assert_eq!(asset.state, AssetState::Queued);
    assert_eq!(asset.source_name, "film.mp4");
    assert_eq!(asset.source_type, "video/mp4");
    assert_eq!(asset.source_bytes, 5_000_000_000);
    assert_eq!(asset.source_sha256.as_deref(), Some("00ff"));
    assert!(!asset.playable && !asset.has_thumbnail && !asset.has_storyboard);
    assert_eq!((asset.views, asset.output_attempt), (0, None));
    assert_eq!(
        (asset.duration_s, asset.width, asset.fps),
        (None, None, None)
    );
    assert_eq!(
        (asset.created_at, asset.updated_at),
        (world.now(), world.now())
    );

    assert_eq!((job.asset_id, job.state), (asset.id, JobState::Queued));
    assert_eq!((job.attempt, job.failures, job.priority), (0, 0, 0));
    assert_eq!((job.worker.as_ref(), job.lease_until), (None, None));
    assert_eq!((job.run_after, job.created_at), (world.now(), world.now()));
    assert_eq!((job.started_at, job.finished_at), (None, None));

    let db = &world.db;
    assert_eq!(db.asset(asset.id).await.unwrap().as_ref(), Some(&asset));
    let found = db.asset_by_source_key("videos/originals/abc.mp4").await;
    assert_eq!(found.unwrap().as_ref(), Some(&asset));
    assert_eq!(db.job(job.id).await.unwrap().as_ref(), Some(&job));
    assert_eq!(db.job_of_asset(asset.id).await.unwrap(), Some(job));
    assert_eq!(db.asset(asset.id + 1).await.unwrap(), None);
    assert_eq!(db.job_of_asset(asset.id + 1).await.unwrap(), None);
    assert_eq!(db.asset_by_source_key("videos/%").await.unwrap(), None);
}

pub(crate) async fn any_text_is_kept(world: World) {
    let owner = world.user("owner").await;
    let long = "ä".repeat(100_000);
    for text in [
        "",
        "'",
        "\"; DROP TABLE assets; --",
        "%_\\!",
        "🎬 Ümläut ﷽",
        "a\r\n\tb",
        "$1 ?1 :a",
        &long,
    ] {
        let new = NewAsset {
            description: text.to_owned(),
            source_name: text.to_owned(),
            source_type: text.to_owned(),
            ..new_asset(owner.id, text)
        };
        let (asset, _) = world.db.create_asset(new, None).await.unwrap();
        let asset = world.db.asset(asset.id).await.unwrap().unwrap();
        for kept in [
            asset.title,
            asset.description,
            asset.source_name,
            asset.source_type,
        ] {
            assert!(kept == text, "{kept:?}");
        }
    }
    // The one letter that PostgreSQL cannot keep is kept as another by both.
    let (asset, _) = world.asset("a\0b").await;
    assert_eq!(asset.title, "a\u{fffd}b");
}

pub(crate) async fn finishing_an_upload_twice_makes_one_asset(world: World) {
    let upload = new_upload(&world, "u").await;
    let finish = |title| {
        let new = new_asset(upload.owner_id, title);
        world.db.create_asset(new, Some("u"))
    };
    let (asset, job) = finish("first").await.unwrap();
    assert_eq!(
        world.db.upload("u").await.unwrap().unwrap().asset_id,
        Some(asset.id)
    );
    let again = finish("second").await.unwrap();
    assert_eq!(again, (asset.clone(), job.clone()));

    // Also when the job has gone on since.
    let job = world.claim(job.id).await;
    let (late, job_late) = finish("third").await.unwrap();
    assert_eq!((late.id, late.state), (asset.id, AssetState::Processing));
    assert_eq!(job_late, job);
}

pub(crate) async fn finishing_an_upload_together_makes_one_asset(world: World) {
    let upload = new_upload(&world, "u").await;
    let servers = [world.db.clone(), world.another().await];
    let tries = (0..8).map(|number| {
        let db = servers[number % 2].clone();
        let new = new_asset(upload.owner_id, "film");
        tokio::spawn(async move { db.create_asset(new, Some("u")).await.unwrap() })
    });
    let mut made: Vec<_> = future::join_all(tries)
        .await
        .into_iter()
        .map(|done| {
            let (asset, job) = done.unwrap();
            (asset.id, job.id)
        })
        .collect();
    made.dedup();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(world.db.jobs_to_run().await.unwrap().len(), 1);
}

pub(crate) async fn an_asset_needs_its_upload_and_its_owner(world: World) {
    let owner = world.user("owner").await;
    let new = new_asset(owner.id, "x");
    let lost = world.db.create_asset(new, Some("none")).await;
    assert!(
        matches!(lost, Err(Error::Missing { what: "upload" })),
        "{lost:?}"
    );
    let nobodys = world.db.create_asset(new_asset(4711, "x"), None).await;
    assert!(matches!(nobodys, Err(Error::Database(_))), "{nobodys:?}");
    assert_eq!(world.db.jobs_to_run().await.unwrap(), []);
}

pub(crate) async fn an_original_belongs_to_one_asset(world: World) {
    let (asset, _) = world.asset("first").await;
    new_upload(&world, "u").await;
    let new = NewAsset {
        source_key: asset.source_key.clone(),
        ..new_asset(asset.owner_id, "second")
    };
    let taken = world.db.create_asset(new, Some("u")).await;
    assert!(
        matches!(taken, Err(Error::Taken { what: "source key" })),
        "{taken:?}"
    );
    // Nothing of it was done.
    assert_eq!(world.db.upload("u").await.unwrap().unwrap().asset_id, None);
    assert_eq!(world.db.jobs_to_run().await.unwrap().len(), 1);
}

pub(crate) async fn changes_change_what_they_name(world: World) {
    let (old, _) = world.asset("old").await;
    world.pass(5);
    let change = AssetChange {
        title: Some("new\0".to_owned()),
        ..AssetChange::default()
    };
    let new = world
        .db
        .update_asset(old.id, change)
        .await
        .unwrap()
        .unwrap();
    let mut expected = old.clone();
    expected.title = "new\u{fffd}".to_owned();
    expected.updated_at = world.now();
    assert_eq!(new, expected);

    let change = AssetChange {
        description: Some("text".to_owned()),
        visibility: Some(Visibility::Private),
        ..AssetChange::default()
    };
    world.db.update_asset(old.id, change.clone()).await.unwrap();
    let closed = world.db.asset(old.id).await.unwrap().unwrap();
    // Whoever had its link has it no more.
    assert_ne!(closed.link_key, old.link_key);
    expected.description = "text".to_owned();
    expected.visibility = Visibility::Private;
    expected.link_key = closed.link_key.clone();
    assert_eq!(closed, expected);
    let by_old_link = world.db.asset_by_link_key(&old.link_key).await.unwrap();
    assert_eq!(by_old_link, None);
    let nothing = world.db.update_asset(old.id + 1, change).await.unwrap();
    assert_eq!(nothing, None);
}

pub(crate) async fn plays_are_counted(world: World) {
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(world.asset(&format!("{number}")).await.0.id);
    }
    let before = world.db.asset(ids[0]).await.unwrap().unwrap();
    world.pass(1_000);
    // Many at once and in all orders, each for all assets, one of which is gone.
    let servers = [world.db.clone(), world.another().await];
    let adding = (0..20).map(|number| {
        let db = servers[number % 2].clone();
        let mut views: Vec<(i64, i64)> = ids.iter().map(|id| (*id, 2)).collect();
        views.push((4711, 1));
        views.rotate_left(number % 7);
        if number % 3 == 0 {
            views.reverse();
        }
        tokio::spawn(async move { db.add_views(&views).await.unwrap() })
    });
    for done in future::join_all(adding).await {
        done.unwrap();
    }
    world.db.add_views(&[]).await.unwrap();
    for id in &ids {
        let asset = world.db.asset(*id).await.unwrap().unwrap();
        assert_eq!(asset.views, 40);
    }
    let after = world.db.asset(ids[0]).await.unwrap().unwrap();
    assert_eq!(after.updated_at, before.updated_at, "a play is no change");
}

pub(crate) async fn a_deleted_asset_leaves_only_garbage(world: World) {
    let db = &world.db;
    let upload = new_upload(&world, "u").await;
    let new = new_asset(upload.owner_id, "gone");
    let (asset, job) = db.create_asset(new, Some("u")).await.unwrap();
    let (kept, _) = world.asset("kept").await;
    world.claim(job.id).await;
    let renditions = [rendition("360p", 360)];
    assert!(db.record_renditions(job.id, 1, &renditions).await.unwrap());

    let gone = db.delete_asset(asset.id).await.unwrap().unwrap();
    assert_eq!((gone.id, gone.state), (asset.id, AssetState::Processing));
    assert_eq!(db.asset(asset.id).await.unwrap(), None);
    assert_eq!(db.job(job.id).await.unwrap(), None);
    assert_eq!(db.upload("u").await.unwrap(), None);
    assert_eq!(db.renditions(&[asset.id]).await.unwrap(), []);
    let mut garbage = vec![
        asset.source_key.clone(),
        format!("videos/processed/{}/", asset.id),
        "uploads/u".to_owned(),
    ];
    garbage.sort();
    assert_eq!(world.garbage().await, garbage);

    assert_eq!(db.delete_asset(asset.id).await.unwrap(), None);
    assert_eq!(world.garbage().await, garbage);
    assert!(db.asset(kept.id).await.unwrap().is_some());

    // Its number does not come again, not even the last one's.
    db.delete_asset(kept.id).await.unwrap();
    let (next, next_job) = world.asset("next").await;
    assert!(next.id > kept.id && next_job.id > job.id + 1);
}

pub(crate) async fn originals_are_hashed_once(world: World) {
    let owner = world.user("owner").await;
    let db = &world.db;
    let mut ids = Vec::new();
    for title in ["first", "second", "third"] {
        let new = new_asset(owner.id, title);
        ids.push(db.create_asset(new, None).await.unwrap().0.id);
    }
    let next = async |after| {
        let found = db.unhashed_asset(after).await.unwrap();
        found.map(|asset| asset.id)
    };
    assert_eq!(next(0).await, Some(ids[0]));
    assert_eq!(next(ids[0]).await, Some(ids[1]));
    let before = db.asset(ids[0]).await.unwrap().unwrap();
    world.pass(1_000);
    assert!(db.record_checksum(ids[0], "00ff").await.unwrap());
    assert!(!db.record_checksum(ids[0], "ff00").await.unwrap());
    let after = db.asset(ids[0]).await.unwrap().unwrap();
    assert_eq!(after.source_sha256.as_deref(), Some("00ff"));
    assert_eq!(after.updated_at, before.updated_at);
    assert_eq!(next(0).await, Some(ids[1]));
    assert_eq!(next(ids[2]).await, None);
    assert!(!db.record_checksum(ids[2] + 1, "00ff").await.unwrap());
}
