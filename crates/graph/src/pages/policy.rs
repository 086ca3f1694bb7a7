//! What the pages may load, and from where.

use axum::http::HeaderValue;

use clipsy_service::error::{Error, Result};

/// The policies of the documents (`Content-Security-Policy`). They are the same for all requests.
#[derive(Debug)]
pub(crate) struct Policies {
    /// Of the pages, which nobody may frame.
    pub(super) page: HeaderValue,
    /// Of the player alone, which everybody may.
    pub(super) embed: HeaderValue,
}

impl Policies {
    /// `media` is the origin, e.g. `https://s3.example:9000`, that players are sent to for segments,
    /// if they are sent anywhere. Browsers look at it after each redirect (CSP 3, section 6.7.2).
    pub(crate) fn new(media: Option<&str>) -> Result<Self> {
        let made = |ancestors| {
            HeaderValue::try_from(policy(media, ancestors))
                .map_err(|_| Error::internal(format!("{media:?} is no origin")))
        };
        Ok(Self {
            page: made("'none'")?,
            embed: made("*")?,
        })
    }
}

/// Nothing from elsewhere but media, no inline scripts. The player's elements carry `<style>` in
/// their shadow trees, hence the inline styles, but no `style` attributes: see decision 0019.
/// `style-src` also stands for the finer directives in browsers that do not know them.
fn policy(media: Option<&str>, ancestors: &str) -> String {
    let media = media.map(|origin| format!(" {origin}")).unwrap_or_default();
    // hls.js fetches segments itself; browsers that play HLS without it count them as media.
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
         style-src-attr 'none'; img-src 'self' data: blob:; font-src 'self'; \
         media-src 'self' blob:{media}; connect-src 'self'{media}; worker-src 'self'; manifest-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_media_may_come_from_elsewhere() {
        let here = Policies::new(None).unwrap();
        assert!(!here.page.to_str().unwrap().contains("//"), "{here:?}");
        let there = Policies::new(Some("https://s3.example:9000")).unwrap();
        for (policy, ancestors) in [(&there.page, "'none'"), (&there.embed, "*")] {
            let directives: Vec<&str> = policy.to_str().unwrap().split("; ").collect();
            let open: Vec<&str> = directives
                .iter()
                .filter_map(|directive| directive.strip_suffix(" https://s3.example:9000"))
                .collect();
            assert_eq!(open, ["media-src 'self' blob:", "connect-src 'self'"]);
            let last = format!("frame-ancestors {ancestors}");
            assert_eq!(directives.last(), Some(&last.as_str()));
        }
        assert!(Policies::new(Some("https://a\nb")).is_err());
    }
}
