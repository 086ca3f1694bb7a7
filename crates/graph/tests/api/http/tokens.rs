//! Tokens that somebody else made.

use clipsy_service::accounts::keys::Keys;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{SECRET, START_MS, Server};

/// Claims as the server would make them for `ann`'s session, and the header of its tokens.
fn genuine(server: &Server) -> (Header, Value) {
    let token = server.token("ann");
    let header = jsonwebtoken::decode_header(&token).unwrap();
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&token)
        .unwrap()
        .claims;
    (header, claims)
}

fn status(server: &Server, token: &str) -> u16 {
    server
        .call("GET", "/api/auth/me/", token, &Value::Null)
        .status
}

#[test]
fn claims_have_simple_jwts_shape() {
    let server = Server::start();
    let (header, claims) = genuine(&server);
    assert_eq!(header.alg, Algorithm::HS256);
    assert_eq!(header.typ.as_deref(), Some("JWT"));
    assert_eq!(claims["token_type"], "access");
    assert_eq!(claims["user_id"], 3);
    assert_eq!(claims["iat"], START_MS / 1_000);
    assert_eq!(claims["exp"], START_MS / 1_000 + 3_600);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
    assert_eq!(claims["iss"], "clipsy");
    assert_eq!(claims["aud"], "clipsy-api");
    assert_eq!(Keys::new(&[SECRET]).is_ok(), claims["sid"].is_string());
}

#[test]
fn forged_tokens_are_refused() {
    let server = Server::start();
    let (header, claims) = genuine(&server);
    let key = EncodingKey::from_secret(&SECRET);
    let sign = |header: &Header, claims: &Value| encode(header, claims, &key).unwrap();
    assert_eq!(status(&server, &sign(&header, &claims)), 200);

    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        sign(&header, &claims)
    };
    let mut other_algorithm = header.clone();
    other_algorithm.alg = Algorithm::HS512;
    let mut no_key = header.clone();
    no_key.kid = None;
    let wrong_key = EncodingKey::from_secret(&[1; 32]);
    for (what, token) in [
        ("another algorithm", sign(&other_algorithm, &claims)),
        ("another key", encode(&header, &claims, &wrong_key).unwrap()),
        ("no key id", sign(&no_key, &claims)),
        ("another user", with("user_id", json!(1))),
        ("an unknown session", with("sid", json!("0".repeat(32)))),
        ("a text as expiry", with("exp", json!("9"))),
        ("no expiry", with("exp", Value::Null)),
        ("expired", with("exp", json!(START_MS / 1_000))),
        ("another issuer", with("iss", json!("evil"))),
        ("another audience", with("aud", json!("clipsy-media"))),
        ("another type", with("token_type", json!("refresh"))),
    ] {
        assert_eq!(status(&server, &token), 401, "{what}");
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    let server = Server::start();
    let (header, claims) = genuine(&server);
    let token = encode(&header, &claims, &EncodingKey::from_secret(&SECRET)).unwrap();
    let [genuine_head, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("{token}");
    };
    let rebuilt = json!({ "typ": "JWT", "alg": "HS256", "kid": header.kid }).to_string();
    assert_eq!(base64url(rebuilt.as_bytes()).len(), genuine_head.len());
    for algorithm in ["none", "None", "NONE", "RS256", "ES256", "EdDSA", ""] {
        let head = json!({ "alg": algorithm, "typ": "JWT", "kid": header.kid });
        let head = base64url(head.to_string().as_bytes());
        for signature in ["", signature] {
            assert_eq!(
                status(&server, &format!("{head}.{payload}.{signature}")),
                401
            );
        }
        assert_eq!(status(&server, &format!("{head}.{payload}")), 401);
    }
    for junk in ["x", "..", "a.b.c", &"A".repeat(10_000)] {
        assert_eq!(status(&server, junk), 401, "{junk:.20}");
    }
}

/// RFC 4648 section 5, without padding.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three
            .iter()
            .fold(0_u32, |bits, b| bits << 8 | u32::from(*b));
        let bits = bits << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            let index = bits >> (18 - 6 * digit) & 63;
            text.push(char::from(DIGITS[index as usize]));
        }
    }
    text
}

#[test]
fn odd_authorization_headers_are_told_apart() {
    let server = Server::start();
    let me = |value: &str| server.send("GET", "/api/auth/me/", &[("Authorization", value)], b"");
    let two_words = r#"{"detail":"Authorization header must contain two space-delimited values","code":"bad_authorization_header"}"#;
    for value in ["Bearer", "Bearer a b"] {
        me(value).is_error(401, "bad_authorization_header", two_words);
    }
    for value in ["Basic YW5uOng=", "Token x", ""] {
        assert_eq!(
            me(value).header("clipsy-error-code"),
            Some("not_authenticated"),
            "{value}"
        );
    }
    let token = server.token("ann");
    assert_eq!(me(&format!("bearer  {token}")).status, 200);
}
