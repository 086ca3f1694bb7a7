//! Accounts.

use clipsy_domain::user::Role;
use clipsy_storage::{Error, NewUser, UserChange, UserUpdate};
use futures_util::future;

use crate::support::{World, new_user};

pub(crate) async fn accounts_are_found_by_number_and_name(world: World) {
    let db = &world.db;
    let new = NewUser {
        default_password: true,
        ..new_user("Zoë O'Neil", Role::Admin)
    };
    let user = db.create_user(new).await.unwrap();
    assert_eq!(user.username, "Zoë O'Neil");
    assert_eq!(user.email, "Zoë O'Neil@example.org");
    assert_eq!(user.role, Role::Admin);
    assert!(user.active && user.default_password);
    assert_eq!(user.created_at, world.now());

    assert_eq!(db.user(user.id).await.unwrap().as_ref(), Some(&user));
    let (found, hash) = db.user_by_name("ZOË o'neil").await.unwrap().unwrap();
    assert_eq!((found, hash.as_str()), (user.clone(), "hash of Zoë O'Neil"));
    let other = world.user("other").await;
    assert!(!other.default_password);
    assert_eq!(db.users().await.unwrap(), [user, other]);

    assert_eq!(db.user(4711).await.unwrap(), None);
    for name in [
        "",
        "zoë",
        "zo_ o'neil",
        "%",
        "other\0",
        "'; DROP TABLE users",
    ] {
        assert_eq!(db.user_by_name(name).await.unwrap(), None, "{name:?}");
    }
}

pub(crate) async fn names_are_unique_whatever_their_case(world: World) {
    for (first, second) in [("anna", "ANNA"), ("Jürgen", "jÜRGEN"), ("ΟΔΟΣ", "οδος")] {
        world.user(first).await;
        let taken = world.db.create_user(new_user(second, Role::User)).await;
        assert!(
            matches!(taken, Err(Error::Taken { what: "username" })),
            "{second}: {taken:?}"
        );
    }
    assert_eq!(world.db.users().await.unwrap().len(), 3);
}

/// Two servers start, and each wants to make the admin.
pub(crate) async fn the_first_user_is_made_once(world: World) {
    let servers = [world.db.clone(), world.another().await];
    let tries = (0..8).map(|number| {
        let db = servers[number % 2].clone();
        tokio::spawn(async move {
            let name = format!("admin{number}");
            db.create_first_user(new_user(&name, Role::Admin)).await
        })
    });
    let made: Vec<_> = future::join_all(tries)
        .await
        .into_iter()
        .filter_map(|done| done.unwrap().unwrap())
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(world.db.users().await.unwrap(), made);
}

pub(crate) async fn a_deleted_admin_never_returns(world: World) {
    let admin = || new_user("admin", Role::Admin);
    let made = world.db.create_first_user(admin()).await.unwrap();
    assert_eq!(made.unwrap().role, Role::Admin);
    world.run("DELETE FROM users").await;
    assert_eq!(world.db.create_first_user(admin()).await.unwrap(), None);
    assert_eq!(world.db.users().await.unwrap(), []);

    // Somebody who was made by hand was the first as well.
    world.run("DELETE FROM marks").await;
    world.db.create_user(admin()).await.unwrap();
    world.run("DELETE FROM users").await;
    assert_eq!(world.db.create_first_user(admin()).await.unwrap(), None);
}

pub(crate) async fn passwords_are_set(world: World) {
    let new = NewUser {
        default_password: true,
        ..new_user("admin", Role::Admin)
    };
    let user = world.db.create_user(new).await.unwrap();
    let other = world.user("other").await;
    assert!(world.db.set_password(user.id, "new hash").await.unwrap());
    let (user, hash) = world.db.user_by_name("admin").await.unwrap().unwrap();
    assert_eq!(hash, "new hash");
    assert!(!user.default_password);
    let (_, hash) = world.db.user_by_name("other").await.unwrap().unwrap();
    assert_eq!(hash, "hash of other");
    assert!(!world.db.set_password(other.id + 1, "x").await.unwrap());

    assert!(world.db.set_active(other.id, false).await.unwrap());
    assert!(!world.db.user(other.id).await.unwrap().unwrap().active);
    assert!(world.db.set_active(other.id, true).await.unwrap());
    assert!(world.db.user(other.id).await.unwrap().unwrap().active);
    assert!(!world.db.set_active(other.id + 1, false).await.unwrap());
}

pub(crate) async fn many_users_are_found_at_once(world: World) {
    let mut users = Vec::new();
    for number in 0..20 {
        users.push(world.user(&format!("user{number}")).await);
    }
    let wanted: Vec<i64> = users.iter().rev().map(|user| user.id).collect();
    assert_eq!(world.db.users_by_id(&wanted).await.unwrap(), users);
    let some = [users[3].id, users[1].id, users[3].id, 99_999, -1];
    assert_eq!(
        world.db.users_by_id(&some).await.unwrap(),
        [users[1].clone(), users[3].clone()]
    );
    let very_many: Vec<i64> = (0..5_000).collect();
    assert_eq!(world.db.users_by_id(&very_many).await.unwrap(), users);
    assert_eq!(world.db.users_by_id(&[]).await.unwrap(), []);
}

pub(crate) async fn numbers_are_never_given_twice(world: World) {
    let first = world.user("first").await;
    world.run("DELETE FROM users").await;
    let second = world.user("second").await;
    assert!(second.id > first.id);
}

pub(crate) async fn accounts_are_changed_as_a_whole(world: World) {
    let db = &world.db;
    let user = world.user("anna").await;
    let end = world.now() + chrono::TimeDelta::hours(1);
    let start = async |session: &str| {
        db.start_session(user.id, session, "r", end).await.unwrap();
    };
    let alive = async |session: &str| db.session_alive(session).await.unwrap().is_some();
    let change = async |change: UserChange| match db.update_user(user.id, &change).await.unwrap() {
        UserUpdate::Done { user, ended } => (user, ended),
        other => panic!("{other:?}"),
    };
    start("s1").await;
    let email = UserChange {
        email: Some("new@example.org".into()),
        role: Some(user.role),
        active: Some(true),
        ..UserChange::default()
    };
    let (now, ended) = change(email).await;
    assert_eq!((now.email.as_str(), ended), ("new@example.org", false));
    assert!(alive("s1").await);

    let (now, ended) = change(UserChange {
        role: Some(Role::Admin),
        ..UserChange::default()
    })
    .await;
    assert!(ended && now.role == Role::Admin && !alive("s1").await);
    start("s2").await;
    let (_, ended) = change(UserChange {
        password_hash: Some("other".into()),
        ..UserChange::default()
    })
    .await;
    assert!(ended && !alive("s2").await);
    let (_, hash) = db.user_by_name("anna").await.unwrap().unwrap();
    assert_eq!(hash, "other");
    let missing = db.update_user(4711, &UserChange::default()).await.unwrap();
    assert_eq!(missing, UserUpdate::Missing);
}

pub(crate) async fn the_last_admin_stays(world: World) {
    let db = &world.db;
    let one = db.create_user(new_user("one", Role::Admin)).await.unwrap();
    let two = db.create_user(new_user("two", Role::Admin)).await.unwrap();
    let closed = UserChange {
        active: Some(false),
        ..UserChange::default()
    };
    let lowered = UserChange {
        role: Some(Role::User),
        ..UserChange::default()
    };
    let first = db.update_user(one.id, &closed).await.unwrap();
    assert!(matches!(first, UserUpdate::Done { ended: true, .. }));
    for change in [&closed, &lowered] {
        let refused = db.update_user(two.id, change).await.unwrap();
        assert_eq!(refused, UserUpdate::LastAdmin);
    }
    assert_eq!(db.user(two.id).await.unwrap(), Some(two));
    // One who may not sign in can be lowered: that changes nothing.
    let first = db.update_user(one.id, &lowered).await.unwrap();
    assert!(matches!(first, UserUpdate::Done { .. }));
}

pub(crate) async fn the_documented_password_is_known_of(world: World) {
    let db = &world.db;
    assert!(!db.has_default_password().await.unwrap());
    let mut new = new_user("admin", Role::Admin);
    new.default_password = true;
    let admin = db.create_user(new).await.unwrap();
    assert!(db.has_default_password().await.unwrap());
    db.set_password(admin.id, "other").await.unwrap();
    assert!(!db.has_default_password().await.unwrap());
}
