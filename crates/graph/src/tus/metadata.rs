//! `Upload-Metadata` and `Upload-Concat`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use clipsy_domain::asset::Visibility;
use clipsy_domain::upload::UploadRole;
use clipsy_service::error::{Error, Result};
use serde_json::{Map, Value};

use crate::rest::fields::{Fields, MAX_DESCRIPTION, MAX_TITLE};

/// What `Upload-Metadata` says that means something here. Other keys are kept, to be echoed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) file_name: String,
    pub(crate) file_type: String,
    pub(crate) title: Option<String>,
    pub(crate) description: String,
    pub(crate) visibility: Option<Visibility>,
}

/// Senders leave the padding away now and then.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads pairs of a key and a value in Base64, with commas between them. Keys are unique and not
/// empty; a value may be omitted.
pub(crate) fn metadata(header: &str) -> Result<Metadata> {
    let mut values = Map::new();
    let header = header.trim();
    if header.is_empty() {
        return Ok(Metadata::default());
    }
    for pair in header.split(',') {
        let pair = pair.trim();
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        if key.is_empty() {
            return Err(bad("Upload-Metadata has an empty key."));
        }
        let value = BASE64
            .decode(value.trim())
            .map_err(|_| bad(&format!("Upload-Metadata: {key:?} has no value in Base64.")))?;
        let value = String::from_utf8_lossy(&value).into_owned();
        if values
            .insert(key.to_owned(), Value::String(value))
            .is_some()
        {
            return Err(bad(&format!("Upload-Metadata has {key:?} twice.")));
        }
    }
    understood(values)
}

fn understood(mut values: Map<String, Value>) -> Result<Metadata> {
    let mut first = |names: [&str; 2]| {
        let found = names.map(|name| values.remove(name));
        let text = found.iter().flatten().find_map(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    // Uppy sends both; some senders only its own.
    let file_name = first(["filename", "name"]);
    let file_type = first(["filetype", "type"]);
    // A blank one is as good as none.
    for name in ["title", "visibility"] {
        let blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        if values.get(name).is_some_and(blank) {
            values.remove(name);
        }
    }
    let mut fields = Fields::new(values);
    let metadata = Metadata {
        file_name,
        file_type,
        title: fields.optional("title", MAX_TITLE, false),
        description: fields
            .optional("description", MAX_DESCRIPTION, true)
            .unwrap_or_default(),
        visibility: fields.visibility("visibility"),
    };
    fields.check()?;
    Ok(metadata)
}

/// Reads `Upload-Concat`: `partial`, or `final;` with the addresses of the parts.
pub(crate) fn concat(header: &str) -> Result<UploadRole> {
    let addresses = header
        .split_once(';')
        .map_or("", |(_, addresses)| addresses);
    let plain = addresses
        .split_ascii_whitespace()
        .any(|address| !address.contains('/'));
    let role = UploadRole::parse(header).filter(|_| !plain);
    role.ok_or_else(|| {
        bad("Upload-Concat is neither partial nor final;, with addresses of uploads.")
    })
}

fn bad(message: &str) -> Error {
    Error::Parse(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_understood() {
        let read = metadata(
            "filename RmlsbS5tb3Y=,title ICBGaWxtICA=, visibility cHJpdmF0ZQ==,empty,description eA",
        );
        assert_eq!(
            read.unwrap(),
            Metadata {
                file_name: "Film.mov".into(),
                file_type: String::new(),
                title: Some("Film".into()),
                description: "x".into(),
                visibility: Some(Visibility::Private),
            }
        );
        assert_eq!(metadata("").unwrap(), Metadata::default());
        assert_eq!(metadata("name YS5tcDQ=").unwrap().file_name, "a.mp4");
        assert_eq!(metadata("title IA==").unwrap().title, None);
    }

    #[test]
    fn what_is_no_metadata_is_refused() {
        for text in [
            "a YQ==,a YQ==",
            "a YQ==,,b YQ==",
            "a %",
            "a YQ== YQ==",
            ",a YQ==",
        ] {
            assert!(matches!(metadata(text), Err(Error::Parse(_))), "{text}");
        }
        assert!(matches!(metadata("visibility YQ=="), Err(Error::Fields(_))));
    }

    #[test]
    fn parts_are_named_by_whole_addresses_or_paths() {
        let role = concat("final;https://h/x/api/uploads/a/ /api/uploads/b").unwrap();
        assert_eq!(role.parts(), ["a", "b"]);
        for text in ["final;", "final; ", "final;a", "partial;/a", "final"] {
            assert!(concat(text).is_err(), "{text:?}");
        }
        assert_eq!(concat("partial").unwrap(), UploadRole::Part);
        assert!(concat("partial;").is_err());
    }
}
