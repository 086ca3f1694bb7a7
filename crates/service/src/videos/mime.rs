//! Media types by extension. Nothing that a browser would run is among them.

use clipsy_domain::media_key;

/// Media type of playlists.
pub const PLAYLIST: &str = "application/vnd.apple.mpegurl";
/// A segment.
pub const SEGMENT: &str = "video/mp2t";

/// Captions, and what lists the pictures of a storyboard.
pub const VTT: &str = "text/vtt; charset=utf-8";

/// Media type of a file that jobs make; `None` for names that they do not make.
pub fn of_output(file: &str) -> Option<&'static str> {
    let (_, extension) = file.rsplit_once('.')?;
    match extension {
        "m3u8" => Some(PLAYLIST),
        "ts" => Some(SEGMENT),
        "vtt" => Some(VTT),
        "jpg" => Some("image/jpeg"),
        _ => None,
    }
}

/// Media type of an original by the extension of its name. What uploaders say about the type is
/// not believed.
pub fn of_original(name: &str) -> &'static str {
    let extension = media_key::extension(name).unwrap_or_default();
    match extension.as_str() {
        "mp4" | "m4v" | "f4v" => "video/mp4",
        "mov" | "qt" => "video/quicktime",
        "mkv" => "video/x-matroska",
        "webm" => "video/webm",
        "avi" => "video/x-msvideo",
        "wmv" => "video/x-ms-wmv",
        "asf" => "video/x-ms-asf",
        "flv" => "video/x-flv",
        "mpg" | "mpeg" | "mpe" | "m1v" | "m2v" | "vob" => "video/mpeg",
        "ts" | "m2ts" | "mts" => "video/mp2t",
        "3gp" => "video/3gpp",
        "3g2" => "video/3gpp2",
        "ogv" | "ogg" => "video/ogg",
        "mxf" => "application/mxf",
        "gif" => "image/gif",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_ever_a_page_or_a_script() {
        for name in [
            "x.html",
            "x.svg",
            "x.js",
            "x.xhtml",
            "x",
            ".html",
            "x.mp4.html",
        ] {
            assert_eq!(of_original(name), "application/octet-stream", "{name}");
        }
        assert!(of_output("a.html").is_none());
        assert!(of_output("a").is_none());
        assert_eq!(of_original("A.MOV"), "video/quicktime");
    }
}
