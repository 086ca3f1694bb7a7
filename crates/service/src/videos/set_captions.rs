//! Giving a video captions, and taking them away.

use bytes::Bytes;
use clipsy_captions::Captions;
use clipsy_domain::asset::AssetId;
use clipsy_domain::captions::{self, CaptionKind, CaptionTrack, LONGEST_LABEL};
use clipsy_domain::media_key;
use clipsy_domain::text::is_invisible;
use clipsy_domain::user::Viewer;
use clipsy_storage::CaptionsRefused;
use uuid::Uuid;

use crate::Service;
use crate::error::{Error, Result};
use crate::uploads::error::UploadError;
use crate::uploads::reserve_bytes::allowance;
use crate::videos::attached::{keep, tell, unwanted};
use crate::videos::find_video::{Video, find_managed};

const TOO_MANY: Error = Error::Conflict {
    code: "too_many_captions",
    message: "The video has as many captions as a video may have. Remove some first.",
};

/// What is said of captions beside their file.
#[derive(Debug, Clone)]
pub struct Said {
    /// A tag of BCP 47 in any letters.
    pub language: String,
    /// For whom.
    pub kind: CaptionKind,
    /// What people call them; may be empty.
    pub label: String,
    /// Shown to those who have chosen nothing.
    pub default: bool,
    /// Only what everybody has to read.
    pub forced: bool,
}

/// Gives the video captions, in place of those of the same language and kind, and gives it back as it is then. It may
/// be in any state. `file` is in any of the forms that [`Captions::read`] knows, and is waited for only if the viewer
/// may do this; what is kept is `WebVTT`.
pub async fn set_captions(
    service: &Service,
    viewer: Viewer,
    id: AssetId,
    said: Said,
    file: impl Future<Output = Result<Bytes>>,
) -> Result<Video> {
    let asset = find_managed(service, viewer, id).await?;
    let language = language(&said.language)?;
    let label = label(&said.label)?;
    let file = file.await?;
    let hint = language.clone();
    let read = tokio::task::spawn_blocking(move || {
        let captions = Captions::read(&file, &hint)?;
        Ok::<_, Error>((captions.to_vtt(), captions.cues().len()))
    });
    let (text, cues) = read.await.map_err(Error::internal)??;
    let limit = allowance(service, asset.owner_id).await?.bytes;
    let track = CaptionTrack {
        language,
        kind: said.kind,
        label,
        default: said.default,
        forced: said.forced,
        name: format!("t{}", Uuid::new_v4().simple()),
        bytes: i64::try_from(text.len()).unwrap_or(i64::MAX),
        cues: i64::try_from(cues).unwrap_or(i64::MAX),
        updated_at: service.now(),
    };
    let key = media_key::captions(id, &track.name);
    keep(service, &key, text.into()).await?;
    let set = service.db.set_captions(id, &track, limit).await;
    if !matches!(set, Ok(Some(Ok(_)))) {
        unwanted(service, &key).await;
    }
    let set = set?.transpose().map_err(|refused| match refused {
        CaptionsRefused::Many => TOO_MANY,
        CaptionsRefused::Room => {
            let limit = limit.unwrap_or_default().unsigned_abs();
            UploadError::Quota { limit }.into()
        }
    });
    tell(service, id, set?).await
}

/// Takes captions from the video and gives it back as it is then.
pub async fn remove_captions(
    service: &Service,
    viewer: Viewer,
    id: AssetId,
    language: &str,
    kind: CaptionKind,
) -> Result<Video> {
    find_managed(service, viewer, id).await?;
    let language = captions::language(language).ok_or(Error::NotFound)?;
    let left = service.db.remove_captions(id, &language, kind).await?;
    tell(service, id, left).await
}

fn language(tag: &str) -> Result<String> {
    captions::language(tag).ok_or_else(|| {
        Error::field(
            "language",
            "This is no language tag. Examples: en, de-CH, zh-Hant.",
        )
    })
}

/// On one line, without what cannot be seen.
fn label(text: &str) -> Result<String> {
    let plain: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let plain = plain.split(' ').filter(|word| !word.is_empty());
    let plain = plain.collect::<Vec<_>>().join(" ");
    if plain.chars().count() > LONGEST_LABEL {
        let message = format!("Ensure this field has no more than {LONGEST_LABEL} characters.");
        return Err(Error::field("label", message));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_one_line() {
        assert_eq!(
            label(" Deutsch\n\t(für \u{200b}Hörgeschädigte) \0").unwrap(),
            "Deutsch (für Hörgeschädigte)"
        );
        assert_eq!(label("").unwrap(), "");
        let longest = "ä".repeat(LONGEST_LABEL);
        assert_eq!(label(&longest).unwrap(), longest);
        assert_eq!(label(&format!("{longest}a")).unwrap_err().code(), "invalid");
        assert_eq!(language("en_US").unwrap_err().code(), "invalid");
    }
}
