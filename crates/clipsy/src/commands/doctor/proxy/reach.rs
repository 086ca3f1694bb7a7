//! Whether pages and media arrive as they are: files below the path, ranges, players elsewhere.

use clipsy_pipeline::doctor::Finding;
use serde_json::Value;

use super::found;
use super::target::Target;

/// Loads the first page and the first script that it names.
pub(super) fn page(target: &Target) -> anyhow::Result<Finding> {
    let page = target.ask("GET", "/", &["Accept: text/html"])?;
    let text = page.text();
    // A build without pages, which only developers have, refers to its description instead.
    let script = text
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .find(|address| address.contains("/assets/"));
    let below = |path: &str| path.strip_prefix(&target.prefix).map(str::to_owned);
    let (reason, advice) = match script {
        _ if page.status != 200 => (
            format!("the first page is answered with status {}", page.status),
            Some("hand everything below the address on to Clipsy"),
        ),
        None => ("the first page arrives".to_owned(), None),
        Some(script) => match below(script) {
            None => (
                format!("the page looks for its files at {script}"),
                Some(
                    "the proxy has to say below which path it is called, and be trusted: \
                     X-Forwarded-Prefix, CLIPSY_TRUSTED_PROXIES",
                ),
            ),
            Some(path) => {
                let file = target.ask("GET", &path, &[])?;
                let is_script = file
                    .header("content-type")
                    .is_some_and(|kind| kind.starts_with("text/javascript"));
                if file.status == 200 && is_script {
                    ("pages and their files arrive".to_owned(), None)
                } else {
                    (
                        format!("{script} is answered with status {}", file.status),
                        Some("hand everything below the address on to Clipsy"),
                    )
                }
            }
        },
    };
    Ok(found("pages", "Pages", reason, advice))
}

/// Asks for a part of a playlist that everybody may see, and for its player in a frame.
pub(super) fn media(target: &Target) -> anyhow::Result<Finding> {
    let label = "Media and players elsewhere";
    let list = target.ask("GET", "/api/videos/?status=ready&page_size=1", &[])?;
    let list: Value = serde_json::from_slice(&list.body).unwrap_or_default();
    let video = &list["results"][0];
    let (Some(playlist), Some(id)) = (video["hls_playlist"].as_str(), video["id"].as_i64()) else {
        let reason = "not tried, since there is no video that everybody may see";
        return Ok(found("media", label, reason, None));
    };
    let path = playlist.strip_prefix(&target.prefix).unwrap_or(playlist);
    let headers = [
        "Range: bytes=0-6",
        "Origin: https://player.example",
        "Accept-Encoding: gzip, br, zstd",
    ];
    let part = target.ask("GET", path, &headers)?;
    let embed = target.ask("GET", &format!("/embed/{id}"), &[])?;
    let (reason, advice) = if part.status != 206 || part.body != b"#EXTM3U" {
        (
            format!("a range of a file is answered with status {}", part.status),
            Some("pass Range on, and do not compress or change media"),
        )
    } else if part.header("content-encoding").is_some() {
        (
            "media is compressed on its way".to_owned(),
            Some("leave media out of what the proxy compresses"),
        )
    } else if part.header("access-control-allow-origin") != Some("*") {
        (
            "players on other pages may not read media".to_owned(),
            Some("leave Access-Control-Allow-Origin as Clipsy sends it, and send it once"),
        )
    } else if let Some(frames) = embed.header("x-frame-options") {
        (
            format!("the player may not be shown in frames: X-Frame-Options: {frames}"),
            Some("the proxy must not add X-Frame-Options; Clipsy says what may be framed"),
        )
    } else {
        ("ranges, players elsewhere and frames work".to_owned(), None)
    };
    Ok(found("media", label, reason, advice))
}
