//! Work that one of many processes does.

use crate::support::World;

pub(crate) async fn of_many_who_ask_one_has_the_turn(world: World) {
    let other = world.another().await;
    let mut asked = Vec::new();
    for db in [&world.db, &other, &world.db, &other] {
        let db = db.clone();
        asked.push(tokio::spawn(
            async move { db.take_turn("sweep", 1_000).await },
        ));
    }
    let mut had = 0;
    for asked in asked {
        had += usize::from(asked.await.unwrap().unwrap());
    }
    assert_eq!(had, 1);
    assert!(world.db.take_turn("other work", 1_000).await.unwrap());
    world.pass(999);
    assert!(!other.take_turn("sweep", 1_000).await.unwrap());
    world.pass(1);
    assert!(other.take_turn("sweep", 1_000).await.unwrap());
    assert!(!world.db.take_turn("sweep", 1_000).await.unwrap());
    other.end_turn("sweep").await.unwrap();
    assert!(world.db.take_turn("sweep", 1_000).await.unwrap());
    other.close().await;
}

pub(crate) async fn a_turn_of_a_wrong_clock_does_not_last(world: World) {
    world.pass(3_600_000);
    assert!(world.db.take_turn("sweep", 1_000).await.unwrap());
    world.pass(-3_600_000);
    assert!(world.db.take_turn("sweep", 1_000).await.unwrap());
    assert!(!world.db.take_turn("sweep", 1_000).await.unwrap());
}

pub(crate) async fn clocks_are_compared(world: World) {
    let before = world.db.clock_ahead_ms().await.unwrap();
    world.pass(7_200_000);
    let ahead = world.db.clock_ahead_ms().await.unwrap() - before;
    if world.url.starts_with("sqlite:") {
        assert_eq!((before, ahead), (0, 0));
    } else {
        // This clock stands still, and the server's goes on.
        assert!((7_000_000..=7_200_000).contains(&ahead), "{ahead}");
    }
}
