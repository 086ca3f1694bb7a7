//! Signing in and out.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::gql::{Watch, ask, ask_with, code, data, refusals};
use crate::support::{Answer, Server};

const SIGN_IN: &str = "mutation($input: SignInInput!) { signIn(input: $input) {
    accessToken refreshToken expiresAt viewer { username email mustChangePassword }
    userErrors { code message field } } }";
const REFRESH: &str = "mutation($input: RefreshSessionInput!) { refreshSession(input: $input) {
    accessToken refreshToken viewer { username } userErrors { code } } }";
const SIGN_OUT: &str = "mutation { signOut { ok userErrors { code } } }";

fn credentials(name: &str, cookie: bool) -> Value {
    json!({"input": {"username": name, "password": format!("password of {name}"), "cookie": cookie}})
}

/// The cookie of an answer, as a browser would send it back.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/graphql"] {
        assert!(set.contains(part), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

#[test]
fn a_session_begins_goes_on_and_ends() {
    let server = Server::start();
    let session = data(&server, "", SIGN_IN, &credentials("ann", false))["signIn"].clone();
    assert_eq!(session["userErrors"], json!([]));
    assert_eq!(session["viewer"]["email"], "ann@example.com");
    assert_eq!(session["viewer"]["mustChangePassword"], false);
    assert_eq!(session["expiresAt"], "2024-01-15T11:30:00.000Z");
    let access = session["accessToken"].as_str().unwrap();
    let refresh = json!({"input": {"refreshToken": session["refreshToken"]}});
    let next = data(&server, "", REFRESH, &refresh)["refreshSession"].clone();
    assert_eq!(next["viewer"]["username"], "ann");
    assert_ne!(next["refreshToken"], session["refreshToken"]);
    // A second tab that is a little late.
    let late = data(&server, "", REFRESH, &refresh)["refreshSession"].clone();
    assert_eq!(late["userErrors"], json!([]));
    let mut watch = Watch::start(
        &server,
        access,
        "subscription { myVideos { kind } }",
        &json!({}),
    );
    assert_eq!(
        data(&server, access, SIGN_OUT, &json!({}))["signOut"]["ok"],
        true
    );
    assert_eq!(watch.error(), "UNAUTHENTICATED");
    assert_eq!(
        code(&server, access, "{ viewer { id } }", &json!({})),
        "UNAUTHENTICATED"
    );
    let over = json!({"refreshToken": next["refreshToken"]});
    assert_eq!(refusals(&server, "", REFRESH, &over), ["token_not_valid"]);
    assert_eq!(
        data(&server, "", "{ viewer { id } }", &json!({}))["viewer"],
        Value::Null
    );
}

/// Clients attach what token they have to everything, also to what gets them a new one.
#[test]
fn a_stale_token_does_not_keep_from_getting_a_new_one() {
    let server = Server::start();
    let session = data(&server, "", SIGN_IN, &credentials("ann", false))["signIn"].clone();
    let access = session["accessToken"].as_str().unwrap();
    server.clock.advance(TimeDelta::hours(2));
    let refresh = json!({"input": {"refreshToken": session["refreshToken"]}});
    for stale in [access, "not.a.token", "two words"] {
        let next = data(&server, stale, REFRESH, &refresh)["refreshSession"].clone();
        assert_eq!(next["viewer"]["username"], "ann", "{stale}");
        let new = data(&server, stale, SIGN_IN, &credentials("bob", false))["signIn"].clone();
        assert_eq!(new["viewer"]["username"], "bob", "{stale}");
        // Everything else is told, also beside it.
        let beside = SIGN_IN.replace("signIn(", "signOut { ok } signIn(");
        for (query, variables) in [
            ("{ viewer { id } }", json!({})),
            (SIGN_OUT, json!({})),
            (beside.as_str(), credentials("bob", false)),
        ] {
            let code = code(&server, stale, query, &variables);
            assert_eq!(code, "UNAUTHENTICATED", "{stale}: {query}");
        }
    }
}

#[test]
fn wrong_passwords_look_like_wrong_names() {
    let server = Server::start();
    for (name, password) in [("ann", "wrong"), ("nobody", "wrong")] {
        let input = json!({"username": name, "password": password});
        assert_eq!(
            refusals(&server, "", SIGN_IN, &input),
            ["no_active_account"]
        );
    }
}

#[test]
fn the_cookie_needs_its_header() {
    let server = Server::start_with(|s| s.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]);
    let answer = ask(&server, "", SIGN_IN, &credentials("ann", true));
    let session = answer.json()["data"]["signIn"].clone();
    assert_eq!(session["refreshToken"], Value::Null);
    assert!(session["accessToken"].is_string());
    let kept = cookie(&answer);
    assert!(!answer.header("set-cookie").unwrap().contains("Secure"));

    let nothing = json!({"input": {}});
    let refresh = |headers: &[(&str, &str)]| ask_with(&server, "", REFRESH, &nothing, headers);
    let refused =
        |answer: Answer| answer.json()["data"]["refreshSession"]["userErrors"][0]["code"].clone();
    assert_eq!(
        refused(refresh(&[("Cookie", &kept)])),
        "csrf_header_missing"
    );
    assert_eq!(
        refused(refresh(&[("X-Clipsy-CSRF", "1")])),
        "token_not_valid"
    );
    // The cookie by itself opens nothing.
    let viewer = ask_with(
        &server,
        "",
        "{ viewer { id } }",
        &json!({}),
        &[("Cookie", &kept)],
    );
    assert_eq!(viewer.json()["data"]["viewer"], Value::Null);

    let both = [
        ("Cookie", kept.as_str()),
        ("X-Clipsy-CSRF", "1"),
        ("X-Forwarded-Proto", "https"),
    ];
    let answer = refresh(&both);
    let next = answer.json()["data"]["refreshSession"].clone();
    assert_eq!(
        (&next["refreshToken"], &next["viewer"]["username"]),
        (&Value::Null, &json!("ann"))
    );
    assert!(answer.header("set-cookie").unwrap().ends_with("; Secure"));
    let kept = cookie(&answer);

    // Signing out works when the access token has expired.
    server.clock.advance(TimeDelta::hours(2));
    let headers = [("Cookie", kept.as_str()), ("X-Clipsy-CSRF", "1")];
    let answer = ask_with(&server, "", SIGN_OUT, &json!({}), &headers);
    assert_eq!(answer.json()["data"]["signOut"]["ok"], true);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(refused(refresh(&headers)), "token_not_valid");
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    let server = Server::start();
    let change = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) {
        accessToken viewer { username mustChangePassword } userErrors { code field } } }";
    let (here, there) = (server.token("ann"), server.token("ann"));
    let input =
        |old: &str, new: &str| json!({"input": {"currentPassword": old, "newPassword": new}});
    let wrong = data(&server, &here, change, &input("wrong", "a long password"));
    assert_eq!(
        wrong["changePassword"]["userErrors"],
        json!([{"code": "invalid", "field": ["input", "currentPassword"]}])
    );
    let weak = data(&server, &here, change, &input("password of ann", "x"));
    assert_eq!(
        weak["changePassword"]["userErrors"][0]["field"][1],
        "newPassword"
    );
    assert_eq!(
        code(&server, "", change, &input("a", "b")),
        "UNAUTHENTICATED"
    );
    let done = data(
        &server,
        &here,
        change,
        &input("password of ann", "a long password"),
    );
    let token = done["changePassword"]["accessToken"].as_str().unwrap();
    for old in [&here, &there] {
        assert_eq!(
            code(&server, old, "{ viewer { id } }", &json!({})),
            "UNAUTHENTICATED"
        );
    }
    data(&server, token, "{ viewer { id } }", &json!({}));
}
