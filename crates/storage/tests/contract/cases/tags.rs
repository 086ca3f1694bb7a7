//! Tags.

use clipsy_domain::asset::Visibility;
use clipsy_domain::tags::tag_key;
use clipsy_domain::user::Viewer;
use clipsy_storage::{AssetChange, AssetFilter, AssetOrder, Window};

use crate::support::World;

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
