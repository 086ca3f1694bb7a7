//! Database and media store: what is known about videos, and where their bytes lie.
//!
//! [`Db`] is one code over `SQLite` and `PostgreSQL`; its methods are grouped by noun, one file each.
//! [`media::MediaStore`] keeps bytes by key; [`media::LocalStore`] does so in a folder.
//!
//! The row of a job is the truth about it. Whoever works on a job names the attempt that they
//! claimed, and every write checks in the same statement or transaction that this attempt still
//! is the current one. "Not found" is `Ok(None)` or `Ok(false)`, never an error.

mod allowances;
mod assets;
mod audit;
mod backup;
mod cells;
mod db;
mod devices;
mod error;
mod garbage;
mod jobs;
mod leavers;
pub mod media;
mod migrate;
mod refold;
mod renditions;
mod room;
mod rows_of;
mod sessions;
mod turns;
mod uploads;
mod usage;
mod users;
mod window;
mod workers;

pub use allowances::{Exceeded, Taken};
pub use assets::{AssetChange, AssetFilter, AssetOrder, CaptionsRefused, MOST_FOUND, NewAsset};
pub use audit::AuditEntry;
pub use backup::{DatabaseKind, SnapshotError, VideoFiles, restore_postgres};
pub use db::{Connections, Db, sqlite_file_of, sqlite_url};
pub use devices::SessionInfo;
pub use error::{Error, Result};
pub use garbage::Garbage;
pub use jobs::{AfterFailure, Backlog, Claim, ClaimWatch, Finished, QueueCounts, Throughput};
pub use renditions::{NewRendition, RenditionUpdate};
pub use sessions::{REFRESH_GRACE_MS, Rotation};
pub use uploads::UploadChange;
pub use usage::Usage;
pub use users::{NewUser, UserChange, UserUpdate};
pub use window::{Cursor, Key, Slice, Window};
pub use workers::WORKER_SILENCE_MS;
