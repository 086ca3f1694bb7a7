//! Global ids: what a thing is and its number, in a form that clients do not take apart.

use async_graphql::ID;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clipsy_domain::asset::{AssetId, is_link_key};
use clipsy_domain::job::JobId;
use clipsy_domain::user::UserId;

use clipsy_service::videos::find_video::Named;

/// What an id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Global {
    Video(AssetId),
    User(UserId),
    Job(JobId),
    Upload(String),
    Session(String),
}

impl Global {
    /// Reads an id; `None` if it is none that this server gives out.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let text = URL_SAFE_NO_PAD.decode(id).ok()?;
        let text = String::from_utf8(text).ok()?;
        let (kind, rest) = text.split_once(':')?;
        let global = match kind {
            "Video" => Self::Video(number(rest)?),
            "User" => Self::User(number(rest)?),
            "Job" => Self::Job(number(rest)?),
            "Upload" => Self::Upload(plain(rest)?),
            "Session" => Self::Session(plain(rest)?),
            _ => return None,
        };
        Some(global)
    }
}

impl From<Global> for ID {
    fn from(global: Global) -> Self {
        let text = match global {
            Global::Video(id) => format!("Video:{id}"),
            Global::User(id) => format!("User:{id}"),
            Global::Job(id) => format!("Job:{id}"),
            Global::Upload(id) => format!("Upload:{id}"),
            Global::Session(id) => format!("Session:{id}"),
        };
        Self(URL_SAFE_NO_PAD.encode(text))
    }
}

/// The id of a rendition, which stays the same when a video is processed again.
pub(crate) fn rendition(asset: AssetId, rung: &str) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("Rendition:{asset}:{rung}")))
}

/// The id of a worker.
pub(crate) fn worker(name: &str) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("Worker:{name}")))
}

/// The id of an encoder on a machine.
pub(crate) fn encoder(host: &str, id: &str) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("Encoder:{id}@{host}")))
}

/// The id of a graphics card of a machine.
pub(crate) fn card(host: &str, id: &str) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("GraphicsCard:{id}@{host}")))
}

/// The video that an id names; its plain number is taken, too.
pub(crate) fn video(id: &ID) -> Option<AssetId> {
    if let Some(number) = number(id) {
        return Some(number);
    }
    match Global::parse(id)? {
        Global::Video(number) => Some(number),
        _ => None,
    }
}

/// The same, or the key of a video's link.
pub(crate) fn named(id: &ID) -> Option<Named> {
    if is_link_key(id) {
        return Some(Named::Key(id.to_string()));
    }
    video(id).map(Named::Number)
}

/// 128 bits of chance as they are written here.
fn plain(text: &str) -> Option<String> {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let plain = text.len() == 32 && text.bytes().all(hex);
    plain.then(|| text.to_owned())
}

/// The session that an id names.
pub(crate) fn session(id: &ID) -> Option<String> {
    match Global::parse(id)? {
        Global::Session(id) => Some(id),
        _ => None,
    }
}

/// The account that an id names.
pub(crate) fn user(id: &ID) -> Option<UserId> {
    match Global::parse(id)? {
        Global::User(number) => Some(number),
        _ => None,
    }
}

/// A number as it is written here: digits without a leading zero.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits && !text.starts_with('0')).then_some(())?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_back_to_what_they_name() {
        let upload = "0123456789abcdef0123456789abcdef".to_owned();
        for global in [
            Global::Video(12),
            Global::User(1),
            Global::Job(i64::MAX),
            Global::Upload(upload),
        ] {
            let id = ID::from(global.clone());
            assert_eq!(Global::parse(&id), Some(global));
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        let id = |text: &str| ID(URL_SAFE_NO_PAD.encode(text));
        for odd in [
            "Video:",
            "Video:-1",
            "Video:012",
            "Video:1 ",
            "Thing:1",
            "Video",
            "User:x",
            "Upload:../x",
            "Video:99999999999999999999",
        ] {
            assert_eq!(Global::parse(&id(odd)), None, "{odd}");
        }
        assert_eq!(Global::parse("not base64!"), None);
        assert_eq!(video(&ID("12".into())), Some(12));
        assert_eq!(video(&ID("0".into())), None);
        assert_eq!(video(&Global::User(1).into()), None);
        assert_eq!(user(&Global::User(1).into()), Some(1));
    }
}
