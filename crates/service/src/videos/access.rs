//! Which video a media path belongs to and who may play it, without asking the database each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clipsy_domain::asset::{Asset, AssetId, Visibility};
use clipsy_domain::media_key;
use clipsy_domain::user::Viewer;
use quick_cache::sync::Cache;

use crate::Service;
use crate::accounts::session::{SignedIn, session_user};
use crate::accounts::token;
use crate::error::{Error, Result};

/// Longest time in milliseconds for which an asset is taken as it was. What this process changes
/// or hears of counts at once; this is for changes that it does not hear of.
const KEEP_MS: i64 = 1_000;

/// The assets that players ask for.
#[derive(Debug)]
pub struct Access {
    assets: Cache<AssetId, Known>,
    originals: Cache<String, AssetId>,
    /// Grows with each change that is heard of, so that what was read before is not kept after.
    changes: AtomicU64,
}

#[derive(Debug, Clone)]
struct Known {
    /// `None` if there is no such asset.
    asset: Option<Arc<Asset>>,
    read_ms: i64,
}

impl Access {
    pub(crate) fn new() -> Self {
        Self {
            assets: Cache::new(10_000),
            originals: Cache::new(1_000),
            changes: AtomicU64::new(0),
        }
    }

    /// The asset as it is, or was a moment ago.
    pub async fn asset(service: &Service, id: AssetId) -> Result<Option<Arc<Asset>>> {
        let this = &service.videos.access;
        let now_ms = service.now().timestamp_millis();
        if let Some(known) = this.assets.get(&id)
            && (0..KEEP_MS).contains(&(now_ms - known.read_ms))
        {
            return Ok(known.asset);
        }
        let changes = this.changes.load(Ordering::SeqCst);
        let asset = service.db.asset(id).await?.map(Arc::new);
        let known = Known {
            asset: asset.clone(),
            read_ms: now_ms,
        };
        this.assets.insert(id, known);
        // A change in between may have been heard of before there was anything to forget.
        if this.changes.load(Ordering::SeqCst) != changes {
            this.assets.remove(&id);
        }
        Ok(asset)
    }

    /// The asset whose original has that store key.
    pub async fn asset_of_original(service: &Service, key: &str) -> Result<Option<Arc<Asset>>> {
        if let Some(id) = service.videos.access.originals.get(key) {
            return Self::asset(service, id).await;
        }
        let Some(asset) = service.db.asset_by_source_key(key).await? else {
            return Ok(None);
        };
        service
            .videos
            .access
            .originals
            .insert(key.to_owned(), asset.id);
        Ok(Some(Arc::new(asset)))
    }

    /// Reads the asset again next time.
    pub fn forget(&self, id: AssetId) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.assets.remove(&id);
    }

    /// Reads all assets again next time.
    pub fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.assets.clear();
    }
}

/// By what an address opens its video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way<'a> {
    /// By nothing: who asks has to have a right to it.
    Bare,
    /// By a playback link's token: `/media/s/{token}/…`.
    Token(&'a str),
    /// By the key of the video's link: `/media/v/{key}/…`.
    Key(&'a str),
}

impl<'a> Way<'a> {
    /// Takes it off a path below `/media/`. `None` if nothing is left.
    pub fn of(path: &'a str) -> Option<(Self, &'a str)> {
        if let Some(rest) = path.strip_prefix("s/") {
            let (token, path) = rest.split_once('/')?;
            return Some((Self::Token(token), path));
        }
        if let Some(rest) = path.strip_prefix(media_key::KEYED) {
            let (key, path) = rest.split_once('/')?;
            return Some((Self::Key(key), path));
        }
        Some((Self::Bare, path))
    }

    /// True if everybody who has this very address may have what is behind it, so that caches may
    /// give it to all of them.
    pub fn is_shared(self, asset: &Asset) -> bool {
        match self {
            Self::Bare => asset.visibility == Visibility::Public,
            Self::Token(_) => false,
            Self::Key(key) => asset.opened_by(key),
        }
    }
}

/// True if the asset that was asked for in this way may be played by whoever `caller` finds, which is
/// only asked if it matters. A token or key that is not good for this very asset opens nothing, not even
/// what needs none.
pub async fn may_play(
    service: &Service,
    caller: impl Future<Output = Result<Option<SignedIn>>>,
    way: Way<'_>,
    asset: &Asset,
) -> Result<bool> {
    match way {
        Way::Bare if asset.visibility == Visibility::Public => Ok(true),
        Way::Bare => match caller.await {
            Ok(signed_in) => Ok(signed_in.is_some_and(|s| s.viewer().may_see(asset))),
            // A bad token is as good as none.
            Err(Error::AccessToken | Error::AuthorizationHeader) => Ok(false),
            // Whether it is bad is not known: "not found" would be kept, by people and by players.
            Err(error) => Err(error),
        },
        Way::Key(key) => Ok(asset.opened_by(key)),
        Way::Token(token) => {
            let claims = token::read_link(
                &service.accounts.keys,
                &service.settings.issuer,
                token,
                service.now(),
            );
            let Some(claims) = claims.filter(|claims| claims.asset == asset.id) else {
                return Ok(false);
            };
            if asset.visibility == Visibility::Public
                || claims.key.is_some_and(|key| asset.opened_by(&key))
            {
                return Ok(true);
            }
            let Some(session) = claims.sid else {
                return Ok(false);
            };
            // It may have ended since the link was made: signed out, a new password, a closed account.
            let user = session_user(service, &session).await?;
            Ok(user.is_some_and(|user| Viewer::User(user.id, user.role).may_see(asset)))
        }
    }
}
