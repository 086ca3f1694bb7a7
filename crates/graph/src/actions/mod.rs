//! What people do, one verb a file, told by REST and GraphQL alike. Everything that must be
//! allowed is checked here, not by the callers.

pub(crate) mod append_upload;
pub(crate) mod cancel_video;
pub(crate) mod change_password;
pub(crate) mod check_health;
pub(crate) mod checksum;
pub(crate) mod choices;
pub(crate) mod choose_thumbnail;
pub(crate) mod concat_uploads;
pub(crate) mod create_upload;
pub(crate) mod create_user;
pub(crate) mod delete_upload;
pub(crate) mod delete_video;
pub(crate) mod edit_upload;
pub(crate) mod edit_video;
pub(crate) mod end_session;
pub(crate) mod find_upload;
pub(crate) mod find_user;
pub(crate) mod find_video;
pub mod finish_upload;
pub(crate) mod flush_plays;
pub(crate) mod hash_originals;
pub mod heal_uploads;
pub(crate) mod hold_queue;
pub(crate) mod link_playback;
pub(crate) mod log_in;
pub(crate) mod log_out;
pub(crate) mod note_action;
pub mod receive_upload;
pub(crate) mod refresh_session;
pub(crate) mod require_admin;
pub(crate) mod reserve_bytes;
pub(crate) mod retry_video;
pub(crate) mod set_limits;
pub(crate) mod set_priority;
pub(crate) mod start_session;
pub mod sweep_garbage;
pub(crate) mod update_user;
mod write_upload;

pub use finish_upload::finish_upload;
pub use flush_plays::flush_plays;
pub use heal_uploads::heal_uploads;
pub use receive_upload::receive_upload;
pub(crate) use require_admin::require_admin;
pub use sweep_garbage::sweep_garbage;
