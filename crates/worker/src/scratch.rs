//! Folders for what children write. One is made for each attempt and goes with it.

use std::io;
use std::path::{Path, PathBuf};

use clipsy_domain::job::Job;

/// The folder of one attempt. Its parts are what a child may write to.
#[derive(Debug)]
pub(super) struct Scratch {
    /// The whole.
    pub(super) folder: PathBuf,
    /// For the result. The child makes it.
    pub(super) output: PathBuf,
    /// For temporary files of libraries, and their idea of a home.
    pub(super) temporary: PathBuf,
}

impl Scratch {
    /// Makes an empty folder for the current attempt at `job` below `root`.
    pub(super) async fn make(root: &Path, job: &Job) -> io::Result<Self> {
        Self::named(root, &format!("{}-{}", job.id, job.attempt)).await
    }

    /// Makes the empty folder `name` below `root`.
    pub(super) async fn named(root: &Path, name: &str) -> io::Result<Self> {
        let folder = root.join(name);
        remove(&folder).await?;
        let temporary = folder.join("tmp");
        tokio::fs::create_dir_all(&temporary).await?;
        Ok(Self {
            output: folder.join("out"),
            folder,
            temporary,
        })
    }

    /// Removes the folder. What cannot be removed is removed at the next start.
    pub(super) async fn remove(self) {
        if let Err(error) = remove(&self.folder).await {
            tracing::warn!(folder = %self.folder.display(), %error, "a scratch folder was left behind");
        }
    }
}

/// Makes `root` if need be, and removes everything in it.
pub(super) async fn sweep(root: &Path) -> io::Result<()> {
    tokio::fs::create_dir_all(root).await?;
    let mut entries = tokio::fs::read_dir(root).await?;
    while let Some(entry) = entries.next_entry().await? {
        if entry.file_type().await?.is_dir() {
            remove(&entry.path()).await?;
        } else {
            tokio::fs::remove_file(entry.path()).await?;
        }
    }
    Ok(())
}

async fn remove(folder: &Path) -> io::Result<()> {
    match tokio::fs::remove_dir_all(folder).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
