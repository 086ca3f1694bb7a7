//! Tags.

use clipsy_domain::asset::Visibility;
use clipsy_domain::tags::tag_key;
use clipsy_domain::user::Viewer;
use clipsy_storage::{AssetChange, AssetFilter, AssetOrder, Window};

use crate::support::{World, new_asset};

fn tags(tags: &[&str]) -> AssetChange {
    AssetChange {
        tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
        ..AssetChange::default()
    }
}

/// The titles of what everybody finds with this.
async fn found(world: &World, change: impl Fn(&mut AssetFilter)) -> Vec<String> {
    let mut filter = AssetFilter::new(Viewer::Anonymous);
    change(&mut filter);
    let listed = world.db.assets(&filter).await.unwrap();
    let count = world.db.count_assets(&filter).await.unwrap();
    assert_eq!(count, i64::try_from(listed.len()).unwrap());
    let window = Window {
        limit: 100,
        ..Window::default()
    };
    let window = world.db.assets_window(&filter, &window).await.unwrap();
    assert_eq!(window.items, listed);
    listed.into_iter().map(|asset| asset.title).collect()
}

async fn tagged(world: &World, tag: &str) -> Vec<String> {
    found(world, |filter| filter.tag = tag_key(tag)).await
}

async fn searched(world: &World, words: &str) -> Vec<String> {
    found(world, |filter| {
        filter.search = Some(words.to_owned());
        filter.order = AssetOrder::Relevance;
    })
    .await
}

pub(crate) async fn videos_are_found_by_their_tags(world: World) {
    let (first, _) = world.asset("first").await;
    world.pass(1);
    let (second, _) = world.asset("second").await;
    assert_eq!(first.tags, [""; 0]);
    let set = world
        .db
        .update_asset(first.id, tags(&["Straße", "Winter"]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(set.tags, ["Straße", "Winter"]);
    assert_eq!(world.db.asset(first.id).await.unwrap().unwrap(), set);
    let change = tags(&["winter"]);
    world.db.update_asset(second.id, change).await.unwrap();
    assert_eq!(tagged(&world, "WINTER").await, ["second", "first"]);
    assert_eq!(tagged(&world, "#strasse").await, ["first"]);
    assert_eq!(tagged(&world, "wint").await, [""; 0]);
    // A search looks for parts of words, in tags, too; titles come first.
    assert_eq!(searched(&world, "wint").await, ["second", "first"]);
    assert_eq!(searched(&world, "first strasse").await, ["first"]);
    let both = found(&world, |filter| {
        filter.tag = tag_key("winter");
        filter.search = Some("second".to_owned());
    });
    assert_eq!(both.await, ["second"]);

    // Other changes leave them, and they go with what they are on.
    let retitled = AssetChange {
        title: Some("third".to_owned()),
        ..AssetChange::default()
    };
    let kept = world.db.update_asset(first.id, retitled).await.unwrap();
    assert_eq!(kept.unwrap().tags, ["Straße", "Winter"]);
    assert_eq!(searched(&world, "straße").await, ["third"]);
    let hidden = AssetChange {
        visibility: Some(Visibility::Unlisted),
        ..tags(&[])
    };
    world.db.update_asset(second.id, hidden).await.unwrap();
    assert_eq!(tagged(&world, "winter").await, ["third"]);
    assert_eq!(searched(&world, "winter").await, ["third"]);
    world.db.delete_asset(first.id).await.unwrap();
    assert_eq!(tagged(&world, "winter").await, [""; 0]);
    let (fourth, _) = world.asset("fourth").await;
    assert_eq!(fourth.tags, [""; 0]);
}

pub(crate) async fn tags_are_suggested_to_those_who_may_see_them(world: World) {
    let db = &world.db;
    let (ann, bob) = (world.user("ann").await.id, world.user("bob").await.id);
    let like = async |owner: Option<i64>, start: &str, most: i64| {
        db.tags_like(owner, start, most).await.unwrap()
    };
    let mut assets = Vec::new();
    for (owner, visibility, given) in [
        (ann, Visibility::Private, vec!["Summer", "summit"]),
        (ann, Visibility::Unlisted, vec!["SUMMER", "Sun"]),
        (bob, Visibility::Public, vec!["Sumo", "sun", "Zebra"]),
        (bob, Visibility::Private, vec!["sums in secret"]),
    ] {
        let new = new_asset(owner, &format!("asset {}", assets.len()));
        let (asset, _) = db.create_asset(new, None).await.unwrap();
        let change = AssetChange {
            visibility: Some(visibility),
            ..tags(&given)
        };
        db.update_asset(asset.id, change).await.unwrap();
        assets.push(asset.id);
    }
    // One's own first, written as on the newest; then what everybody sees, and nothing twice.
    assert_eq!(
        like(Some(ann), "su", 10).await,
        ["SUMMER", "summit", "Sun", "Sumo"]
    );
    assert_eq!(like(Some(ann), "summe", 10).await, ["SUMMER"]);
    assert_eq!(like(Some(ann), "", 2).await, ["SUMMER", "summit"]);
    assert_eq!(like(Some(ann), "su", 0).await, [""; 0]);
    assert_eq!(like(Some(bob), "sum", 10).await, ["Sumo", "sums in secret"]);
    assert_eq!(like(None, "", 10).await, ["Sumo", "sun", "Zebra"]);
    assert_eq!(like(None, "summ", 10).await, [""; 0]);
    assert_eq!(like(None, "s\0%_", 10).await, [""; 0]);

    // They follow what becomes of their videos.
    let shown = AssetChange {
        visibility: Some(Visibility::Public),
        ..AssetChange::default()
    };
    db.update_asset(assets[0], shown).await.unwrap();
    assert_eq!(like(None, "summ", 10).await, ["Summer", "summit"]);
    let moved = db.hand_over(bob, ann, None).await.unwrap().unwrap();
    assert_eq!(moved, assets[2..]);
    assert_eq!(like(Some(ann), "sums", 10).await, ["sums in secret"]);
    assert_eq!(like(Some(bob), "sums", 10).await, [""; 0]);
    db.delete_asset(assets[2]).await.unwrap();
    assert_eq!(like(None, "", 10).await, ["Summer", "summit"]);

    // However many have the same, each is one.
    for number in 0..30 {
        let new = new_asset(bob, &format!("many {number}"));
        let (asset, _) = db.create_asset(new, None).await.unwrap();
        db.update_asset(asset.id, tags(&["many", &format!("many {number:02}")]))
            .await
            .unwrap();
    }
    assert_eq!(
        like(Some(bob), "many", 3).await,
        ["many", "many 00", "many 01"]
    );
}
