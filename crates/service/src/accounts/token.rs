//! JSON Web Tokens in the shape that `SimpleJWT` gives them, and playback links.

use std::sync::LazyLock;

use clipsy_domain::asset::AssetId;
use clipsy_domain::clock::Timestamp;
use clipsy_domain::user::UserId;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use crate::error::{Error, Result};

/// Who access and refresh tokens are for.
const API: &str = "clipsy-api";
/// Who playback links are for: a link is no token, and a token is no link.
const MEDIA: &str = "clipsy-media";

/// What a session's token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenType {
    /// To be sent with every request.
    Access,
    /// To be exchanged once for a new pair.
    Refresh,
}

/// What an access or refresh token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// What it is for.
    pub token_type: TokenType,
    /// Good until then, in seconds since 1970.
    pub exp: i64,
    /// Made then, in seconds since 1970.
    pub iat: i64,
    /// Its own number, 32 hexadecimal digits.
    pub jti: String,
    /// Whose it is.
    pub user_id: UserId,
    /// Who made it.
    pub iss: String,
    /// Who it is for.
    pub aud: String,
    /// The session that it belongs to; ending that ends the token.
    pub sid: String,
}

/// What a playback link is made of.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// The video.
    pub asset: AssetId,
    /// The session whose right it is, and with which it ends.
    pub session: Option<&'a str>,
    /// The key of the video's link, for those who came by it.
    pub key: Option<&'a str>,
}

/// The claims of a playback link: its bearer may play one video with the rights of its creator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkClaims {
    token_type: LinkType,
    /// Good until then, in seconds since 1970.
    pub exp: i64,
    iss: String,
    aud: String,
    /// The video.
    pub asset: AssetId,
    /// The session whose right it is; none if the video needs none.
    pub sid: Option<String>,
    /// The key of the video's link that it was made with.
    pub key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LinkType {
    Playback,
}

/// A new number for a session or a token: 32 hexadecimal digits, random.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Whose a token is, and which.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The account.
    pub user_id: UserId,
    /// The session.
    pub session_id: &'a str,
    /// The token's own number.
    pub id: &'a str,
}

/// Makes an access or refresh token.
pub fn issue(
    keys: &Keys,
    issuer: &str,
    token_type: TokenType,
    subject: Subject<'_>,
    now: Timestamp,
    expires: Timestamp,
) -> Result<String> {
    sign(
        keys,
        &Claims {
            token_type,
            exp: expires.timestamp(),
            iat: now.timestamp(),
            jti: subject.id.to_owned(),
            user_id: subject.user_id,
            iss: issuer.to_owned(),
            aud: API.to_owned(),
            sid: subject.session_id.to_owned(),
        },
    )
}

/// Verifies a token; `None` if anything is wrong. Does not check its session.
pub fn read(
    keys: &Keys,
    issuer: &str,
    token_type: TokenType,
    token: &str,
    now: Timestamp,
) -> Option<Claims> {
    let claims: Claims = check(keys, token)?;
    let good = claims.token_type == token_type
        && claims.iss == issuer
        && claims.aud == API
        && claims.exp > now.timestamp();
    good.then_some(claims)
}

/// Makes the token of a playback link.
pub fn issue_link(keys: &Keys, issuer: &str, link: Link<'_>, expires: Timestamp) -> Result<String> {
    sign(
        keys,
        &LinkClaims {
            token_type: LinkType::Playback,
            exp: expires.timestamp(),
            iss: issuer.to_owned(),
            aud: MEDIA.to_owned(),
            asset: link.asset,
            sid: link.session.map(str::to_owned),
            key: link.key.map(str::to_owned),
        },
    )
}

/// Verifies the token of a playback link; `None` if anything is wrong.
pub fn read_link(keys: &Keys, issuer: &str, token: &str, now: Timestamp) -> Option<LinkClaims> {
    let claims: LinkClaims = check(keys, token)?;
    let good = claims.iss == issuer && claims.aud == MEDIA && claims.exp > now.timestamp();
    good.then_some(claims)
}

fn sign(keys: &Keys, claims: &impl Serialize) -> Result<String> {
    let (id, key) = keys
        .signing()
        .ok_or_else(|| Error::internal("there is no signing key"))?;
    let header = Header {
        kid: Some(id.to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    jsonwebtoken::encode(&header, claims, key).map_err(Error::internal)
}

/// Only HS256, only with a key that is known here. The claims themselves are checked by type and
/// by the callers, against our clock.
fn check<C: DeserializeOwned>(keys: &Keys, token: &str) -> Option<C> {
    static VALIDATION: LazyLock<Validation> = LazyLock::new(|| {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_audience(&[API, MEDIA]);
        validation.validate_exp = false;
        validation
    });
    let id = jsonwebtoken::decode_header(token).ok()?.kid?;
    let key = keys.checking(&id)?;
    let token = jsonwebtoken::decode::<C>(token, key, &VALIDATION).ok()?;
    Some(token.claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clipsy_domain::clock::from_millis;
    use jsonwebtoken::EncodingKey;
    use serde_json::{Value, json};

    const SECRET: [u8; 32] = [9; 32];

    fn keys() -> Keys {
        Keys::new(&[SECRET]).unwrap()
    }

    fn read_now(token: &str) -> Option<Claims> {
        read(
            &keys(),
            "clipsy",
            TokenType::Access,
            token,
            from_millis(1_000_000),
        )
    }

    fn good() -> Value {
        json!({
            "token_type": "access", "exp": 2_000, "iat": 900, "jti": "j", "user_id": 1,
            "iss": "clipsy", "aud": "clipsy-api", "sid": "s",
        })
    }

    fn signed(header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(&SECRET)).unwrap()
    }

    fn header(algorithm: Algorithm) -> Header {
        Header {
            kid: Some(keys().signing().unwrap().0.to_owned()),
            ..Header::new(algorithm)
        }
    }

    #[test]
    fn a_token_is_good_until_its_second() {
        let make = |expires| {
            issue(
                &keys(),
                "clipsy",
                TokenType::Access,
                Subject {
                    user_id: 1,
                    session_id: "s",
                    id: "j",
                },
                from_millis(0),
                from_millis(expires),
            )
            .unwrap()
        };
        assert!(read_now(&make(1_001_000)).is_some());
        assert!(read_now(&make(1_000_000)).is_none());
    }

    #[test]
    fn every_claim_is_needed_and_has_to_be_right() {
        let header = header(Algorithm::HS256);
        assert!(read_now(&signed(&header, &good())).is_some());
        for name in [
            "token_type",
            "exp",
            "iat",
            "jti",
            "user_id",
            "iss",
            "aud",
            "sid",
        ] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(name);
            assert!(
                read_now(&signed(&header, &claims)).is_none(),
                "without {name}"
            );
        }
        for (name, value) in [
            ("token_type", json!("refresh")),
            ("token_type", json!("playback")),
            // A text in place of a number has once passed as "no limit" (CVE-2026-25537).
            ("exp", json!("9999999999")),
            ("exp", json!(null)),
            ("exp", json!(999)),
            ("iss", json!("somebody")),
            ("iss", json!(["clipsy"])),
            ("aud", json!("clipsy-media")),
            ("aud", json!(["clipsy-api"])),
            ("user_id", json!("1 or 1")),
        ] {
            let mut claims = good();
            claims[name] = value.clone();
            assert!(
                read_now(&signed(&header, &claims)).is_none(),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn other_algorithms_and_keys_are_refused() {
        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            assert!(read_now(&signed(&header(algorithm), &good())).is_none());
        }
        let mut foreign = header(Algorithm::HS256);
        foreign.kid = Some("000000000000".into());
        assert!(read_now(&signed(&foreign, &good())).is_none());
        foreign.kid = None;
        assert!(read_now(&signed(&foreign, &good())).is_none());
        let other = EncodingKey::from_secret(&[8; 32]);
        let forged = jsonwebtoken::encode(&header(Algorithm::HS256), &good(), &other).unwrap();
        assert!(read_now(&forged).is_none());
    }

    #[test]
    fn links_and_tokens_are_not_each_other() {
        let link = Link {
            asset: 5,
            session: Some("s"),
            key: None,
        };
        let link = issue_link(&keys(), "clipsy", link, from_millis(2_000_000)).unwrap();
        let now = from_millis(1_000_000);
        assert!(read_link(&keys(), "clipsy", &link, now).is_some());
        assert!(read_now(&link).is_none());
        let token = signed(&header(Algorithm::HS256), &good());
        assert!(read_link(&keys(), "clipsy", &token, now).is_none());
        assert!(read_link(&keys(), "clipsy", &link, from_millis(2_000_000)).is_none());
    }
}
