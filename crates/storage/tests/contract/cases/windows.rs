//! Parts of lists that are cut by where things stand.

use clipsy_domain::asset::{Asset, Visibility};
use clipsy_domain::user::{Role, User, Viewer};
use clipsy_storage::{AssetFilter, AssetOrder, Cursor, Slice, Window};

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
        let of = |asset: &Asset| filter.order.cursor(filter.descending, asset);
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
            assert!(order.fits(&order.cursor(
                descending,
                &world.db.asset(whole[0]).await.unwrap().unwrap()
            )));
        }
    }
    assert!(!AssetOrder::Title.fits(&Cursor {
        key: clipsy_storage::Key::Int(1),
        id: 1
    }));
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
    let cursor = filter.order.cursor(true, last);
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
