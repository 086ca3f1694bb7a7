//! Captions of assets.

use clipsy_domain::captions::{CaptionKind, CaptionTrack, MOST_TRACKS};
use clipsy_domain::media_key::{asset_prefix, captions};
use clipsy_storage::{CaptionsRefused, Error};

use crate::support::World;

fn track(world: &World, language: &str, kind: CaptionKind, name: &str) -> CaptionTrack {
    CaptionTrack {
        language: language.into(),
        kind,
        label: "Ünter \"titel\"".into(),
        default: false,
        forced: false,
        name: name.into(),
        bytes: 100,
        cues: 3,
        updated_at: world.now(),
    }
}

pub(crate) async fn captions_replace_those_of_their_language(world: World) {
    let db = &world.db;
    let (asset, _) = world.asset("film").await;
    let id = asset.id;
    assert_eq!(asset.captions, []);
    let set = async |new: &CaptionTrack| {
        db.reserve_key(&captions(id, &new.name)).await.unwrap();
        world.pass(1);
        let set = db
            .set_captions(id, new, None)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(set.updated_at, world.now());
        assert_eq!(db.asset(id).await.unwrap().unwrap(), set);
        set.captions
    };
    let english = CaptionTrack {
        default: true,
        ..track(&world, "en", CaptionKind::Subtitles, "t1")
    };
    let deaf = track(&world, "en", CaptionKind::Captions, "t2");
    let german = track(&world, "de", CaptionKind::Subtitles, "t3");
    assert_eq!(set(&english).await, std::slice::from_ref(&english));
    assert_eq!(set(&deaf).await, [english.clone(), deaf.clone()]);
    assert_eq!(
        set(&german).await,
        [german.clone(), english.clone(), deaf.clone()]
    );
    assert_eq!(world.garbage().await, Vec::<String>::new());

    // One default, and one of each language and kind.
    let newer = CaptionTrack {
        default: true,
        bytes: 7,
        ..track(&world, "de", CaptionKind::Subtitles, "t4")
    };
    let shy = CaptionTrack {
        default: false,
        ..english
    };
    assert_eq!(
        set(&newer).await,
        [newer.clone(), shy.clone(), deaf.clone()]
    );
    assert_eq!(world.garbage().await, [captions(id, "t3")]);

    // They count for what the account has, and backups know them.
    let owner = asset.owner_id;
    assert_eq!(db.taken(owner).await.unwrap().bytes, 1_000_207);
    assert_eq!(db.usage_of(&[owner]).await.unwrap(), [(owner, 1_000_207)]);
    assert_eq!(db.usage().await.unwrap().captions_bytes, 207);
    let files = db.video_files().await.unwrap();
    let keys =
        [("t4", 7), ("t1", 100), ("t2", 100)].map(|(name, bytes)| (captions(id, name), bytes));
    assert_eq!(files[0].captions, keys);

    let left = db
        .remove_captions(id, "de", CaptionKind::Subtitles)
        .await
        .unwrap();
    assert_eq!(left.unwrap().captions, [shy, deaf]);
    let again = db.remove_captions(id, "de", CaptionKind::Subtitles).await;
    assert_eq!(again.unwrap(), None);
    assert_eq!(
        world.garbage().await,
        [captions(id, "t3"), captions(id, "t4")]
    );
    assert_eq!(db.taken(owner).await.unwrap().bytes, 1_000_200);

    db.delete_asset(id).await.unwrap().unwrap();
    let garbage = world.garbage().await;
    for key in [captions(id, "t1"), captions(id, "t2"), asset_prefix(id)] {
        assert!(garbage.contains(&key), "{key} {garbage:?}");
    }
    let gone = db.set_captions(id, &german, None).await.unwrap();
    assert_eq!(gone, None);
}

pub(crate) async fn captions_keep_to_limits(world: World) {
    let db = &world.db;
    let (asset, _) = world.asset("film").await;
    let id = asset.id;
    let set = async |new: &CaptionTrack, limit| {
        db.reserve_key(&captions(id, &new.name)).await.unwrap();
        db.set_captions(id, new, limit).await.unwrap().unwrap()
    };
    let never = track(&world, "en", CaptionKind::Subtitles, "t0");
    let late = db.set_captions(id, &never, None).await;
    assert!(
        matches!(late, Err(Error::Missing { what: "captions" })),
        "{late:?}"
    );

    let first = track(&world, "en", CaptionKind::Subtitles, "t1");
    let full = set(&first, Some(1_000_099)).await;
    assert_eq!(full.unwrap_err(), CaptionsRefused::Room);
    assert_eq!(db.asset(id).await.unwrap().unwrap(), asset);
    assert!(set(&first, Some(1_000_100)).await.is_ok());
    // In place of others they need only what they are larger, and smaller ones nothing.
    let same = track(&world, "en", CaptionKind::Subtitles, "t2");
    assert!(set(&same, Some(1_000_100)).await.is_ok());
    let smaller = CaptionTrack {
        bytes: 99,
        ..track(&world, "en", CaptionKind::Subtitles, "t3")
    };
    assert!(set(&smaller, Some(5)).await.is_ok());

    for number in 1..MOST_TRACKS {
        let language = format!("en-x-{number}");
        let name = format!("n{number}");
        let more = track(&world, &language, CaptionKind::Subtitles, &name);
        assert!(set(&more, None).await.is_ok());
    }
    let more = track(&world, "de", CaptionKind::Subtitles, "m");
    assert_eq!(set(&more, None).await.unwrap_err(), CaptionsRefused::Many);
    let instead = track(&world, "en", CaptionKind::Subtitles, "i");
    assert!(set(&instead, None).await.is_ok());
}

pub(crate) async fn captions_set_together_are_all_there(world: World) {
    let (asset, _) = world.asset("film").await;
    let (id, here, there) = (asset.id, &world.db, &world.another().await);
    let set = async |number: usize| {
        let db = if number.is_multiple_of(2) {
            here
        } else {
            there
        };
        let language = format!("en-x-{number}");
        let new = track(
            &world,
            &language,
            CaptionKind::Subtitles,
            &format!("t{number}"),
        );
        db.reserve_key(&captions(id, &new.name)).await.unwrap();
        db.set_captions(id, &new, Some(i64::MAX))
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    };
    futures_util::future::join_all((0..8).map(set)).await;
    let now = here.asset(id).await.unwrap().unwrap();
    assert_eq!(now.captions.len(), 8);
    assert_eq!(here.usage().await.unwrap().captions_bytes, 800);
}
