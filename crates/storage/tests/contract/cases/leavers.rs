//! Sessions as people see them, and accounts that go.

use clipsy_domain::asset::AssetState;
use clipsy_domain::clock::from_millis;
use clipsy_domain::user::Role;
use clipsy_storage::{Exceeded, NewAsset};

use crate::support::{World, new_asset, new_user};

pub(crate) async fn sessions_are_listed_with_their_devices(world: World) {
    let db = &world.db;
    let user = world.user("ann").await;
    let other = world.user("bob").await;
    let start = world.now();
    let end = from_millis(start.timestamp_millis() + 100_000);
    for (session, user) in [("a", user.id), ("b", user.id), ("c", other.id)] {
        db.start_session(user, session, "r1", end).await.unwrap();
    }
    db.name_session("a", "Browser\0 1").await.unwrap();
    world.pass(1_000);
    db.rotate_refresh("b", "r1", "r2", end).await.unwrap();
    let sessions = db.sessions_of(user.id).await.unwrap();
    let told: Vec<_> = sessions
        .iter()
        .map(|one| (one.id.as_str(), one.device.as_str(), one.used_at))
        .collect();
    assert_eq!(
        told,
        [("b", "", world.now()), ("a", "Browser\u{fffd} 1", start)]
    );
    assert_eq!(sessions[0].created_at, start);
    assert_eq!(sessions[0].expires_at, end);
    assert_eq!(db.session("b").await.unwrap().as_ref(), Some(&sessions[0]));
    world.pass(100_000);
    assert_eq!(db.session("b").await.unwrap(), None);
    assert_eq!(db.sessions_of(user.id).await.unwrap(), []);
}

pub(crate) async fn videos_are_handed_over(world: World) {
    let db = &world.db;
    let (first, _) = world.asset("first").await;
    let (second, waiting) = world.asset("second").await;
    let running = world.running("third").await;
    let heir = world.user("heir").await;
    let own = NewAsset {
        title: "own".to_owned(),
        ..new_asset(heir.id, "own")
    };
    let (own, _) = db.create_asset(own, None).await.unwrap();
    world.pass(5);
    assert!(!db.delete_user(first.owner_id).await.unwrap());
    // Not beyond what the heir may have, to the byte.
    let own_bytes = own.source_bytes;
    let brought = first.source_bytes
        + second.source_bytes
        + db.asset(running.asset_id)
            .await
            .unwrap()
            .unwrap()
            .source_bytes;
    let all_bytes = own_bytes + brought;
    let refused = db.hand_over(first.owner_id, heir.id, Some(all_bytes - 1));
    assert_eq!(refused.await.unwrap(), Err(Exceeded::Bytes(all_bytes - 1)));
    assert_eq!(db.asset_ids_of(heir.id).await.unwrap(), [own.id]);
    for (limit, may) in [(all_bytes - 1, false), (all_bytes, true)] {
        let asked = db.may_hand_over(first.owner_id, heir.id, limit);
        assert_eq!(asked.await.unwrap(), may);
    }
    let nothing = world.user("nothing").await.id;
    assert!(db.may_hand_over(nothing, heir.id, 0).await.unwrap());
    let moved = db.hand_over(first.owner_id, heir.id, Some(all_bytes));
    let moved = moved.await.unwrap().unwrap();
    assert_eq!(moved, [first.id, second.id, running.asset_id]);
    assert_eq!(db.asset_ids_of(first.owner_id).await.unwrap(), [0; 0]);
    let all = db.asset_ids_of(heir.id).await.unwrap();
    assert_eq!(all.len(), 4);
    assert!(all.contains(&own.id));
    let now = db.asset(second.id).await.unwrap().unwrap();
    assert_eq!((now.owner_id, now.updated_at), (heir.id, world.now()));
    assert_eq!(now.state, AssetState::Queued);

    // Their jobs are done as those of the heir, also the one that runs.
    let next = db.claim_next(waiting.id, "worker", 60_000).await.unwrap();
    assert!(next.is_some());
    assert!(db.cancel_job(running.asset_id).await.unwrap().is_some());
    assert!(db.delete_user(first.owner_id).await.unwrap());
    assert_eq!(db.user(first.owner_id).await.unwrap(), None);
    assert!(!db.delete_user(first.owner_id).await.unwrap());
    // The name is free again, and the number is not.
    let again = db.create_user(new_user("owner", Role::User)).await.unwrap();
    assert!(again.id > heir.id);
}

pub(crate) async fn an_account_goes_with_its_sessions(world: World) {
    let db = &world.db;
    let user = world.user("ann").await;
    let end = from_millis(world.now().timestamp_millis() + 100_000);
    db.start_session(user.id, "s", "r", end).await.unwrap();
    assert!(db.delete_user(user.id).await.unwrap());
    assert_eq!(db.session("s").await.unwrap(), None);
    assert_eq!(db.session_alive("s").await.unwrap(), None);
}
