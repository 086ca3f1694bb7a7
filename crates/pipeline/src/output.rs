//! The files of one transcode: written so that nothing half-made looks finished, and taken away
//! again if it does not succeed.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clipsy_domain::frame_rate::FrameRate;
use clipsy_domain::ladder::Plan;
use clipsy_domain::media_key;
use clipsy_domain::playlist::{self, PlaylistState, Segment, Variant};

use crate::Error;

/// An output folder.
pub(crate) struct OutputTree {
    root: PathBuf,
    /// Folders that did not exist before, from the outermost to `root`.
    created: Vec<PathBuf>,
    rungs: Vec<String>,
}

/// Whether a file must survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Part of a finished result.
    Durable,
    /// Will be replaced soon.
    Passing,
}

fn durability(state: PlaylistState) -> Durability {
    match state {
        PlaylistState::Complete => Durability::Durable,
        PlaylistState::Growing => Durability::Passing,
    }
}

impl OutputTree {
    /// Makes `root` if need be, checks that it can be written and removes what an earlier run
    /// left there. Files that are not ours are not touched.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        let mut created: Vec<PathBuf> = root
            .ancestors()
            .take_while(|p| !p.as_os_str().is_empty() && !p.exists())
            .map(Path::to_owned)
            .collect();
        created.reverse();
        let tree = Self {
            root: root.to_owned(),
            created,
            rungs: Vec::new(),
        };
        let result = fs::create_dir_all(root)
            .and_then(|()| tree.remove_earlier_run())
            .and_then(|()| {
                let trial = root.join(".clipsy-write-test");
                fs::write(&trial, b"x")?;
                fs::remove_file(trial)
            });
        if let Err(source) = result {
            tree.remove_created();
            return Err(Error::Output {
                path: root.to_owned(),
                source,
            });
        }
        Ok(tree)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Empty folders for the renditions of `plan`.
    pub(crate) fn prepare(&mut self, plan: &Plan) -> Result<(), Error> {
        self.clear()?;
        for rung in &plan.rungs {
            let folder = self.root.join(&rung.name);
            self.rungs.push(rung.name.clone());
            fs::create_dir_all(&folder).map_err(Error::output(&folder))?;
        }
        Ok(())
    }

    /// Writes the media playlist of a rung.
    pub(crate) fn write_playlist(
        &self,
        rung: &str,
        segments: &[Segment],
        target_duration_s: u64,
        state: PlaylistState,
    ) -> Result<(), Error> {
        let text = playlist::media_playlist(segments, target_duration_s, state);
        self.write(
            &media_key::playlist(rung),
            text.as_bytes(),
            durability(state),
        )
    }

    /// Writes the multivariant playlist.
    pub(crate) fn write_master(
        &self,
        variants: &[Variant],
        rate: FrameRate,
        state: PlaylistState,
    ) -> Result<(), Error> {
        let text = playlist::multivariant_playlist(variants, rate, state);
        self.write(media_key::MASTER, text.as_bytes(), durability(state))
    }

    /// Writes a file under a temporary name and renames it, so that readers see all or nothing.
    pub(crate) fn write(
        &self,
        name: &str,
        bytes: &[u8],
        durability: Durability,
    ) -> Result<(), Error> {
        let path = self.root.join(name);
        let temporary = path.with_file_name(format!(
            ".{}.part",
            path.file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default()
        ));
        let write = || -> io::Result<()> {
            let mut file = fs::File::create(&temporary)?;
            file.write_all(bytes)?;
            if durability == Durability::Durable {
                file.sync_all()?;
            }
            fs::rename(&temporary, &path)
        };
        write().map_err(|source| {
            let _ = fs::remove_file(&temporary);
            Error::Output { path, source }
        })
    }

    /// Size of segment `index` of a rung in bytes.
    pub(crate) fn segment_size(&self, rung: &str, index: u64) -> Result<u64, Error> {
        let path = self.root.join(media_key::segment(rung, index));
        Ok(fs::metadata(&path).map_err(Error::output(&path))?.len())
    }

    /// Makes all segments of a rung durable, before a playlist calls them complete.
    pub(crate) fn sync_segments(&self, rung: &str, count: u64) -> Result<(), Error> {
        for index in 0..count {
            let path = self.root.join(media_key::segment(rung, index));
            fs::File::open(&path)
                .and_then(|f| f.sync_all())
                .map_err(Error::output(&path))?;
        }
        self.sync_folder(rung)
    }

    /// Makes the names in a folder below the root durable.
    pub(crate) fn sync_folder(&self, name: &str) -> Result<(), Error> {
        let folder = self.root.join(name);
        fs::File::open(&folder)
            .and_then(|f| f.sync_all())
            .map_err(Error::output(&folder))
    }

    /// Removes everything that was written, the multivariant playlist first, and keeps the root.
    pub(crate) fn clear(&mut self) -> Result<(), Error> {
        let rungs = std::mem::take(&mut self.rungs);
        self.remove_ours(&rungs).map_err(Error::output(&self.root))
    }

    /// Removes everything that was written and every folder that was made for it.
    pub(crate) fn discard(mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(%error, "output of a failed run was left behind");
        }
        self.remove_created();
    }

    fn remove_created(&self) {
        for folder in self.created.iter().rev() {
            // Somebody else may have put something there: then it stays.
            let _ = fs::remove_dir(folder);
        }
    }

    /// Folders with one of our playlists or segments in them are from an earlier run.
    fn remove_earlier_run(&self) -> io::Result<()> {
        let mut rungs = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let ours = |name: String| entry.path().join(name).exists();
            let first = media_key::segment_name(0);
            if entry.file_type()?.is_dir() && (ours(media_key::PLAYLIST.into()) || ours(first)) {
                rungs.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        self.remove_ours(&rungs)
    }

    fn remove_ours(&self, rungs: &[String]) -> io::Result<()> {
        remove_file(&self.root.join(media_key::MASTER))?;
        for rung in rungs {
            let folder = self.root.join(rung);
            match fs::read_dir(&folder) {
                Ok(entries) => {
                    for entry in entries {
                        let path = entry?.path();
                        if is_rung_file(&path) {
                            remove_file(&path)?;
                        }
                    }
                    let _ = fs::remove_dir(&folder);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        for entry in fs::read_dir(&self.root)? {
            let path = entry?.path();
            if is_root_file(&path) {
                remove_file(&path)?;
            }
        }
        Ok(())
    }
}

fn file_name(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    // What a killed run was about to rename.
    match name.strip_prefix('.').and_then(|n| n.strip_suffix(".part")) {
        Some(inner) => inner.to_owned(),
        None => name,
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == extension)
}

fn is_rung_file(path: &Path) -> bool {
    let name = file_name(path);
    name == media_key::PLAYLIST || (name.starts_with("segment_") && has_extension(&name, "ts"))
}

fn is_root_file(path: &Path) -> bool {
    let name = file_name(path);
    name == media_key::MASTER
        || name == media_key::THUMBNAIL
        || name == media_key::STORYBOARD
        || (name.starts_with("storyboard_") && has_extension(&name, "jpg"))
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clipsy_domain::ladder::PlannedRung;

    fn plan() -> Plan {
        let rung = PlannedRung {
            name: "360p".into(),
            width: 640,
            height: 360,
            max_kbps: 700,
        };
        Plan {
            rungs: vec![rung],
            frame_rate: FrameRate::whole(25),
            gop_s: 2,
            segment_s: 10,
            first_segments_s: Vec::new(),
        }
    }

    #[test]
    fn a_discarded_run_leaves_nothing_of_ours_and_everything_else() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a/b");
        let mut tree = OutputTree::open(&root).unwrap();
        tree.prepare(&plan()).unwrap();
        tree.write("360p/segment_00000.ts", b"x", Durability::Durable)
            .unwrap();
        tree.write_playlist("360p", &[], 10, PlaylistState::Growing)
            .unwrap();
        tree.write_master(&[], FrameRate::whole(25), PlaylistState::Growing)
            .unwrap();
        tree.discard();
        assert!(!dir.path().join("a").exists());

        fs::create_dir_all(root.join("360p")).unwrap();
        fs::write(root.join("360p/mine.txt"), b"keep").unwrap();
        fs::write(root.join("360p/segment_00000.ts"), b"old").unwrap();
        fs::write(root.join("master.m3u8"), b"old").unwrap();
        fs::write(root.join(".master.m3u8.part"), b"old").unwrap();
        OutputTree::open(&root).unwrap().discard();
        let left: Vec<_> = fs::read_dir(root.join("360p"))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, ["mine.txt"]);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_the_way_is_a_clear_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"x").unwrap();
        let error = OutputTree::open(&file.join("out")).err().unwrap();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
    }
}
