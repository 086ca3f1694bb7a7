//! How many statements a list takes: as many for many assets as for a few.
#![cfg(test)]

use std::sync::Arc;

use clipsy_domain::asset::Visibility;
use clipsy_domain::clock::SystemClock;
use clipsy_domain::user::{Role, Viewer};
use clipsy_storage::{AssetFilter, Db, NewAsset, NewRendition, NewUser, sqlite_url};
use clipsy_testkit::statements;

#[tokio::test]
async fn long_lists_take_no_more_statements_than_short_ones() {
    statements::count();
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(&folder.path().join("clipsy.db"));
    let db = Db::connect(&url, Arc::new(SystemClock)).await.unwrap();
    db.migrate().await.unwrap();
    for number in 0..300 {
        add(&db, number).await;
    }

    assert_eq!(page(&db, 1).await, (1, [1, 1, 1, 1]));
    assert_eq!(page(&db, 300).await, (300, [1, 1, 1, 1]));

    // Even those that are longer than a statement can be.
    let very_many: Vec<i64> = (1..=40_000).collect();
    statements::take();
    let renditions = db.renditions(&very_many).await.unwrap();
    assert_eq!(renditions.len(), 600);
    let many = statements::take();
    assert!((1..=40).contains(&many), "{many}");
}

/// Lists as many assets as that, with all that a page shows. Gives back how many came, and the
/// statements for: the assets, their number, their renditions, their owners.
async fn page(db: &Db, size: i64) -> (usize, [usize; 4]) {
    let filter = AssetFilter {
        limit: Some(size),
        ..AssetFilter::new(Viewer::Anonymous)
    };
    let take = || statements::take();
    take();
    let assets = db.assets(&filter).await.unwrap();
    let for_assets = take();
    assert_eq!(db.count_assets(&filter).await.unwrap(), 300);
    let for_count = take();
    let ids: Vec<i64> = assets.iter().map(|asset| asset.id).collect();
    let renditions = db.renditions(&ids).await.unwrap();
    let for_renditions = take();
    assert_eq!(renditions.len(), 2 * assets.len());
    let owners: Vec<i64> = assets.iter().map(|asset| asset.owner_id).collect();
    let owners = db.users_by_id(&owners).await.unwrap();
    let for_owners = take();
    assert_eq!(owners.len(), assets.len());
    let statements = [for_assets, for_count, for_renditions, for_owners];
    (assets.len(), statements)
}

/// Adds an asset with an owner of its own and two renditions.
async fn add(db: &Db, number: usize) {
    let owner = NewUser {
        username: format!("user{number}"),
        email: String::new(),
        role: Role::User,
        password_hash: String::new(),
        default_password: false,
    };
    let asset = NewAsset {
        owner_id: db.create_user(owner).await.unwrap().id,
        title: format!("{number}"),
        description: String::new(),
        visibility: Visibility::Public,
        source_key: format!("videos/originals/{number}"),
        source_name: String::new(),
        source_type: String::new(),
        source_bytes: 0,
        source_sha256: None,
    };
    let (_, job) = db.create_asset(asset, None).await.unwrap();
    let job = db
        .claim_job(job.id, "worker", 1_000)
        .await
        .unwrap()
        .unwrap();
    let renditions = [360, 720].map(|height| NewRendition {
        rung: format!("{height}p"),
        width: 0,
        height,
        bitrate: 0,
        file_size: 0,
        codecs: None,
        encoder: None,
    });
    let recorded = db.record_renditions(job.id, 1, &renditions).await.unwrap();
    assert!(recorded);
}
