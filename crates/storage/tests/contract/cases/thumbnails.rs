//! Poster pictures that people choose.

use clipsy_domain::asset::AssetState;
use clipsy_domain::media_key::{asset_prefix, chosen_thumbnail, output_prefix};
use clipsy_storage::Error;

use crate::support::{POLICY, World, crash, finished};

const MINUTE_MS: i64 = 60_000;

pub(crate) async fn a_chosen_picture_replaces_the_one_before(world: World) {
    let db = &world.db;
    let (asset, _) = world.asset("film").await;
    let id = asset.id;
    assert_eq!(asset.chosen_thumbnail, None);
    for name in ["c1", "c2"] {
        world.pass(1);
        db.reserve_key(&chosen_thumbnail(id, name)).await.unwrap();
        let chosen = db.choose_thumbnail(id, Some(name)).await.unwrap().unwrap();
        assert_eq!(chosen.chosen_thumbnail.as_deref(), Some(name));
        assert_eq!(chosen.updated_at, world.now());
        assert_eq!(db.asset(id).await.unwrap().unwrap(), chosen);
    }
    assert_eq!(world.garbage().await, [chosen_thumbnail(id, "c1")]);
    // What is kept stays, however long ago it was reserved.
    world.pass(60 * MINUTE_MS);
    assert_eq!(world.garbage().await, [chosen_thumbnail(id, "c1")]);

    let automatic = db.choose_thumbnail(id, None).await.unwrap().unwrap();
    assert_eq!(automatic.chosen_thumbnail, None);
    let both = [chosen_thumbnail(id, "c1"), chosen_thumbnail(id, "c2")];
    assert_eq!(world.garbage().await, both);
    // Once more changes nothing.
    db.choose_thumbnail(id, None).await.unwrap().unwrap();
    assert_eq!(db.garbage().await.unwrap().len(), 2);
}

pub(crate) async fn what_nothing_keeps_becomes_garbage(world: World) {
    let db = &world.db;
    let (asset, _) = world.asset("film").await;
    let key = chosen_thumbnail(asset.id, "c1");
    db.reserve_key(&key).await.unwrap();
    assert_eq!(world.garbage().await, Vec::<String>::new());
    // A minute before it is garbage it is too late to keep it.
    world.pass(9 * MINUTE_MS);
    assert_eq!(world.garbage().await, Vec::<String>::new());
    let late = db.choose_thumbnail(asset.id, Some("c1")).await;
    assert!(
        matches!(late, Err(Error::Missing { what: "picture" })),
        "{late:?}"
    );
    world.pass(MINUTE_MS);
    assert_eq!(world.garbage().await, [key]);

    let never = db.choose_thumbnail(asset.id, Some("c2")).await;
    assert!(matches!(never, Err(Error::Missing { .. })), "{never:?}");
    let now = db.asset(asset.id).await.unwrap().unwrap();
    assert_eq!(now, asset);
    assert_eq!(db.choose_thumbnail(999, None).await.unwrap(), None);
}

pub(crate) async fn of_many_choices_one_picture_stays(world: World) {
    let (asset, _) = world.asset("film").await;
    let (id, here, there) = (asset.id, &world.db, &world.another().await);
    let names: Vec<String> = (0..8).map(|n| format!("c{n}")).collect();
    let choose = async |name: &str| {
        // Two processes, in turns.
        let odd = name.ends_with(['1', '3', '5', '7']);
        let db = if odd { there } else { here };
        db.reserve_key(&chosen_thumbnail(id, name)).await.unwrap();
        db.choose_thumbnail(id, Some(name)).await.unwrap().unwrap();
    };
    let all = names.iter().map(|name| choose(name));
    futures_util::future::join_all(all).await;

    let now = here.asset(id).await.unwrap().unwrap();
    let chosen = now.chosen_thumbnail.unwrap();
    let others = names.iter().filter(|name| **name != chosen);
    let others: Vec<String> = others.map(|name| chosen_thumbnail(id, name)).collect();
    assert_eq!(others.len(), 7);
    assert_eq!(world.garbage().await, others);
}

pub(crate) async fn a_choice_outlives_attempts_but_not_its_video(world: World) {
    let db = &world.db;
    let job = world.running("film").await;
    let id = job.asset_id;
    assert!(db.mark_thumbnail(job.id, 1).await.unwrap());
    assert!(db.mark_playable(job.id, 1).await.unwrap());
    db.reserve_key(&chosen_thumbnail(id, "c1")).await.unwrap();
    db.choose_thumbnail(id, Some("c1")).await.unwrap().unwrap();
    let chosen = async || world.asset_of(&job).await.chosen_thumbnail;

    assert!(db.mark_unplayable(job.id, 1).await.unwrap());
    assert_eq!(chosen().await.as_deref(), Some("c1"));
    db.fail_job(job.id, 1, &crash(), &POLICY).await.unwrap();
    assert_eq!(chosen().await.as_deref(), Some("c1"));
    db.cancel_job(id).await.unwrap().unwrap();
    let cancelled = world.asset_of(&job).await;
    assert_eq!(cancelled.state, AssetState::Cancelled);
    assert_eq!(cancelled.chosen_thumbnail.as_deref(), Some("c1"));
    let again = db.retry_job(id).await.unwrap().unwrap();
    let again = world.claim(again.id).await;
    let done = db.finish_job(again.id, again.attempt, &finished()).await;
    assert!(done.unwrap());
    assert_eq!(chosen().await.as_deref(), Some("c1"));
    let key = chosen_thumbnail(id, "c1");
    assert!(!world.garbage().await.contains(&key));

    db.delete_asset(id).await.unwrap().unwrap();
    let garbage = world.garbage().await;
    assert!(garbage.contains(&key), "{garbage:?}");
    assert!(garbage.contains(&asset_prefix(id)), "{garbage:?}");
    assert!(garbage.contains(&output_prefix(id, 1)), "{garbage:?}");
}
