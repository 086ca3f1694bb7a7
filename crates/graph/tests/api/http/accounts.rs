//! Sessions: how they begin, how they are kept, and that they really end.

use std::num::NonZeroU32;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Answer, Server};

const INVALID: &str = r#"{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"token_class":"AccessToken","token_type":"access","message":"Token is invalid or expired"}]}"#;
const BLACKLISTED: &str = r#"{"detail":"Token is blacklisted","code":"token_not_valid"}"#;

fn me(server: &Server, token: &str) -> Answer {
    server.call("GET", "/api/auth/me/", token, &Value::Null)
}

fn refresh(server: &Server, token: &Value) -> Answer {
    server.call(
        "POST",
        "/api/auth/refresh/",
        "",
        &json!({ "refresh": token }),
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn me_tells_who_is_signed_in() {
    let server = Server::start();
    let answer = me(&server, &server.token("ann"));
    assert_eq!(
        answer.text(),
        r#"{"id":3,"username":"ann","email":"ann@example.com","role":"user","date_joined":"2024-01-15T10:30:00Z"}"#
    );
}

#[test]
fn logging_out_ends_the_access_token_and_the_whole_family() {
    let server = Server::start();
    let first = server.sign_in("ann");
    let other = server.sign_in("ann");
    let second = refresh(&server, &first["refresh"]).json();
    server.call(
        "POST",
        "/api/auth/logout/",
        text(&second["access"]),
        &Value::Null,
    );
    for access in [&first["access"], &second["access"]] {
        me(&server, text(access)).is_error(401, "token_not_valid", INVALID);
        // Even where no token is needed: a client has to learn that its own is no good.
        server
            .call("GET", "/api/videos/", text(access), &Value::Null)
            .is_error(401, "token_not_valid", INVALID);
    }
    refresh(&server, &second["refresh"]).is_error(401, "token_not_valid", BLACKLISTED);
    assert_eq!(me(&server, text(&other["access"])).status, 200);
}

#[test]
fn a_refresh_token_is_good_once_and_its_second_use_ends_the_session() {
    let server = Server::start();
    let first = server.sign_in("ann");
    let second = refresh(&server, &first["refresh"]);
    assert_eq!(second.status, 200);
    let second = second.json();
    assert_ne!(first["refresh"], second["refresh"]);
    assert_eq!(me(&server, text(&second["access"])).status, 200);
    // A second tab that is a little late gets what the first one got.
    let again = refresh(&server, &first["refresh"]);
    assert_eq!(again.status, 200, "{}", again.text());
    server.clock.advance(TimeDelta::seconds(11));
    refresh(&server, &first["refresh"]).is_error(401, "token_not_valid", BLACKLISTED);
    me(&server, text(&second["access"])).is_error(401, "token_not_valid", INVALID);
    refresh(&server, &second["refresh"]).is_error(401, "token_not_valid", BLACKLISTED);
}

#[test]
fn tokens_expire_and_refreshing_begins_anew() {
    let server = Server::start();
    let first = server.sign_in("ann");
    server.clock.advance(TimeDelta::seconds(3_599));
    assert_eq!(me(&server, text(&first["access"])).status, 200);
    server.clock.advance(TimeDelta::seconds(1));
    me(&server, text(&first["access"])).is_error(401, "token_not_valid", INVALID);
    server.clock.advance(TimeDelta::days(6));
    let second = refresh(&server, &first["refresh"]).json();
    server.clock.advance(TimeDelta::days(6));
    let third = refresh(&server, &second["refresh"]).json();
    server.clock.advance(TimeDelta::days(7));
    refresh(&server, &third["refresh"]).is_error(
        401,
        "token_not_valid",
        r#"{"detail":"Token is invalid or expired","code":"token_not_valid"}"#,
    );
}

#[test]
fn an_access_token_is_no_refresh_token_and_the_other_way_round() {
    let server = Server::start();
    let session = server.sign_in("ann");
    assert_eq!(refresh(&server, &session["access"]).status, 401);
    me(&server, text(&session["refresh"])).is_error(401, "token_not_valid", INVALID);
}

#[test]
fn a_closed_account_is_out_at_once() {
    let server = Server::start();
    let session = server.sign_in("ann");
    server.run(async { server.app.db.set_active(3, false).await.unwrap() });
    me(&server, text(&session["access"])).is_error(401, "token_not_valid", INVALID);
    refresh(&server, &session["refresh"]).is_error(401, "token_not_valid", BLACKLISTED);
    let body = json!({ "username": "ann", "password": "password of ann" });
    assert_eq!(
        server.call("POST", "/api/auth/login/", "", &body).status,
        401
    );
}

#[test]
fn changing_the_password_ends_every_session() {
    let server = Server::start();
    let (here, there) = (server.sign_in("ann"), server.sign_in("ann"));
    let change = |old: &str, new: &str| {
        let body = json!({ "old_password": old, "new_password": new });
        server.call("POST", "/api/auth/password/", text(&here["access"]), &body)
    };
    change("wrong", "long enough").is_error(
        400,
        "invalid",
        r#"{"old_password":["Your old password was entered incorrectly. Please enter it again."]}"#,
    );
    change("password of ann", "short").is_error(
        400,
        "invalid",
        r#"{"new_password":["This password is too short. It must contain at least 8 characters."]}"#,
    );
    assert_eq!(change("password of ann", "admin123").status, 400);
    let answer = change("password of ann", "long enough");
    assert_eq!(answer.status, 200);
    for session in [&here, &there] {
        assert_eq!(me(&server, text(&session["access"])).status, 401);
    }
    assert_eq!(me(&server, text(&answer.json()["access"])).status, 200);
    let login = |password: &str| {
        let body = json!({ "username": "ann", "password": password });
        server.call("POST", "/api/auth/login/", "", &body).status
    };
    assert_eq!((login("password of ann"), login("long enough")), (401, 200));
}

/// Signs in as the account with the documented password, with those headers.
fn default_login(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let mut headers = headers.to_vec();
    headers.push(("Content-Type", "application/json"));
    let body = br#"{"username":"admin","password":"admin123"}"#;
    server.send("POST", "/api/auth/login/", &headers, body)
}

#[test]
fn a_demonstration_has_the_default_password_and_says_so() {
    let server = Server::start();
    let answer = default_login(&server, &[]);
    assert_eq!(answer.status, 200);
    let session = answer.json();
    assert!(text(&session["warning"]).contains("default password"));
    let token = text(&session["access"]);
    assert!(text(&me(&server, token).json()["warning"]).contains("default password"));
    let warnings = || server.get("/readyz").json()["warnings"].clone();
    assert!(text(&warnings()[0]).contains("demonstration"));
    for path in ["/", "/watch/1", "/embed/1", "/nowhere"] {
        let page = server.send("GET", path, &[("Accept", "text/html")], b"");
        assert!(page.text().contains("<html data-demo "), "{path}");
    }

    let body = json!({ "old_password": "admin123", "new_password": "better than that" });
    let answer = server.call("POST", "/api/auth/password/", token, &body);
    let token = answer.json()["access"].clone();
    assert_eq!(me(&server, text(&token)).json()["warning"], Value::Null);
    // It is one all the same.
    assert_eq!(warnings().as_array().unwrap().len(), 1);
}

#[test]
fn elsewhere_the_default_password_opens_nothing() {
    let server = Server::start_with(|settings| settings.service.demo = false);
    let refused = r#"{"detail":"This account has the default password, which is good for demonstrations only. Whoever runs the server gives it another with `clipsy user passwd`."}"#;
    for headers in [
        &[][..],
        &[("Host", "127.0.0.1:8000")],
        &[("Host", "[::1]evil")],
        &[("X-Forwarded-For", "127.0.0.1"), ("Host", "localhost")],
        &[("Forwarded", "for=127.0.0.1;host=localhost")],
    ] {
        default_login(&server, headers).is_error(403, "default_password", refused);
    }
    // A wrong password tells nothing about that.
    let body = json!({ "username": "admin", "password": "wrong" });
    assert_eq!(
        server.call("POST", "/api/auth/login/", "", &body).status,
        401
    );
    assert!(text(&server.get("/readyz").json()["warnings"][0]).contains("clipsy user passwd"));
    let page = server.send("GET", "/", &[("Accept", "text/html")], b"");
    assert!(!page.text().contains("data-demo"));
}

#[test]
fn too_many_tries_have_to_wait() {
    let server = Server::start_with(|s| {
        s.service.logins_per_account = NonZeroU32::new(3).unwrap();
        s.service.logins_per_address = NonZeroU32::new(5).unwrap();
    });
    let try_as = |name: &str| {
        let body = json!({ "username": name, "password": "wrong" });
        server.call("POST", "/api/auth/login/", "", &body)
    };
    for _ in 0..3 {
        assert_eq!(try_as("ann").status, 401);
    }
    let answer = try_as("ann");
    assert_eq!(
        (answer.status, answer.header("clipsy-error-code")),
        (429, Some("throttled"))
    );
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    let detail = format!("Request was throttled. Expected available in {wait} seconds.");
    assert_eq!(answer.json(), json!({ "detail": detail }));
    // The right password does not help, and other accounts have their own count.
    let body = json!({ "username": "ann", "password": "password of ann" });
    assert_eq!(
        server.call("POST", "/api/auth/login/", "", &body).status,
        429
    );
    // Until the address has had all of its tries: five, of which ann used all.
    assert_eq!(try_as("bob").status, 429);
}

#[test]
fn whoever_knows_the_password_may_sign_in_as_often_as_they_like() {
    let server = Server::start_with(|s| {
        s.service.logins_per_account = NonZeroU32::new(3).unwrap();
        s.service.logins_per_address = NonZeroU32::new(4).unwrap();
    });
    let try_with = |password: &str| {
        let body = json!({ "username": "ann", "password": password });
        let answer = server.call("POST", "/api/auth/login/", "", &body);
        answer.status
    };
    for _ in 0..12 {
        assert_eq!(try_with("password of ann"), 200);
    }
    assert_eq!([try_with("a"), try_with("b")], [401, 401]);
    // That does not forgive what was tried in vain in between.
    assert_eq!(try_with("password of ann"), 200);
    assert_eq!([try_with("c"), try_with("d")], [401, 429]);
}

#[test]
fn a_forged_address_gets_no_tries_of_its_own() {
    let server = Server::start_with(|s| s.service.logins_per_account = NonZeroU32::new(2).unwrap());
    let status = |address: &str| {
        let headers = [
            ("Content-Type", "application/json"),
            ("X-Forwarded-For", address),
        ];
        let body = br#"{"username":"ann","password":"wrong"}"#;
        server
            .send("POST", "/api/auth/login/", &headers, body)
            .status
    };
    assert_eq!(
        [
            status("192.0.2.1"),
            status("192.0.2.2"),
            status("192.0.2.3")
        ],
        [401, 401, 429]
    );
    let server = Server::start_with(|s| {
        s.service.logins_per_account = NonZeroU32::new(2).unwrap();
        s.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let status = |address: &str| {
        let headers = [
            ("Content-Type", "application/json"),
            ("X-Forwarded-For", address),
        ];
        let body = br#"{"username":"ann","password":"wrong"}"#;
        server
            .send("POST", "/api/auth/login/", &headers, body)
            .status
    };
    assert_eq!(
        [
            status("192.0.2.1"),
            status("192.0.2.2"),
            status("192.0.2.3")
        ],
        [401, 401, 401]
    );
}
