//! Sessions and their refresh tokens.

use chrono::TimeDelta;
use clipsy_storage::{Error, REFRESH_GRACE_MS, Rotation};
use futures_util::future;

use crate::support::World;

pub(crate) async fn a_session_lives_until_it_ends(world: World) {
    let db = &world.db;
    let user = world.user("anna").await;
    let end = world.now() + TimeDelta::milliseconds(1_000);
    for session in ["s1", "s2"] {
        db.start_session(user.id, session, "r1", end).await.unwrap();
    }
    let taken = db.start_session(user.id, "s1", "r2", end).await;
    assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
    for _ in 0..2 {
        let alive = db.session_alive("s1").await.unwrap();
        assert_eq!(alive.as_ref(), Some(&user));
    }
    assert_eq!(db.session_alive("s3").await.unwrap(), None);
    assert_eq!(db.session_alive("s1\0").await.unwrap(), None);

    assert!(db.revoke_session("s2").await.unwrap());
    assert!(!db.revoke_session("s2").await.unwrap());
    assert_eq!(db.session_alive("s2").await.unwrap(), None);
    assert_eq!(
        db.rotate_refresh("s2", "r1", "r2", end).await.unwrap(),
        Rotation::Gone
    );

    world.pass(999);
    assert!(db.session_alive("s1").await.unwrap().is_some());
    world.pass(1);
    assert_eq!(db.session_alive("s1").await.unwrap(), None);
    let later = world.now() + TimeDelta::milliseconds(1_000);
    assert_eq!(
        db.rotate_refresh("s1", "r1", "r2", later).await.unwrap(),
        Rotation::Gone
    );
}

pub(crate) async fn only_active_accounts_have_sessions(world: World) {
    let db = &world.db;
    let (anna, bert) = (world.user("anna").await, world.user("bert").await);
    let end = world.now() + TimeDelta::hours(1);
    db.start_session(bert.id, "b", "r", end).await.unwrap();

    db.start_session(anna.id, "a1", "r", end).await.unwrap();
    db.set_password(anna.id, "new").await.unwrap();
    assert_eq!(db.session_alive("a1").await.unwrap(), None);

    db.start_session(anna.id, "a2", "r", end).await.unwrap();
    db.set_active(anna.id, false).await.unwrap();
    assert_eq!(db.session_alive("a2").await.unwrap(), None);
    for user in [anna.id, 4711] {
        let refused = db.start_session(user, "a3", "r", end).await;
        assert!(matches!(refused, Err(Error::Missing { .. })), "{refused:?}");
    }
    db.set_active(anna.id, true).await.unwrap();
    for session in ["a1", "a2", "a3"] {
        assert_eq!(db.session_alive(session).await.unwrap(), None, "{session}");
    }
    let asked = ["a1", "b", "a2", "none"].map(str::to_owned);
    assert_eq!(
        db.sessions_alive(&asked).await.unwrap(),
        [("b".to_owned(), bert.role)]
    );
    assert_eq!(db.sessions_alive(&[]).await.unwrap(), []);
    // Nobody else was touched.
    assert_eq!(db.session_alive("b").await.unwrap(), Some(bert));
}

pub(crate) async fn a_used_refresh_token_ends_the_session(world: World) {
    let db = &world.db;
    let user = world.user("anna").await;
    let end = world.now() + TimeDelta::milliseconds(15_000);
    db.start_session(user.id, "s", "r1", end).await.unwrap();
    db.start_session(user.id, "t", "r1", end).await.unwrap();

    world.pass(10_000);
    let end = world.now() + TimeDelta::milliseconds(15_000);
    let rotate = |old, new| db.rotate_refresh("s", old, new, end);
    assert_eq!(rotate("r1", "r2").await.unwrap(), Rotation::Done);
    assert_eq!(rotate("r2", "r3").await.unwrap(), Rotation::Done);
    world.pass(10_000);
    assert!(
        db.session_alive("s").await.unwrap().is_some(),
        "its end was not moved"
    );

    // Somebody stole the first one.
    assert_eq!(rotate("r1", "r4").await.unwrap(), Rotation::Reused);
    assert_eq!(db.session_alive("s").await.unwrap(), None);
    for old in ["r3", "r4", "r1"] {
        assert_eq!(rotate(old, "r5").await.unwrap(), Rotation::Gone, "{old}");
    }
}

pub(crate) async fn of_many_refreshes_one_is_done_and_the_others_follow(world: World) {
    let user = world.user("anna").await;
    let end = world.now() + TimeDelta::hours(1);
    let sessions = [world.db.clone(), world.another().await];
    world
        .db
        .start_session(user.id, "s", "r", end)
        .await
        .unwrap();
    let tries = (0..8).map(|number| {
        let db = sessions[number % 2].clone();
        tokio::spawn(async move {
            let new = format!("r{number}");
            db.rotate_refresh("s", "r", &new, end).await.unwrap()
        })
    });
    let answers: Vec<_> = future::join_all(tries)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let (done, others): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .enumerate()
        .partition(|(_, answer)| *answer == Rotation::Done);
    assert_eq!(done.len(), 1, "{done:?}");
    let again = Rotation::Again {
        refresh_id: format!("r{}", done[0].0),
        expires_at: end,
    };
    for (_, answer) in others {
        assert_eq!(answer, again);
    }
    assert!(world.db.session_alive("s").await.unwrap().is_some());
}

pub(crate) async fn a_token_is_forgiven_for_a_moment_only(world: World) {
    let db = &world.db;
    let user = world.user("anna").await;
    let end = world.now() + TimeDelta::hours(1);
    let rotate = |session, old, new| db.rotate_refresh(session, old, new, end);
    for session in ["s", "t"] {
        db.start_session(user.id, session, "r1", end).await.unwrap();
        assert_eq!(rotate(session, "r1", "r2").await.unwrap(), Rotation::Done);
    }
    world.pass(REFRESH_GRACE_MS - 1);
    let again = Rotation::Again {
        refresh_id: "r2".into(),
        expires_at: end,
    };
    assert_eq!(rotate("s", "r1", "r3").await.unwrap(), again);
    // The successor was not spent by that.
    assert_eq!(rotate("s", "r2", "r3").await.unwrap(), Rotation::Done);
    // Nor is it the last one alone that is forgiven: a third tab may be later still.
    let again = Rotation::Again {
        refresh_id: "r3".into(),
        expires_at: end,
    };
    assert_eq!(rotate("s", "r1", "r4").await.unwrap(), again);
    assert_eq!(rotate("s", "r2", "r4").await.unwrap(), again);
    world.pass(1);
    assert_eq!(rotate("s", "r2", "r4").await.unwrap(), again);
    assert_eq!(rotate("s", "r1", "r4").await.unwrap(), Rotation::Reused);
    assert_eq!(rotate("s", "r2", "r4").await.unwrap(), Rotation::Gone);
    assert_eq!(rotate("t", "r1", "r3").await.unwrap(), Rotation::Reused);
    assert_eq!(db.session_alive("t").await.unwrap(), None);
}

pub(crate) async fn expired_sessions_are_swept(world: World) {
    let db = &world.db;
    let user = world.user("anna").await;
    for (session, ms) in [("a", 1_000), ("b", 2_000), ("c", 3_000)] {
        let end = world.now() + TimeDelta::milliseconds(ms);
        db.start_session(user.id, session, "r", end).await.unwrap();
    }
    world.pass(2_000);
    assert_eq!(db.sweep_sessions().await.unwrap(), 2);
    assert_eq!(db.sweep_sessions().await.unwrap(), 0);
    assert!(db.session_alive("c").await.unwrap().is_some());
}
