//! Deleting an account.

use clipsy_dispatch::Message;
use clipsy_domain::user::{User, UserId, Viewer};
use clipsy_storage::{UserChange, UserUpdate};

use crate::Service;
use crate::accounts::note_action::note_action;
use crate::accounts::require_admin;
use crate::error::{Error, Result};
use crate::uploads::reserve_bytes::allowance;
use crate::videos::delete_video::remove_video;
use crate::videos::sweep_garbage;

/// How often it is looked again for what came while the rest was done away with.
const TRIES: usize = 5;

/// The heir's limit of storage is too small for what is handed over.
const NO_ROOM: Error = Error::Conflict {
    code: "heir_quota_exceeded",
    message: "The account that is to get the videos has no room for them. Raise its limit of storage, or choose another one.",
};

/// What becomes of the videos of an account that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Legacy {
    /// They go, too.
    Delete,
    /// They become those of that account.
    HandOver(UserId),
}

/// Deletes an account; only for admins, and not their own. Unfinished uploads go with it. It is closed
/// first, so that nothing new comes: if it cannot be finished, it stays closed, and may be deleted again.
pub async fn delete_user(
    service: &Service,
    viewer: Viewer,
    id: UserId,
    videos: Legacy,
) -> Result<()> {
    require_admin(viewer)?;
    if viewer.user_id() == Some(id) {
        return Err(Error::Conflict {
            code: "own_account",
            message: "You cannot delete your own account. Another administrator can.",
        });
    }
    let heir = match videos {
        Legacy::Delete => None,
        Legacy::HandOver(heir) => Some(find_heir(service, id, heir).await?),
    };
    let room = match &heir {
        Some(heir) => allowance(service, heir.id).await?.bytes,
        None => None,
    };
    // Told before anything is done; what the heir uploads meanwhile is looked at again below.
    if let (Some(heir), Some(limit)) = (&heir, room)
        && !service.db.may_hand_over(id, heir.id, limit).await?
    {
        return Err(NO_ROOM);
    }
    let user = close(service, id).await?;
    let mut count = 0;
    for _ in 0..TRIES {
        for upload in service.db.all_unfinished_of(id).await? {
            // Whoever sends its bytes lets go first; one that does not notices when it goes on.
            let _held = service.uploads.locks.take(&upload).await;
            service.db.delete_upload(&upload).await?;
        }
        count += match &heir {
            None => delete_videos(service, viewer, id).await?,
            Some(heir) => hand_over(service, id, heir.id, room).await?,
        };
        if service.db.delete_user(id).await? {
            service.accounts.rights.end_user(id);
            let detail = match &heir {
                None => format!("{count} videos deleted"),
                Some(heir) => format!("{count} videos to {}", heir.username),
            };
            tracing::info!(
                user_id = id,
                by = viewer.user_id(),
                detail,
                "account deleted"
            );
            note_action(service, viewer, "delete_user", &user.username, &detail).await;
            let sweeping = service.clone();
            tokio::spawn(async move { sweep_garbage(&sweeping).await });
            return Ok(());
        }
        if service.db.user(id).await?.is_none() {
            return Err(Error::NotFound);
        }
    }
    Err(Error::Busy)
}

async fn find_heir(service: &Service, id: UserId, heir: UserId) -> Result<User> {
    let found = service.db.user(heir).await?;
    found
        .filter(|user| user.id != id && user.active)
        .ok_or_else(|| {
            Error::field(
                "hand_over_to",
                "There is no such account to hand videos to.",
            )
        })
}

async fn close(service: &Service, id: UserId) -> Result<User> {
    let change = UserChange {
        active: Some(false),
        ..UserChange::default()
    };
    match service.db.update_user(id, &change).await? {
        UserUpdate::Done { user, .. } => {
            service.accounts.rights.end_user(id);
            Ok(user)
        }
        UserUpdate::Missing => Err(Error::NotFound),
        UserUpdate::LastAdmin => Err(Error::Conflict {
            code: "last_admin",
            message: "This is the last admin who can sign in. Make another one first.",
        }),
    }
}

async fn delete_videos(service: &Service, viewer: Viewer, owner: UserId) -> Result<usize> {
    let videos = service.db.asset_ids_of(owner).await?;
    let mut count = 0;
    for id in videos {
        match remove_video(service, viewer, id).await {
            Ok(_) => count += 1,
            // Its owner, or somebody else, was faster.
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

async fn hand_over(
    service: &Service,
    from: UserId,
    to: UserId,
    limit: Option<i64>,
) -> Result<usize> {
    let moved = service.db.hand_over(from, to, limit).await?;
    let videos = moved.map_err(|_| NO_ROOM)?;
    for asset_id in &videos {
        service.videos.access.forget(*asset_id);
        let message = Message::AssetChanged {
            asset_id: *asset_id,
        };
        service.dispatch.events.publish(message).await;
    }
    Ok(videos.len())
}
