//! Where each file of a video lies, relative to the video's own output folder.
//!
//! Only this module knows the layout; everything else asks it.

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
}
