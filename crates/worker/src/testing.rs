//! What the tests of the worker share.

use std::sync::Arc;
use std::time::Duration;

use clipsy_dispatch::Dispatch;
use clipsy_domain::asset::Visibility;
use clipsy_domain::clock::SystemClock;
use clipsy_domain::job::{Job, RetryPolicy};
use clipsy_domain::ladder::Ladder;
use clipsy_domain::limits::Limits;
use clipsy_domain::progress::{RenditionSummary, Summary};
use clipsy_domain::user::Role;
use clipsy_service::tickets::Wants;
use clipsy_storage::media::LocalStore;
use clipsy_storage::{Db, NewAsset, NewUser, sqlite_url};

use super::cards::Cards;
use super::{Worker, WorkerSettings};
use crate::environment::Environment;
use crate::protocol::Decoding;
use crate::sandbox::Mode;

/// A worker on a folder of its own, with one job that it has claimed.
pub(super) struct Setup {
    pub(super) folder: tempfile::TempDir,
    pub(super) worker: Worker,
    pub(super) job: Job,
}

pub(super) async fn setup() -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(&folder.path().join("test.db"));
    let db = Db::connect(&url, Arc::new(SystemClock)).await.unwrap();
    db.migrate().await.unwrap();
    let owner = NewUser {
        username: "ann".into(),
        email: String::new(),
        role: Role::User,
        password_hash: String::new(),
        default_password: false,
    };
    let owner = db.create_user(owner).await.unwrap();
    let asset = NewAsset {
        owner_id: owner.id,
        title: "Test".into(),
        description: String::new(),
        visibility: Visibility::Public,
        source_key: "videos/originals/x.mp4".into(),
        source_name: "x.mp4".into(),
        source_type: "video/mp4".into(),
        source_bytes: 1,
        source_sha256: None,
    };
    let (_, job) = db.create_asset(asset, None).await.unwrap();
    let job = db.claim_job(job.id, "test", 60_000).await.unwrap().unwrap();
    let media = Arc::new(LocalStore::open(folder.path().join("media")).unwrap());
    let dispatch = Dispatch::local(Arc::clone(db.clock()));
    let ladder: Ladder = toml::from_str(include_str!("../../../pipelines/ladder.toml")).unwrap();
    let settings = WorkerSettings {
        name: "test".into(),
        slots: 1,
        lease: Duration::from_mins(1),
        wants: Wants::Anybody,
        peers: false,
        tried: Vec::new(),
        cards: Arc::new(Cards::new(None, None)),
        scratch: folder.path().join("scratch"),
        registry: folder.path().join("registry"),
        retry: RetryPolicy::default(),
        max_runtime: Duration::from_mins(1),
        ladder,
        encoders: None,
        encoders_file: None,
        limits: Limits::default(),
        encoder: "auto".into(),
        decoder: Decoding::Software,
        stall_timeout: Duration::from_secs(1),
        sandbox: Mode::Auto,
        environment: Environment::default(),
        memory_bytes: 4 << 30,
        decoders: None,
    };
    Setup {
        worker: Worker::new(db, media, dispatch, settings).unwrap(),
        folder,
        job,
    }
}

/// What a child says that made one rendition.
pub(super) fn summary(rung: &str, segments: u64) -> Summary {
    Summary {
        master: "master.m3u8".into(),
        duration_s: 6.0,
        frame_rate: "25".into(),
        renditions: vec![RenditionSummary {
            quality: rung.into(),
            resolution: "640x360".into(),
            bitrate: 700,
            peak_bitrate: 700,
            file_size: 3,
            codecs: "avc1.64001e".into(),
            frames: 150,
            segments,
            playlist_path: format!("{rung}/playlist.m3u8"),
        }],
        thumbnail: None,
        storyboard: None,
        storyboard_tiles: 0,
        encoder: "software".into(),
        decoder: None,
        hdr_source: None,
        warnings: Vec::new(),
        wall_s: 1.0,
        cpu_s: 1.0,
        speed: 6.0,
    }
}
