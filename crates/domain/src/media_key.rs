//! Paths of a video's files: in its output folder, in the media store, and in URLs.
//!
//! Only this module knows the layout.

use crate::asset::{Asset, AssetId, Visibility};
use crate::captions::{CaptionKind, CaptionTrack};
use crate::job::Attempt;

/// The multivariant playlist.
pub const MASTER: &str = "master.m3u8";
/// The poster picture.
pub const THUMBNAIL: &str = "thumbnail.jpg";
/// The storyboard's index.
pub const STORYBOARD: &str = "storyboard.vtt";

/// Name of a media playlist in the folder of its rung.
pub const PLAYLIST: &str = "playlist.m3u8";

/// Media playlist of a rung: `{rung}/playlist.m3u8`.
pub fn playlist(rung: &str) -> String {
    format!("{rung}/{PLAYLIST}")
}

/// Name of segment `index` beside its playlist: `segment_00000.ts`.
pub fn segment_name(index: u64) -> String {
    format!("segment_{index:05}.ts")
}

/// Segment `index` of a rung: `{rung}/segment_00000.ts`.
pub fn segment(rung: &str, index: u64) -> String {
    format!("{rung}/{}", segment_name(index))
}

/// Sprite sheet `index` of the storyboard: `storyboard_000.jpg`.
pub fn storyboard_sheet(index: usize) -> String {
    format!("storyboard_{index:03}.jpg")
}

/// How many hexadecimal digits of a revision are random.
const REVISION_DIGITS: usize = 24;

/// A globally unique name for the output of `attempt`: `{attempt}-` and the start of `random`, 24
/// random hexadecimal digits. It is part of every URL of immutable files.
pub fn revision(attempt: Attempt, random: u128) -> String {
    let digits = format!("{random:032x}");
    format!("{attempt}-{}", &digits[..REVISION_DIGITS])
}

/// The attempt of a revision; `None` if this is not a revision.
pub fn attempt_of(revision: &str) -> Option<Attempt> {
    let (attempt, digits) = revision.split_once('-')?;
    let random = digits.len() == REVISION_DIGITS
        && digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    number(attempt).filter(|_| random)
}

/// Rewrites a media playlist that lists segments by [`segment_name`] so that their URLs contain
/// `revision`, as a folder beside the playlist.
pub fn revise_playlist(text: &str, revision: &str) -> String {
    let segments = text.lines().filter(|line| is_segment(line)).count();
    let mut revised = String::with_capacity(text.len() + segments * (revision.len() + 1));
    for line in text.split_inclusive('\n') {
        if is_segment(line) {
            revised.push_str(revision);
            revised.push('/');
        }
        revised.push_str(line);
    }
    revised
}

/// True for a line of a playlist that is a segment's URL.
fn is_segment(line: &str) -> bool {
    !line.starts_with('#') && !line.trim().is_empty()
}

/// Store key of the bytes of an unfinished upload.
pub fn upload(upload_id: &str) -> String {
    format!("{UPLOADS}{upload_id}")
}

/// Where the bytes of unfinished uploads lie in the store.
pub const UPLOADS: &str = "uploads/";

/// Store key of an original: `videos/originals/{upload_id}.{extension}`. `extension` is the one of
/// the file's name; characters other than letters and digits are omitted.
pub fn original(upload_id: &str, file_name: &str) -> String {
    match extension(file_name) {
        Some(extension) => format!("{ORIGINALS}{upload_id}.{extension}"),
        None => format!("{ORIGINALS}{upload_id}"),
    }
}

/// Where originals lie in the store.
pub const ORIGINALS: &str = "videos/originals/";

/// The extension of a file name in lower case, if it is one to eight letters and digits.
pub fn extension(file_name: &str) -> Option<String> {
    let (stem, extension) = file_name.rsplit_once('.')?;
    let sane = !stem.is_empty()
        && (1..=8).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    sane.then(|| extension.to_ascii_lowercase())
}

/// Where everything of finished uploads lies in the store.
pub const VIDEOS: &str = "videos/";

/// Where output lies in the store, in a folder for each asset.
pub const OUTPUTS: &str = "videos/processed/";

/// Store prefix of everything made of an asset: `videos/processed/{id}/`.
pub fn asset_prefix(asset: AssetId) -> String {
    format!("{OUTPUTS}{asset}/")
}

/// Store prefix of what one attempt makes: `videos/processed/{id}/{attempt}/`. Below it lies what
/// `clipsy transcode --out` writes.
pub fn output_prefix(asset: AssetId, attempt: Attempt) -> String {
    format!("{}{attempt}/", asset_prefix(asset))
}

/// Where poster pictures that people chose lie in the store.
pub const THUMBNAILS: &str = "videos/thumbnails/";

/// Store key of a poster picture that somebody chose: `videos/thumbnails/{id}_{name}.jpg`. Each
/// choice gets a name of its own, which begins with `c` so that it is not taken for an attempt.
pub fn chosen_thumbnail(asset: AssetId, name: &str) -> String {
    format!("{THUMBNAILS}{asset}_{name}.jpg")
}

/// Where captions lie in the store.
pub const CAPTIONS: &str = "videos/captions/";

/// Store key of captions: `videos/captions/{id}_{name}.vtt`. Each file has a name of its own.
pub fn captions(asset: AssetId, name: &str) -> String {
    format!("{CAPTIONS}{asset}_{name}.vtt")
}

/// Folder of the playlists of captions beside the multivariant playlist.
const CAPTION_LISTS: &str = "captions/";
/// What follows a language if captions are for people who do not hear.
const FOR_DEAF: &str = ".sdh";

/// Media playlist of captions: `captions/{language}/playlist.m3u8`, for people who do not hear
/// `captions/{language}.sdh/playlist.m3u8`.
pub fn captions_playlist(language: &str, kind: CaptionKind) -> String {
    let deaf = match kind {
        CaptionKind::Subtitles => "",
        CaptionKind::Captions => FOR_DEAF,
    };
    format!("{CAPTION_LISTS}{language}{deaf}/{PLAYLIST}")
}

/// Segment `index` of captions, beside their playlist: `{name}/segment_00000.vtt`, and with a revision of the
/// output `{name}/{revision}/segment_00000.vtt`, since both make what is in it.
pub fn captions_segment(name: &str, revision: Option<&str>, index: u64) -> String {
    match revision {
        Some(revision) => format!("{name}/{revision}/segment_{index:05}.vtt"),
        None => format!("{name}/segment_{index:05}.vtt"),
    }
}

/// What a path below an output names, if it is of captions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptionFile {
    /// Their playlist.
    Playlist,
    /// A segment of the file with that name.
    Segment {
        /// Name of the file.
        name: String,
        /// Which segment.
        index: u64,
    },
}

/// Reads a path that [`captions_playlist`] or [`captions_segment`] made, without the revision. The language is as
/// it is written in the path.
pub fn caption_file(file: &str) -> Option<(&str, CaptionKind, CaptionFile)> {
    let (folder, rest) = file.strip_prefix(CAPTION_LISTS)?.split_once('/')?;
    let (language, kind) = match folder.strip_suffix(FOR_DEAF) {
        Some(language) => (language, CaptionKind::Captions),
        None => (folder, CaptionKind::Subtitles),
    };
    if rest == PLAYLIST {
        return Some((language, kind, CaptionFile::Playlist));
    }
    let (name, segment) = rest.split_once('/')?;
    let digits = segment.strip_prefix("segment_")?.strip_suffix(".vtt")?;
    let index: u64 = digits.parse().ok()?;
    // There is one way to write it.
    let name = (format!("{index:05}") == digits).then(|| name.to_owned())?;
    Some((language, kind, CaptionFile::Segment { name, index }))
}

/// What a path below `/media/` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaPath {
    /// An original, by its store key.
    Original {
        /// Store key.
        key: String,
    },
    /// A file of an asset's output, by its path below the output folder.
    Output {
        /// The asset.
        asset: AssetId,
        /// Which of its outputs; the published one if the URL has no revision. It precedes the file
        /// name: `720p/{revision}/segment_00000.ts`.
        revision: Option<String>,
        /// E.g. `720p/segment_00000.ts`.
        file: String,
    },
    /// An asset's poster picture.
    Thumbnail {
        /// The asset.
        asset: AssetId,
        /// Which of its pictures.
        poster: Poster,
    },
    /// Captions of an asset, whole.
    Captions {
        /// The asset.
        asset: AssetId,
        /// Name of the file; see [`captions`].
        name: String,
    },
}

/// A poster picture as an address names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poster {
    /// The one that it has now: `{id}.jpg`.
    Current,
    /// That of an output, by its revision: `{id}_{revision}.jpg`. Earlier versions used the attempt
    /// only: `{id}_{attempt}.jpg`.
    Made(String),
    /// One chosen by a user, by its name: `{id}_c….jpg`.
    Chosen(String),
}

impl MediaPath {
    /// Reads a decoded path without its leading `/media/`, e.g. `videos/processed/1/master.m3u8`.
    /// `None` for anything that this server never generates, including `..` and backslashes.
    pub fn parse(path: &str) -> Option<Self> {
        let plain = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        if !path.split('/').all(plain) {
            return None;
        }
        if let Some(name) = path.strip_prefix(ORIGINALS) {
            return (!name.contains('/')).then(|| Self::Original {
                key: path.to_owned(),
            });
        }
        if let Some(rest) = path.strip_prefix(OUTPUTS) {
            let (asset, file) = rest.split_once('/')?;
            let (revision, file) = without_revision(file);
            return Some(Self::Output {
                asset: number(asset)?,
                revision,
                file,
            });
        }
        if let Some(name) = path.strip_prefix(CAPTIONS) {
            let (asset, name) = name.strip_suffix(".vtt")?.split_once('_')?;
            let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
            return Some(Self::Captions {
                asset: number(asset)?,
                name: plain.then(|| name.to_owned())?,
            });
        }
        let name = path.strip_prefix(THUMBNAILS)?.strip_suffix(".jpg")?;
        let (asset, poster) = match name.split_once('_') {
            None => (name, Poster::Current),
            Some((asset, chosen)) if chosen.starts_with('c') => {
                let plain = chosen.bytes().all(|b| b.is_ascii_alphanumeric());
                (asset, Poster::Chosen(plain.then(|| chosen.to_owned())?))
            }
            Some((asset, made)) => {
                attempt_of(made).or_else(|| number(made))?;
                (asset, Poster::Made(made.to_owned()))
            }
        };
        Some(Self::Thumbnail {
            asset: number(asset)?,
            poster,
        })
    }
}

/// How addresses of media begin.
const MEDIA: &str = "/media";

/// Prefix of the URLs of an asset's media: with the key of its link while it is unlisted. Relative
/// URLs work below it.
fn media(asset: &Asset) -> String {
    match asset.visibility {
        Visibility::Unlisted => format!("{MEDIA}/{KEYED}{}", asset.link_key),
        Visibility::Public | Visibility::Private => MEDIA.to_owned(),
    }
}

/// What precedes the key of a link in media URLs, below `/media/`.
pub const KEYED: &str = "v/";

/// One of the URLs below, but below `prefix`, which grants access in another way.
pub fn behind(prefix: &str, url: &str) -> String {
    let path = url.strip_prefix(MEDIA).unwrap_or(url);
    let keyed = path.strip_prefix('/').and_then(|p| p.strip_prefix(KEYED));
    let path = keyed.map_or(path, |rest| rest.find('/').map_or("", |at| &rest[at..]));
    format!("{prefix}{path}")
}

/// Address of an asset's multivariant playlist.
pub fn master_url(asset: &Asset) -> String {
    format!("{}/videos/processed/{}/{MASTER}", media(asset), asset.id)
}

/// Address of a rendition's media playlist.
pub fn playlist_url(asset: &Asset, rung: &str) -> String {
    let file = playlist(rung);
    format!("{}/videos/processed/{}/{file}", media(asset), asset.id)
}

/// URL of the asset's storyboard index. Its sheets are beside it, below the same revision.
pub fn storyboard_url(asset: &Asset) -> String {
    let (media, id) = (media(asset), asset.id);
    match &asset.output_revision {
        Some(revision) => format!("{media}/videos/processed/{id}/{revision}/{STORYBOARD}"),
        None => format!("{media}/videos/processed/{id}/{STORYBOARD}"),
    }
}

/// URL of the asset's poster image: the chosen one, else that of its output. `None` if it has none.
/// A different image has a different URL, so that each can be cached forever.
pub fn thumbnail_url(asset: &Asset) -> Option<String> {
    let (media, id) = (media(asset), asset.id);
    if let Some(name) = &asset.chosen_thumbnail {
        return Some(format!("{media}/{}", chosen_thumbnail(id, name)));
    }
    asset.output_attempt.filter(|_| asset.has_thumbnail)?;
    Some(match &asset.output_revision {
        Some(revision) => format!("{media}/{THUMBNAILS}{id}_{revision}.jpg"),
        None => format!("{media}/{THUMBNAILS}{id}.jpg"),
    })
}

/// Address of captions, whole. Other captions have another address, so that each can be cached forever.
pub fn captions_url(asset: &Asset, track: &CaptionTrack) -> String {
    format!("{}/{}", media(asset), captions(asset.id, &track.name))
}

/// Address of an asset's original.
pub fn original_url(asset: &Asset) -> String {
    format!("{}/{}", media(asset), asset.source_key)
}

/// What identifies an asset in the URLs of its pages, `/watch/…` and `/embed/…`: the key of its link
/// while it is unlisted, else its number.
pub fn page_name(asset: &Asset) -> String {
    match asset.visibility {
        Visibility::Unlisted => asset.link_key.clone(),
        Visibility::Public | Visibility::Private => asset.id.to_string(),
    }
}

/// Removes the revision from a path below an output: its last folder, if it is one.
fn without_revision(file: &str) -> (Option<String>, String) {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    if attempt_of(last).is_none() {
        return (None, file.to_owned());
    }
    let file = if above.is_empty() {
        name.to_owned()
    } else {
        format!("{above}/{name}")
    };
    (Some(last.to_owned()), file)
}

/// A number as this module writes it: digits without a leading zero.
fn number(text: &str) -> Option<AssetId> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits && !text.starts_with('0')).then_some(())?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_original_products() {
        assert_eq!(playlist("720p"), "720p/playlist.m3u8");
        assert_eq!(segment("720p", 0), "720p/segment_00000.ts");
        assert_eq!(segment("720p", 123_456), "720p/segment_123456.ts");
        assert_eq!(storyboard_sheet(2), "storyboard_002.jpg");
    }

    #[test]
    fn addresses_are_read_back() {
        let parse = |url: String| MediaPath::parse(url.strip_prefix("/media/").unwrap());
        assert_eq!(
            parse("/media/videos/processed/7/master.m3u8".to_owned()),
            Some(MediaPath::Output {
                asset: 7,
                revision: None,
                file: "master.m3u8".into()
            })
        );
        assert_eq!(
            parse("/media/videos/processed/7/720p/playlist.m3u8".to_owned()),
            Some(MediaPath::Output {
                asset: 7,
                revision: None,
                file: "720p/playlist.m3u8".into()
            })
        );
        let poster = |name: &str| match MediaPath::parse(&format!("videos/thumbnails/{name}")) {
            Some(MediaPath::Thumbnail { asset: 7, poster }) => Some(poster),
            _ => None,
        };
        assert_eq!(poster("7.jpg"), Some(Poster::Current));
        assert_eq!(poster("7_2.jpg"), Some(Poster::Made("2".into())));
        let revision = revision(2, u128::MAX >> 4);
        let made = Some(Poster::Made(revision.clone()));
        assert_eq!(poster(&format!("7_{revision}.jpg")), made);
        assert_eq!(poster("7_c0f.jpg"), Some(Poster::Chosen("c0f".into())));
        assert_eq!(chosen_thumbnail(7, "c0f"), "videos/thumbnails/7_c0f.jpg");
        assert_eq!(
            MediaPath::parse(&original("ab12", "my film.MOV")),
            Some(MediaPath::Original {
                key: "videos/originals/ab12.mov".into()
            })
        );
    }

    #[test]
    fn a_prefix_stands_in_for_what_opens_a_video() {
        let path = "/videos/processed/7/master.m3u8";
        for url in [format!("/media{path}"), format!("/media/v/0af{path}")] {
            assert_eq!(behind("/media/s/x", &url), format!("/media/s/x{path}"));
        }
    }

    #[test]
    fn a_revision_stands_in_front_of_the_name() {
        let new = revision(12, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(new, "12-0123456789abcdef01234567");
        assert_eq!(attempt_of(&new), Some(12));
        assert_ne!(revision(1, 0), revision(1, 1 << 127));
        let read = |file: &str| {
            let path = format!("videos/processed/7/{file}");
            match MediaPath::parse(&path) {
                Some(MediaPath::Output { revision, file, .. }) => (revision, file),
                other => panic!("{other:?}"),
            }
        };
        for (folder, name) in [("720p/", "segment_00000.ts"), ("", "storyboard_000.jpg")] {
            let asked = read(&format!("{folder}{new}/{name}"));
            assert_eq!(asked, (Some(new.clone()), format!("{folder}{name}")));
        }
        for other in [
            "1080p",
            "12-",
            "12-0123456789ABCDEF01234567",
            "0-0123456789abcdef01234567",
        ] {
            let file = format!("{other}/segment_00000.ts");
            assert_eq!(read(&file), (None, file));
        }
    }

    #[test]
    fn captions_are_read_back() {
        let whole = MediaPath::Captions {
            asset: 7,
            name: "t0f".into(),
        };
        assert_eq!(MediaPath::parse(&captions(7, "t0f")), Some(whole));
        for (language, kind) in [
            ("zh-Hant-TW", CaptionKind::Subtitles),
            ("en", CaptionKind::Captions),
        ] {
            let list = captions_playlist(language, kind);
            let read = caption_file(&list);
            assert_eq!(read, Some((language, kind, CaptionFile::Playlist)));
            let folder = list.strip_suffix(PLAYLIST).unwrap();
            for revision in [None, Some(revision(3, 5))] {
                let file = captions_segment("t0f", revision.as_deref(), 12);
                let path = format!("{OUTPUTS}7/{folder}{file}");
                let Some(MediaPath::Output {
                    revision: named,
                    file,
                    ..
                }) = MediaPath::parse(&path)
                else {
                    panic!("{path}");
                };
                assert_eq!(named, revision);
                let segment = CaptionFile::Segment {
                    name: "t0f".into(),
                    index: 12,
                };
                assert_eq!(caption_file(&file), Some((language, kind, segment)));
            }
        }
        for odd in [
            "720p/playlist.m3u8",
            "captions/en",
            "captions/en/other.m3u8",
            "captions/en/t/segment_1.vtt",
            "captions/en/t/segment_000001.vtt",
            "captions/en/t/segment_00001.ts",
            "captions/en/a/b/segment_00001.vtt",
        ] {
            assert_eq!(caption_file(odd), None, "{odd}");
        }
    }

    #[test]
    fn only_addresses_of_segments_are_revised() {
        let text = "#EXTM3U\n#EXTINF:2,\nsegment_00000.ts\n\n#EXTINF:2,\nsegment_00001.ts";
        let revised = "#EXTM3U\n#EXTINF:2,\nR/segment_00000.ts\n\n#EXTINF:2,\nR/segment_00001.ts";
        assert_eq!(revise_playlist(text, "R"), revised);
        assert_eq!(revise_playlist("", "R"), "");
    }

    #[test]
    fn paths_that_lead_elsewhere_are_none() {
        for path in [
            "",
            "/",
            "videos/processed/1",
            "videos/processed/1/../2/master.m3u8",
            "videos/processed/01/master.m3u8",
            "videos/processed/x/master.m3u8",
            "videos/processed/1/..\\x",
            "videos/processed//master.m3u8",
            "videos/processed/1//master.m3u8",
            "videos/originals/../../keys/jwt.key",
            "videos/originals/a/b.mp4",
            "videos/thumbnails/1.png",
            "videos/thumbnails/../1.jpg",
            "videos/thumbnails/1_x.jpg",
            "videos/thumbnails/1_.jpg",
            "videos/thumbnails/1_c.x.jpg",
            "videos/captions/1.vtt",
            "videos/captions/1_.vtt",
            "videos/captions/1_a.b.vtt",
            "videos/captions/1_a/b.vtt",
            "videos/captions/1_a.srt",
            "uploads/abc",
            "videos/processed/99999999999999999999/master.m3u8",
        ] {
            assert_eq!(MediaPath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn odd_extensions_are_left_away() {
        assert_eq!(extension("a.MP4").as_deref(), Some("mp4"));
        assert_eq!(extension("a.tar.gz").as_deref(), Some("gz"));
        for name in ["a", ".mp4", "a.", "a.m p", "a.123456789", "a.mp4/.."] {
            assert_eq!(extension(name), None, "{name}");
        }
        assert_eq!(original("u", "x.php;.jpg/"), "videos/originals/u");
    }
}
