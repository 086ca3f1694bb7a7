//! Parts of lists that are cut by where things stand.

use clipsy_domain::asset::{Asset, Visibility};
use clipsy_domain::user::{Role, User, Viewer};
use clipsy_storage::{AssetChange, AssetFilter, AssetOrder, Cursor, NewAsset, Slice, Window};

use crate::support::{World, new_asset, new_user};

const ADMIN: Viewer = Viewer::User(0, Role::Admin);

const ORDERS: [AssetOrder; 5] = [
    AssetOrder::Created,
    AssetOrder::Updated,
    AssetOrder::Title,
    AssetOrder::Views,
    AssetOrder::Duration,
];

/// Assets with ties in all that there is to sort by, and lengths that are not known.
async fn shelf(world: &World) {
    for (title, duration_s, views) in [
        ("b", Some(10.0), 5),
        ("A", None, 5),
        ("a", Some(2.5), 1),
        ("ä", Some(10.0), 0),
        ("C", None, 7),
        ("_", Some(0.1 + 0.2), 7),
        ("a", Some(0.1 + 0.2), 7),
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
}

fn filter(order: AssetOrder, descending: bool) -> AssetFilter {
    AssetFilter {
        order,
        descending,
        ..AssetFilter::new(ADMIN)
    }
}

async fn cut(world: &World, filter: &AssetFilter, window: Window) -> Slice<Asset> {
    world.db.assets_window(filter, &window).await.unwrap()
}

/// Numbers of all pages, read from the start or from the end.
async fn walk(world: &World, filter: &AssetFilter, size: i64, backward: bool) -> Vec<i64> {
    let (mut ids, mut edge) = (Vec::new(), None::<Cursor>);
    loop {
        let (after, before) = if backward { (None, edge) } else { (edge, None) };
        let window = Window {
            after,
            before,
            limit: size,
            backward,
        };
        let Slice { items, more } = cut(world, filter, window).await;
        let of = |asset: &Asset| filter.cursor(asset);
        edge = if backward {
            items.first().map(of)
        } else {
            items.last().map(of)
        };
        let page: Vec<i64> = items.iter().map(|asset| asset.id).collect();
        if backward {
            ids.splice(0..0, page);
        } else {
            ids.extend(page);
        }
        assert!(!more || items.len() == usize::try_from(size).unwrap());
        if !more {
            return ids;
        }
    }
}

/// Whatever the order and the size, forward and backward, they are the whole list.
pub(crate) async fn windows_join_up(world: World) {
    shelf(&world).await;
    for order in ORDERS {
        for descending in [false, true] {
            let filter = filter(order, descending);
            let whole = world.db.assets(&filter).await.unwrap();
            let whole: Vec<i64> = whole.iter().map(|asset| asset.id).collect();
            for size in [1, 2, 3, 7, 100] {
                for backward in [false, true] {
                    let walked = walk(&world, &filter, size, backward).await;
                    assert_eq!(walked, whole, "{order:?} {descending} by {size} {backward}");
                }
            }
            let first = world.db.asset(whole[0]).await.unwrap().unwrap();
            assert!(order.fits(&filter.cursor(&first)));
        }
    }
    assert!(!AssetOrder::Title.fits(&Cursor {
        key: clipsy_storage::Key::Int(1),
        id: 1
    }));
}

/// In a search, titles come first, and the pages of it join up as well.
pub(crate) async fn searches_give_titles_first(world: World) {
    let owner = world.user("owner").await;
    for (title, description) in [
        ("Beach in summer", ""),
        ("Holiday", "summer on the BEACH"),
        ("Summer", "no beach"),
        ("Other", "summertime, beaches"),
        ("Beachy summerhouse", "beach"),
        ("Winter", "a beach"),
    ] {
        let new = NewAsset {
            description: description.to_owned(),
            ..new_asset(owner.id, title)
        };
        world.db.create_asset(new, None).await.unwrap();
        world.pass(1);
    }
    let search = AssetFilter {
        search: Some("summer  each".to_owned()),
        ..filter(AssetOrder::Relevance, true)
    };
    let found = world.db.assets(&search).await.unwrap();
    let ids: Vec<i64> = found.iter().map(|asset| asset.id).collect();
    assert_eq!(ids, [5, 1, 4, 3, 2]);
    assert_eq!(world.db.count_assets(&search).await.unwrap(), 5);
    for size in [1, 2, 3, 100] {
        for backward in [false, true] {
            assert_eq!(walk(&world, &search, size, backward).await, ids);
        }
    }
    // Another order is another order.
    let by_title = AssetFilter {
        order: AssetOrder::Title,
        descending: false,
        ..search.clone()
    };
    let titles = world.db.assets(&by_title).await.unwrap();
    assert_eq!(titles[0].title, "Beach in summer");
    assert_eq!(titles.len(), 5);
    // What may not be seen is not found, nor what is gone.
    let nobody = AssetFilter {
        viewer: Viewer::Anonymous,
        ..search.clone()
    };
    let hidden = AssetChange {
        visibility: Some(Visibility::Private),
        ..AssetChange::default()
    };
    world.db.update_asset(5, hidden).await.unwrap().unwrap();
    world.db.delete_asset(4).await.unwrap().unwrap();
    assert_eq!(walk(&world, &nobody, 2, false).await, [1, 3, 2]);
    assert_eq!(world.db.count_assets(&nobody).await.unwrap(), 3);
}

/// Of more than a search may find, the newest are found, and as many titles as may be.
pub(crate) async fn searches_find_the_newest_and_as_many_titles(world: World) {
    let (asset, _) = world.asset("model").await;
    let most = clipsy_storage::MOST_FOUND;
    let all = most * 2 + 500;
    // Numbers beside the first: every fourth title has the word, and all descriptions have it.
    let numbers = format!(
        "WITH RECURSIVE numbers (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM numbers WHERE i < {all}) "
    );
    world
        .run(&format!(
            "INSERT INTO assets (owner_id, title, title_key, description, search_text, visibility, state, \
             playable, views, has_thumbnail, has_storyboard, source_key, source_name, source_type, \
             source_bytes, created_at, updated_at) {numbers}\
             SELECT owner_id, CASE WHEN i % 4 = 0 THEN 'a needle ' ELSE 'hay ' END || i, '', \
             'with needles', '', visibility, state, playable, 0, 0, 0, 'k' || i, source_name, source_type, \
             source_bytes, created_at + i, updated_at FROM numbers JOIN assets ON assets.id = {} \
             ORDER BY i",
            asset.id
        ))
        .await;
    world
        .run("DELETE FROM marks WHERE name LIKE 'texts folded%'")
        .await;
    world.db.migrate().await.unwrap();
    let search = |words: &str| AssetFilter {
        search: Some(words.to_owned()),
        ..filter(AssetOrder::Created, true)
    };
    let found = walk(&world, &search("needle"), 700, false).await;
    let newest = (all - most + 1)..=all;
    let expected = (1..=all).filter(|i| newest.contains(i) || i % 4 == 0);
    assert_eq!(found, expected.rev().collect::<Vec<_>>());
    // What only titles have is found up to the limit, whatever else has it.
    let hay = walk(&world, &search("hay"), 700, false).await;
    let expected = (2..=all).rev().filter(|i| i % 4 != 0);
    let expected: Vec<i64> = expected.take(usize::try_from(most).unwrap()).collect();
    assert_eq!(hay, expected);
}

/// Whatever way a name is written in, it is found by any other.
pub(crate) async fn searches_go_by_what_text_means(world: World) {
    for title in ["Cafe\u{301} İstanbul", "STRASSE ﬁlm", "ＡＢＣ 動画"] {
        world.asset(title).await;
        world.pass(1);
    }
    for (search, id) in [
        ("Café", 1),
        ("fé", 1),
        ("istanbul", 1),
        ("ISTANBUL", 1),
        ("İSTAN", 1),
        ("straße", 2),
        ("FILM", 2),
        ("abc", 3),
        ("画", 3),
        ("動\u{200b}画", 3),
    ] {
        let filter = AssetFilter {
            search: Some(search.to_owned()),
            ..filter(AssetOrder::Relevance, true)
        };
        assert_eq!(walk(&world, &filter, 5, false).await, [id], "{search}");
    }
}

/// What an earlier version derived from texts is derived anew, once.
pub(crate) async fn texts_of_earlier_versions_are_folded(world: World) {
    for title in ["Cafe\u{301}", "ﬁlm"] {
        world.asset(title).await;
    }
    for (name, key) in [
        ("Jose\u{301}", "jose\u{301}"),
        ("José", "josé"),
        ("ＡＮＮ", "ａｎｎ"),
    ] {
        let user = world.user(&format!("made for {key}")).await;
        world
            .run(&format!(
                "UPDATE users SET username = '{name}', username_key = '{key}' WHERE id = {}",
                user.id
            ))
            .await;
    }
    world
        .run("DELETE FROM marks WHERE name LIKE 'texts folded%'")
        .await;
    world.run("DELETE FROM asset_search").await;
    world
        .run("UPDATE assets SET title_key = 'x', search_text = 'x'")
        .await;
    let search = |text: &str| AssetFilter {
        search: Some(text.to_owned()),
        ..filter(AssetOrder::Title, false)
    };
    assert!(walk(&world, &search("café"), 5, false).await.is_empty());
    world.db.migrate().await.unwrap();
    assert_eq!(walk(&world, &search("CAFÉ"), 5, false).await, [1]);
    assert_eq!(walk(&world, &search("film"), 5, false).await, [2]);
    // Each is found by the very name, the older of two that look alike by any other way to write it.
    let id_of = async |name: &str| {
        let found = world.db.user_by_name(name).await.unwrap();
        found.map(|(user, _)| user.username)
    };
    assert_eq!(id_of("jose\u{301}").await.as_deref(), Some("Jose\u{301}"));
    assert_eq!(id_of("José").await.as_deref(), Some("José"));
    assert_eq!(id_of("ann").await.as_deref(), Some("ＡＮＮ"));
    // Not once more: it would undo what was changed since.
    world.run("UPDATE assets SET title_key = 'x'").await;
    world.db.migrate().await.unwrap();
    let titles = world.db.assets(&search("film")).await.unwrap();
    assert_eq!(titles.len(), 1);
}

/// What is added or removed elsewhere shifts nothing; a cursor is good when its thing is gone.
pub(crate) async fn windows_stand_still_while_lists_move(world: World) {
    for title in ["a", "b", "c", "d", "e"] {
        world.asset(title).await;
        world.pass(1);
    }
    let filter = filter(AssetOrder::Created, true);
    let window = |after| Window {
        after,
        limit: 2,
        ..Window::default()
    };
    let titles = |slice: &Slice<Asset>| {
        let titles = slice.items.iter().map(|asset| asset.title.clone());
        titles.collect::<Vec<_>>()
    };
    let first = cut(&world, &filter, window(None)).await;
    assert_eq!(titles(&first), ["e", "d"]);
    let last = &first.items[1];
    let cursor = filter.cursor(last);
    world.asset("f").await;
    world.db.delete_asset(last.id).await.unwrap().unwrap();
    let second = cut(&world, &filter, window(Some(cursor.clone()))).await;
    assert_eq!(
        (titles(&second), second.more),
        (vec!["c".into(), "b".into()], true)
    );
    let back = Window {
        before: Some(cursor),
        limit: 5,
        backward: true,
        ..Window::default()
    };
    let back = cut(&world, &filter, back).await;
    assert_eq!(
        (titles(&back), back.more),
        (vec!["f".into(), "e".into()], false)
    );
}

/// A window is cut out of what the filter lets through.
pub(crate) async fn windows_keep_to_their_filter(world: World) {
    let owner = world.user("owner").await;
    let other = world.user("other").await;
    for visibility in Visibility::ALL {
        for user in [&owner, &other] {
            let mut new = new_asset(user.id, visibility.as_str());
            new.visibility = visibility;
            world.db.create_asset(new, None).await.unwrap();
        }
    }
    let found = async |viewer: Viewer, visibility: &[Visibility]| {
        let filter = AssetFilter {
            visibility: visibility.to_vec(),
            search: Some("I".into()),
            ..AssetFilter::new(viewer)
        };
        let all = walk(&world, &filter, 1, false).await;
        assert_eq!(all, walk(&world, &filter, 1, true).await);
        let count = world.db.count_assets(&filter).await.unwrap();
        assert_eq!(count, i64::try_from(all.len()).unwrap());
        all.len()
    };
    let viewer = Viewer::User(owner.id, Role::User);
    assert_eq!(found(Viewer::Anonymous, &[]).await, 2);
    assert_eq!(found(viewer, &[]).await, 4);
    assert_eq!(found(ADMIN, &[]).await, 6);
    let hidden = [Visibility::Private, Visibility::Unlisted];
    assert_eq!(found(viewer, &hidden).await, 2);
    assert_eq!(found(ADMIN, &hidden).await, 4);
}

pub(crate) async fn accounts_are_listed_by_name(world: World) {
    for name in ["bert", "Anna", "ärnst", "anton", "zoe"] {
        let new = new_user(name, Role::User);
        world.db.create_user(new).await.unwrap();
    }
    let db = &world.db;
    let names = |users: &[User]| users.iter().map(|u| u.username.clone()).collect::<Vec<_>>();
    let mut walked = Vec::new();
    let mut window = Window {
        limit: 2,
        ..Window::default()
    };
    loop {
        let slice = db.users_window(None, &window).await.unwrap();
        walked.extend(names(&slice.items));
        window.after = slice.items.last().map(Cursor::from);
        if !slice.more {
            break;
        }
    }
    assert_eq!(walked, ["Anna", "anton", "bert", "zoe", "ärnst"]);
    assert_eq!(db.count_users(None).await.unwrap(), 5);
    let all = Window {
        limit: 10,
        ..Window::default()
    };
    let found = db.users_window(Some("AN"), &all).await.unwrap();
    assert_eq!(names(&found.items), ["Anna", "anton"]);
    assert_eq!(db.count_users(Some("bert@EXAMPLE")).await.unwrap(), 1);
    assert_eq!(db.count_users(Some("%")).await.unwrap(), 0);
}
