use clipsy_domain::playlist::{PlaylistState, Segment, media_playlist};
use clipsy_storage::media::LocalStore;
use std::fs;

use super::*;
use crate::testing::summary;

const PREFIX: &str = "videos/processed/1/1/";
const MASTER: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n360p/playlist.m3u8\n";

struct Setup {
    root: tempfile::TempDir,
    media: Arc<LocalStore>,
    publisher: Publisher,
    stop: CancellationToken,
}

fn setup() -> Setup {
    let root = tempfile::tempdir().unwrap();
    let media = Arc::new(LocalStore::open(root.path().join("media")).unwrap());
    let (folder, stop) = (root.path().join("out"), CancellationToken::new());
    fs::create_dir_all(folder.join("360p")).unwrap();
    let store: Arc<dyn MediaStore> = media.clone();
    let mut publisher = Publisher::new(store, folder, PREFIX.into(), stop.clone());
    publisher.plan(["360p".to_owned()].into_iter());
    Setup {
        root,
        media,
        publisher,
        stop,
    }
}

impl Setup {
    /// Writes as many segments as a child would, and the playlist that lists them.
    fn write(&self, count: u64, state: PlaylistState, content: &str) {
        let segment = Segment {
            start_us: 0,
            end_us: 2_000_000,
            bytes: 1,
        };
        for index in 0..count {
            // A new file each time, as the child makes them.
            let path = self.out(&media_key::segment("360p", index));
            let _ = fs::remove_file(&path);
            fs::write(path, content).unwrap();
        }
        let count = usize::try_from(count).unwrap();
        let list = media_playlist(&vec![segment; count], 2, state);
        fs::write(self.out("360p/playlist.m3u8"), list).unwrap();
    }

    fn out(&self, name: &str) -> PathBuf {
        self.root.path().join("out").join(name)
    }

    async fn keys(&self) -> Vec<String> {
        let keys = self.media.list(PREFIX).await.unwrap();
        keys.into_iter()
            .map(|key| key[PREFIX.len()..].to_owned())
            .collect()
    }

    fn stored(&self, name: &str) -> String {
        let path = self.root.path().join("media").join(PREFIX).join(name);
        fs::read_to_string(path).unwrap()
    }
}

#[tokio::test]
async fn what_is_listed_is_published_as_it_grows() {
    let mut t = setup();
    // Nothing is there yet, as when the child has just started again.
    t.publisher.rendition("360p").await.unwrap();
    assert!(!t.publisher.playable().await.unwrap());
    assert!(t.keys().await.is_empty());

    t.write(1, PlaylistState::Growing, "a");
    fs::write(t.out("360p/segment_00001.ts"), "unlisted").unwrap();
    t.publisher.rendition("360p").await.unwrap();
    let first = ["360p/playlist.m3u8", "360p/segment_00000.ts"];
    assert_eq!(t.keys().await, first);
    assert!(!t.publisher.playable().await.unwrap());

    fs::write(t.out("master.m3u8"), MASTER).unwrap();
    t.write(2, PlaylistState::Growing, "a");
    assert!(t.publisher.playable().await.unwrap());
    assert_eq!(t.keys().await.len(), 4);
}

#[tokio::test]
async fn a_child_that_starts_again_replaces_everything() {
    let mut t = setup();
    t.write(2, PlaylistState::Growing, "first");
    fs::write(t.out("master.m3u8"), MASTER).unwrap();
    assert!(t.publisher.playable().await.unwrap());
    t.publisher.take_back().await.unwrap();
    assert!(t.keys().await.is_empty());
    t.write(1, PlaylistState::Growing, "second");
    t.publisher.rendition("360p").await.unwrap();
    assert_eq!(t.stored("360p/segment_00000.ts"), "second");
}

#[tokio::test]
async fn the_end_brings_all_that_was_made_and_nothing_half() {
    let mut t = setup();
    t.write(3, PlaylistState::Growing, "a");
    fs::write(t.out("master.m3u8"), MASTER).unwrap();
    let made = summary("360p", 3);
    let early = t.publisher.finish(&made).await.unwrap_err();
    assert!(early.to_string().contains("not complete"), "{early}");

    t.write(3, PlaylistState::Complete, "a");
    let short = t.publisher.finish(&summary("360p", 4)).await.unwrap_err();
    assert!(short.to_string().contains("not complete"), "{short}");
    let other = t.publisher.finish(&summary("720p", 3)).await.unwrap_err();
    assert!(other.to_string().contains("planned"), "{other}");
    assert!(!t.keys().await.contains(&"master.m3u8".into()));

    t.publisher.finish(&made).await.unwrap();
    assert_eq!(t.keys().await.len(), 5);
}

#[tokio::test]
async fn a_child_cannot_publish_what_is_not_its_own() {
    let mut t = setup();
    let secret = t.root.path().join("secret");
    fs::write(&secret, "key").unwrap();
    t.write(1, PlaylistState::Growing, "a");
    let segment = t.out("360p/segment_00000.ts");
    fs::remove_file(&segment).unwrap();
    std::os::unix::fs::symlink(&secret, &segment).unwrap();
    let linked = t.publisher.rendition("360p").await.unwrap_err();
    assert!(linked.to_string().contains("not a plain file"), "{linked}");

    for list in [
        "../../secret\n",
        "#EXTM3U\nsegment_00001.ts\n",
        "/etc/passwd\n",
    ] {
        fs::write(t.out("360p/playlist.m3u8"), list).unwrap();
        let error = t.publisher.rendition("360p").await.unwrap_err();
        assert!(matches!(error, Error::Strange(_)), "{list}: {error}");
    }
    assert!(t.keys().await.is_empty());
    t.write(1, PlaylistState::Growing, "a");
    for master in [
        MASTER.replace("360p", "http://example.org"),
        MASTER.replace("BANDWIDTH=1", "BANDWIDTH=1,URI=\"http://example.org\""),
        format!("{MASTER}720p/playlist.m3u8\n"),
    ] {
        fs::write(t.out("master.m3u8"), &master).unwrap();
        let error = t.publisher.playable().await.unwrap_err();
        assert!(matches!(error, Error::Strange(_)), "{master}: {error}");
    }
    assert!(!t.keys().await.contains(&"master.m3u8".into()));
    let unplanned = t.publisher.rendition("../360p").await.unwrap_err();
    assert!(matches!(unplanned, Error::Strange(_)), "{unplanned}");
}

#[tokio::test]
async fn a_stopped_attempt_publishes_nothing_more() {
    let mut t = setup();
    t.write(1, PlaylistState::Growing, "a");
    t.stop.cancel();
    let error = t.publisher.rendition("360p").await.unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert!(t.keys().await.is_empty());
}
