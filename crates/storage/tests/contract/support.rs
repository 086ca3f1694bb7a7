//! A database for each case, and short words for what the cases do.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use clipsy_domain::asset::{Asset, Visibility};
use clipsy_domain::clock::{Clock as _, FixedClock, Timestamp, from_millis};
use clipsy_domain::failure::{Failure, FailureCode, Stage};
use clipsy_domain::job::{Job, RetryPolicy};
use clipsy_domain::user::{Role, User};
use clipsy_storage::{Db, Finished, NewAsset, NewRendition, NewUser, sqlite_url};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

/// Where databases are made.
#[derive(Debug)]
pub(crate) enum Place {
    /// In files of this folder.
    Sqlite(PathBuf),
    /// In the server with this address.
    Postgres(String),
}

impl Place {
    /// The address of a new database without tables.
    pub(crate) async fn make(&self, name: &str) -> String {
        match self {
            Self::Sqlite(folder) => sqlite_url(&folder.join(format!("{name}.db"))),
            Self::Postgres(server) => {
                run(server, &format!("CREATE DATABASE {name}")).await;
                format!("{}/{name}", server.rsplit_once('/').unwrap().0)
            }
        }
    }
}

/// What a case has: a database with tables, and the clock that it goes by.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) url: String,
}

/// The length of a claim in milliseconds.
pub(crate) const LEASE: i64 = 30_000;

/// When attempts are repeated in these cases.
pub(crate) const POLICY: RetryPolicy = RetryPolicy {
    max_losses: 4,
    max_failures: 3,
    first_backoff_ms: 1_000,
    max_backoff_ms: 60_000,
};

impl World {
    pub(crate) async fn new(place: &Place, name: &str) -> Self {
        let url = place.make(name).await;
        let clock = Arc::new(FixedClock::new(from_millis(1_700_000_000_123)));
        let db = Db::connect(&url, clock.clone()).await.unwrap();
        db.migrate().await.unwrap();
        Self { db, clock, url }
    }

    /// The same database as another process sees it.
    pub(crate) async fn another(&self) -> Db {
        Db::connect(&self.url, self.clock.clone()).await.unwrap()
    }

    /// Runs a statement that no version of the program would.
    pub(crate) async fn run(&self, sql: &str) {
        run(&self.url, sql).await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.clock.advance(TimeDelta::milliseconds(ms));
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        self.db
            .create_user(new_user(name, Role::User))
            .await
            .unwrap()
    }

    /// An asset with its job, of the user `owner`, who is made if missing.
    pub(crate) async fn asset(&self, title: &str) -> (Asset, Job) {
        let owner = match self.db.user_by_name("owner").await.unwrap() {
            Some((owner, _)) => owner,
            None => self.user("owner").await,
        };
        let new = new_asset(owner.id, title);
        self.db.create_asset(new, None).await.unwrap()
    }

    /// The first attempt at the job of a new asset.
    pub(crate) async fn running(&self, title: &str) -> Job {
        let (_, job) = self.asset(title).await;
        self.claim(job.id).await
    }

    pub(crate) async fn claim(&self, job: i64) -> Job {
        let claimed = self.db.claim_job(job, "worker", LEASE).await.unwrap();
        claimed.expect("somebody else has it")
    }

    pub(crate) async fn asset_of(&self, job: &Job) -> Asset {
        self.db.asset(job.asset_id).await.unwrap().unwrap()
    }

    pub(crate) async fn job(&self, id: i64) -> Job {
        self.db.job(id).await.unwrap().unwrap()
    }

    /// Takes up every running job, as if none of their workers gave a sign of life any more.
    pub(crate) async fn abandoned(&self) -> Vec<Job> {
        let mut taken = Vec::new();
        for claim in self.db.claims().await.unwrap() {
            taken.extend(self.db.abandon(&claim, &POLICY).await.unwrap());
        }
        taken
    }

    /// The keys and prefixes that are garbage, without repetitions.
    pub(crate) async fn garbage(&self) -> Vec<String> {
        let garbage = self.db.garbage().await.unwrap();
        let mut keys: Vec<_> = garbage.into_iter().map(|note| note.key_or_prefix).collect();
        keys.sort();
        keys.dedup();
        keys
    }
}

async fn run(url: &str, sql: &str) {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let sql = AssertSqlSafe(sql.to_owned());
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
}

pub(crate) fn new_user(name: &str, role: Role) -> NewUser {
    NewUser {
        username: name.to_owned(),
        email: format!("{name}@example.org"),
        role,
        password_hash: format!("hash of {name}"),
        default_password: false,
    }
}

pub(crate) fn new_asset(owner_id: i64, title: &str) -> NewAsset {
    NewAsset {
        owner_id,
        title: title.to_owned(),
        description: String::new(),
        visibility: Visibility::Public,
        source_key: format!("videos/originals/{}.mp4", uuid::Uuid::new_v4().simple()),
        source_name: "film.mp4".to_owned(),
        source_type: "video/mp4".to_owned(),
        source_bytes: 1_000_000,
        source_sha256: None,
    }
}

pub(crate) fn rendition(rung: &str, height: i64) -> NewRendition {
    NewRendition {
        rung: rung.to_owned(),
        width: height * 16 / 9,
        height,
        bitrate: height * 4,
        file_size: 0,
        codecs: None,
        encoder: None,
    }
}

pub(crate) fn finished() -> Finished {
    Finished {
        renditions: vec![rendition("720p", 720), rendition("360p", 360)],
        duration_s: Some(12.5),
        has_thumbnail: true,
        has_storyboard: true,
    }
}

pub(crate) fn crash() -> Failure {
    Failure::new(FailureCode::Crashed, Stage::Transcode, "signal 9")
}
