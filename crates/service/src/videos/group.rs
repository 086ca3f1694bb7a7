//! Things that came from one list. What one of them needs is read for all of them with one
//! statement, the first time that one asks: no list causes more statements the longer it is.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use clipsy_domain::asset::{Asset, AssetId, AssetState};
use clipsy_domain::job::{Job, Rendition};
use clipsy_domain::user::{User, UserId};
use tokio::sync::OnceCell;

use crate::Service;
use crate::error::Result;
use crate::videos::find_video;
use crate::watch::video::Scene;

/// Videos of one list.
#[derive(Debug, Default)]
pub struct Videos {
    /// The rows, in the order of the list.
    pub assets: Vec<Arc<Asset>>,
    renditions: OnceCell<HashMap<AssetId, Arc<[Rendition]>>>,
    jobs: OnceCell<HashMap<AssetId, Arc<[Job]>>>,
    places: OnceCell<HashMap<AssetId, i64>>,
    owners: OnceCell<HashMap<UserId, Arc<User>>>,
    users: OnceLock<Arc<Users>>,
    /// How the one video was at a moment that is being told to its watchers.
    pub scene: Option<Arc<Scene>>,
}

impl Videos {
    /// Videos whose rows were read.
    pub fn new(assets: Vec<Arc<Asset>>) -> Arc<Self> {
        Arc::new(Self {
            assets,
            ..Self::default()
        })
    }

    /// The one video of a scene, with all that the scene knows.
    pub fn of_scene(scene: Arc<Scene>) -> Arc<Self> {
        let id = scene.asset.id;
        Arc::new(Self {
            assets: vec![Arc::clone(&scene.asset)],
            renditions: OnceCell::new_with(Some(one(id, Arc::clone(&scene.renditions)))),
            jobs: OnceCell::new_with(Some(one(id, Arc::clone(&scene.jobs)))),
            places: OnceCell::new_with(Some(scene.place.map(|p| (id, p)).into_iter().collect())),
            owners: OnceCell::new(),
            users: OnceLock::new(),
            scene: Some(scene),
        })
    }

    /// From the highest to the lowest.
    pub async fn renditions(&self, service: &Service, id: AssetId) -> Result<Arc<[Rendition]>> {
        let read = || find_video::renditions(service, self.assets.iter().map(|asset| &**asset));
        let all = self.renditions.get_or_try_init(read).await?;
        Ok(all.get(&id).cloned().unwrap_or_default())
    }

    /// The newest first.
    pub async fn jobs(&self, service: &Service, id: AssetId) -> Result<Arc<[Job]>> {
        let read = async || -> Result<_> {
            let jobs = service.db.jobs_of_assets(&self.ids()).await?;
            let grouped = grouped(jobs, |job| job.asset_id);
            Ok(grouped.map(|(id, jobs)| (id, jobs.into())).collect())
        };
        let all = self.jobs.get_or_try_init(read).await?;
        Ok(all.get(&id).cloned().unwrap_or_default())
    }

    /// Place among those that wait, from 1.
    pub async fn place(&self, service: &Service, id: AssetId) -> Result<Option<i64>> {
        let read = async || -> Result<_> {
            // The whole queue has to be put in order for this.
            let waiting = |asset: &&Arc<Asset>| asset.state == AssetState::Queued;
            let waiting = self.assets.iter().filter(waiting).map(|asset| asset.id);
            let places = service
                .db
                .queue_places(&waiting.collect::<Vec<_>>())
                .await?;
            Ok(places.into_iter().collect())
        };
        let all = self.places.get_or_try_init(read).await?;
        Ok(all.get(&id).copied())
    }

    /// Whose a video is.
    pub async fn owner(&self, service: &Service, id: UserId) -> Result<Option<Arc<User>>> {
        let read = async || -> Result<_> {
            let ids: Vec<UserId> = self.assets.iter().map(|asset| asset.owner_id).collect();
            let users = service.db.users_by_id(&ids).await?.into_iter();
            Ok(users.map(|user| (user.id, Arc::new(user))).collect())
        };
        let all: &HashMap<UserId, Arc<User>> = self.owners.get_or_try_init(read).await?;
        Ok(all.get(&id).cloned())
    }

    /// The accounts that the videos belong to, as a list of their own: the same for all videos.
    pub fn users(&self) -> Arc<Users> {
        let users = self.users.get_or_init(|| {
            let owners = self.assets.iter().map(|asset| asset.owner_id);
            Users::new(owners.collect())
        });
        Arc::clone(users)
    }

    fn ids(&self) -> Vec<AssetId> {
        self.assets.iter().map(|asset| asset.id).collect()
    }
}

/// Accounts of one list.
#[derive(Debug)]
pub struct Users {
    ids: Vec<UserId>,
    bytes: OnceCell<HashMap<UserId, i64>>,
}

impl Users {
    /// Accounts of which nothing was read yet.
    pub fn new(ids: Vec<UserId>) -> Arc<Self> {
        Arc::new(Self {
            ids,
            bytes: OnceCell::new(),
        })
    }

    /// What an account's videos take.
    pub async fn bytes(&self, service: &Service, id: UserId) -> Result<i64> {
        let read = async || -> Result<_> {
            let sums = service.db.usage_of(&self.ids).await?;
            Ok(sums.into_iter().collect())
        };
        let all: &HashMap<UserId, i64> = self.bytes.get_or_try_init(read).await?;
        Ok(all.get(&id).copied().unwrap_or(0))
    }
}

/// Jobs of one list.
#[derive(Debug)]
pub struct Jobs {
    assets: Vec<AssetId>,
    videos: OnceCell<Arc<Videos>>,
}

impl Jobs {
    /// Jobs whose rows were read.
    pub fn new(jobs: &[Job]) -> Arc<Self> {
        Arc::new(Self {
            assets: jobs.iter().map(|job| job.asset_id).collect(),
            videos: OnceCell::new(),
        })
    }

    /// Jobs of videos that were read already.
    pub fn of(videos: Arc<Videos>) -> Arc<Self> {
        Arc::new(Self {
            assets: Vec::new(),
            videos: OnceCell::new_with(Some(videos)),
        })
    }

    /// The videos that the jobs are about.
    pub async fn videos(&self, service: &Service) -> Result<Arc<Videos>> {
        let read = async || -> Result<_> {
            let assets = service.db.assets_by_id(&self.assets).await?;
            Ok(Videos::new(assets.into_iter().map(Arc::new).collect()))
        };
        self.videos.get_or_try_init(read).await.cloned()
    }
}

fn one<K: Hash + Eq, V>(key: K, value: V) -> HashMap<K, V> {
    HashMap::from([(key, value)])
}

/// The things by key, in their order.
fn grouped<K: Hash + Eq, V>(
    things: Vec<V>,
    key: impl Fn(&V) -> K,
) -> impl Iterator<Item = (K, Vec<V>)> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for thing in things {
        groups.entry(key(&thing)).or_default().push(thing);
    }
    groups.into_iter()
}
