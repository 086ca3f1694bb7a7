//! Finding assets.

use clipsy_domain::asset::{AssetState, Visibility};
use clipsy_domain::user::{Role, Viewer};
use clipsy_storage::{AssetFilter, AssetOrder, NewAsset};

use crate::support::{POLICY, World, crash, finished, new_asset};

const ADMIN: Viewer = Viewer::User(0, Role::Admin);

/// The titles that the filter finds, which are as many as are counted.
async fn titles(world: &World, filter: &AssetFilter) -> Vec<String> {
    let found = world.db.assets(filter).await.unwrap();
    if filter.limit.is_none() && filter.offset == 0 {
        let counted = world.db.count_assets(filter).await.unwrap();
        assert_eq!(usize::try_from(counted).unwrap(), found.len(), "{filter:?}");
    }
    found.into_iter().map(|asset| asset.title).collect()
}

fn by_title(viewer: Viewer) -> AssetFilter {
    AssetFilter {
        order: AssetOrder::Title,
        descending: false,
        ..AssetFilter::new(viewer)
    }
}

pub(crate) async fn viewers_find_what_they_may(world: World) {
    let (anna, bert) = (world.user("anna").await, world.user("bert").await);
    for owner in [&anna, &bert] {
        for visibility in Visibility::ALL {
            let title = format!("{} {}", owner.username, visibility.as_str());
            let new = NewAsset {
                visibility,
                ..new_asset(owner.id, &title)
            };
            world.db.create_asset(new, None).await.unwrap();
        }
    }
    let everything = [
        "anna private",
        "anna public",
        "anna unlisted",
        "bert private",
        "bert public",
        "bert unlisted",
    ];
    let public = ["anna public", "bert public"];
    let annas = [
        "anna private",
        "anna public",
        "anna unlisted",
        "bert public",
    ];
    for (viewer, expected) in [
        (Viewer::Anonymous, &public[..]),
        (Viewer::User(anna.id, Role::User), &annas[..]),
        (Viewer::User(4711, Role::User), &public[..]),
        (Viewer::User(bert.id, Role::Admin), &everything[..]),
    ] {
        assert_eq!(
            titles(&world, &by_title(viewer)).await,
            expected,
            "{viewer:?}"
        );
    }
    // With everything else that a filter can say.
    let filter = AssetFilter {
        search: Some("private".to_owned()),
        states: vec![AssetState::Queued, AssetState::Ready],
        ..by_title(Viewer::User(anna.id, Role::User))
    };
    assert_eq!(titles(&world, &filter).await, ["anna private"]);
    // By owner and visibility, which never show more than the viewer may find.
    for (viewer, owner, visibility, expected) in [
        (Viewer::Anonymous, anna.id, None, &["anna public"][..]),
        (Viewer::Anonymous, anna.id, Some(Visibility::Private), &[]),
        (
            Viewer::User(anna.id, Role::User),
            anna.id,
            Some(Visibility::Unlisted),
            &["anna unlisted"],
        ),
        (
            Viewer::User(bert.id, Role::Admin),
            anna.id,
            Some(Visibility::Private),
            &["anna private"],
        ),
    ] {
        let filter = AssetFilter {
            owner: Some(owner),
            visibility: visibility.into_iter().collect(),
            ..by_title(viewer)
        };
        assert_eq!(titles(&world, &filter).await, expected, "{viewer:?}");
        let count = world.db.count_assets(&filter).await.unwrap();
        assert_eq!(count, i64::try_from(expected.len()).unwrap(), "{viewer:?}");
    }
}

pub(crate) async fn searches_mean_their_text(world: World) {
    let all = [
        ("100% real", ""),
        ("100x real", "snake_case"),
        ("It's \"quoted\"", "back\\slash and bang!"),
        ("Ärger im Straßenverkehr", "ОТПУСК"),
        ("日本語の動画 🎬", "snakeXcase"),
    ];
    let owner = world.user("owner").await;
    for (title, description) in all {
        let new = NewAsset {
            description: description.to_owned(),
            ..new_asset(owner.id, title)
        };
        world.db.create_asset(new, None).await.unwrap();
    }
    let long = "x".repeat(200_000);
    for (search, expected) in [
        ("100% REAL", &[0][..]),
        ("100", &[0, 1]),
        ("0%", &[0]),
        ("%", &[0]),
        ("_", &[1]),
        ("snake_case", &[1]),
        ("snake", &[1, 4]),
        ("it's \"QUOTED", &[2]),
        ("'", &[2]),
        ("\\slash", &[2]),
        ("!", &[2]),
        ("ÄRGER", &[3]),
        ("ärger im straß", &[3]),
        ("отпуск", &[3]),
        ("本語", &[4]),
        ("🎬", &[4]),
        ("", &[0, 1, 2, 3, 4]),
        ("nowhere", &[]),
        ("%%", &[]),
        ("'; DROP TABLE assets; --", &[]),
        ("a\0", &[]),
        (&long, &[]),
    ] {
        let filter = AssetFilter {
            search: Some(search.to_owned()),
            descending: false,
            ..AssetFilter::new(ADMIN)
        };
        let expected: Vec<_> = expected.iter().map(|index: &usize| all[*index].0).collect();
        let short: String = search.chars().take(40).collect();
        assert_eq!(titles(&world, &filter).await, expected, "{short:?}");
    }
    // A changed title is found by its new text only.
    let filter = |search: &str| AssetFilter {
        search: Some(search.to_owned()),
        ..AssetFilter::new(ADMIN)
    };
    let asset = world.db.assets(&filter("100%")).await.unwrap().remove(0);
    let change = clipsy_storage::AssetChange {
        title: Some("Other".to_owned()),
        ..Default::default()
    };
    world.db.update_asset(asset.id, change).await.unwrap();
    assert_eq!(titles(&world, &filter("100%")).await, [""; 0]);
    assert_eq!(titles(&world, &filter("oTHER")).await, ["Other"]);
}

pub(crate) async fn states_are_filtered(world: World) {
    world.asset("queued").await;
    world.running("processing").await;
    let ready = world.running("ready").await;
    world.db.finish_job(ready.id, 1, &finished()).await.unwrap();
    let failed = world.running("failed").await;
    let mut failure = crash();
    failure.retryable = false;
    world
        .db
        .fail_job(failed.id, 1, &failure, &POLICY)
        .await
        .unwrap();
    let (cancelled, _) = world.asset("cancelled").await;
    world.db.cancel_job(cancelled.id).await.unwrap();

    let found = |states: &[AssetState]| {
        let filter = AssetFilter {
            states: states.to_vec(),
            ..by_title(Viewer::Anonymous)
        };
        let world = &world;
        async move { titles(world, &filter).await }
    };
    for state in AssetState::ALL {
        assert_eq!(found(&[state]).await, [state.as_str()]);
    }
    assert_eq!(
        found(&[AssetState::Ready, AssetState::Failed]).await,
        ["failed", "ready"]
    );
    assert_eq!(found(&AssetState::ALL).await.len(), 5);
    assert_eq!(found(&[]).await.len(), 5);
}

/// Assets that differ in everything there is to sort by, and have ties in all of it.
async fn shelf(world: &World) {
    for (title, duration_s, views) in [
        ("b", Some(10.0), 5),
        ("A", None, 5),
        ("a", Some(2.5), 1),
        ("ä", Some(10.0), 0),
        ("C", None, 7),
        ("_", Some(0.5), 7),
    ] {
        let job = world.running(title).await;
        let recorded = world
            .db
            .record_media(job.id, 1, duration_s, 640, 360, None)
            .await;
        assert!(recorded.unwrap());
        world.db.add_views(&[(job.asset_id, views)]).await.unwrap();
        if title != "A" {
            world.pass(1);
        }
    }
    // The first becomes the one that was changed last.
    let change = clipsy_storage::AssetChange::default();
    let first = world.db.assets(&by_creation()).await.unwrap()[0].id;
    world.db.update_asset(first, change).await.unwrap();
}

fn by_creation() -> AssetFilter {
    AssetFilter {
        descending: false,
        ..AssetFilter::new(ADMIN)
    }
}

/// The same on both databases, whatever the alphabet of the server; ties by number.
pub(crate) async fn orders_are_total(world: World) {
    shelf(&world).await;
    for (order, descending, expected) in [
        (AssetOrder::Created, false, ["b", "A", "a", "ä", "C", "_"]),
        (AssetOrder::Created, true, ["_", "C", "ä", "a", "A", "b"]),
        (AssetOrder::Updated, false, ["A", "a", "ä", "C", "_", "b"]),
        (AssetOrder::Updated, true, ["b", "_", "C", "ä", "a", "A"]),
        (AssetOrder::Title, false, ["_", "A", "a", "b", "C", "ä"]),
        (AssetOrder::Title, true, ["ä", "C", "b", "a", "A", "_"]),
        (AssetOrder::Views, false, ["ä", "a", "b", "A", "C", "_"]),
        (AssetOrder::Views, true, ["_", "C", "A", "b", "a", "ä"]),
        // What is not known comes last either way.
        (AssetOrder::Duration, false, ["_", "a", "b", "ä", "A", "C"]),
        (AssetOrder::Duration, true, ["ä", "b", "a", "_", "C", "A"]),
    ] {
        let filter = AssetFilter {
            order,
            descending,
            ..AssetFilter::new(ADMIN)
        };
        assert_eq!(
            titles(&world, &filter).await,
            expected,
            "{order:?} {descending}"
        );
    }
    assert!(AssetFilter::new(ADMIN).descending, "the latest come first");
}

pub(crate) async fn pages_join_up(world: World) {
    shelf(&world).await;
    let page = |offset, limit| {
        let filter = AssetFilter {
            offset,
            limit,
            ..by_title(ADMIN)
        };
        let world = &world;
        async move { titles(world, &filter).await }
    };
    let all = page(0, None).await;
    assert_eq!(all.len(), 6);
    for size in 1..=7 {
        let mut joined = Vec::new();
        for number in 0..7 {
            let part = page(number * i64::from(size), Some(size.into())).await;
            assert!(part.len() <= size as usize);
            joined.extend(part);
        }
        assert_eq!(joined, all, "pages of {size}");
    }
    assert_eq!(page(2, None).await, all[2..]);
    assert_eq!(page(6, Some(5)).await, [""; 0]);
    assert_eq!(page(i64::MAX, Some(i64::MAX)).await, [""; 0]);
    // Nonsense is as good as nothing.
    assert_eq!(page(-5, Some(2)).await, all[..2]);
    assert_eq!(page(0, Some(-2)).await, [""; 0]);
    let filter = AssetFilter {
        offset: 4,
        limit: Some(1),
        ..by_title(ADMIN)
    };
    assert_eq!(world.db.count_assets(&filter).await.unwrap(), 6);
}

pub(crate) async fn a_library_shows_what_can_be_watched(world: World) {
    world.asset("waiting").await;
    let ready = world.running("ready").await;
    world.db.finish_job(ready.id, 1, &finished()).await.unwrap();
    let hidden = world.running("hidden").await;
    world
        .db
        .finish_job(hidden.id, 1, &finished())
        .await
        .unwrap();
    let change = clipsy_storage::AssetChange {
        visibility: Some(Visibility::Private),
        ..Default::default()
    };
    world
        .db
        .update_asset(hidden.asset_id, change)
        .await
        .unwrap();
    let owner = world
        .db
        .asset(hidden.asset_id)
        .await
        .unwrap()
        .unwrap()
        .owner_id;

    // An admin's library is not full of what is nobody's business, but their own is there.
    for (viewer, expected) in [
        (Viewer::Anonymous, &["ready"][..]),
        (ADMIN, &["ready"]),
        (Viewer::User(owner, Role::Admin), &["hidden", "ready"]),
        (Viewer::User(owner, Role::User), &["hidden", "ready"]),
    ] {
        let filter = AssetFilter {
            watchable: true,
            ..by_title(viewer)
        };
        assert_eq!(titles(&world, &filter).await, expected, "{viewer:?}");
    }
    // By length, of which 12.5 s are known, and by when it was uploaded.
    let created = world
        .db
        .asset(ready.asset_id)
        .await
        .unwrap()
        .unwrap()
        .created_at;
    let later = created + chrono::TimeDelta::milliseconds(1);
    for (least, most, since, expected) in [
        (Some(12.5), None, None, &["ready"][..]),
        (Some(12.6), None, None, &[]),
        (None, Some(12.5), None, &[]),
        (None, Some(13.0), None, &["ready"]),
        (None, None, Some(created), &["ready", "waiting"]),
    ] {
        let filter = AssetFilter {
            min_duration_s: least,
            max_duration_s: most,
            created_after: since,
            ..by_title(Viewer::Anonymous)
        };
        assert_eq!(
            titles(&world, &filter).await,
            expected,
            "{least:?} {most:?}"
        );
    }
    let filter = AssetFilter {
        created_after: Some(later + chrono::TimeDelta::days(1)),
        ..by_title(ADMIN)
    };
    assert_eq!(titles(&world, &filter).await, [""; 0]);
}

pub(crate) async fn what_people_do_is_noted(world: World) {
    let anna = world.user("anna").await;
    let viewer = Viewer::User(anna.id, Role::Admin);
    for title in ["one", "two\0", "three"] {
        world
            .db
            .note_action(viewer, "delete_video", title, "")
            .await
            .unwrap();
    }
    world
        .db
        .note_action(Viewer::Anonymous, "pause_queue", "", "more")
        .await
        .unwrap();
    let all = world.db.audit(None, 10).await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|one| (one.actor.as_str(), one.target.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("", ""),
            ("anna", "three"),
            ("anna", "two\u{fffd}"),
            ("anna", "one")
        ]
    );
    assert_eq!((all[0].actor_id, all[1].actor_id), (None, Some(anna.id)));
    assert_eq!(all[0].detail, "more");
    let rest = world.db.audit(Some(all[1].id), 1).await.unwrap();
    assert_eq!(rest, [all[2].clone()]);
}
