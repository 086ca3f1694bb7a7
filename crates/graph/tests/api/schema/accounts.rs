//! Accounts: what admins do with them.

use serde_json::{Value, json};

use super::gql::{Watch, code, data, refusals};
use crate::support::Server;

const CREATE: &str = "mutation($input: CreateUserInput!) { createUser(input: $input) {
    user { id username email role active mustChangePassword storageBytes }
    userErrors { code message field } } }";
const UPDATE: &str = "mutation($input: UpdateUserInput!) { updateUser(input: $input) {
    user { id email role active } userErrors { code message field } } }";
const SIGN_IN: &str = "mutation($input: SignInInput!) { signIn(input: $input) {
    accessToken viewer { username } userErrors { code } } }";

#[test]
fn accounts_are_made_changed_and_closed() {
    let server = Server::start();
    let root = server.token("root");
    let run = |query: &str, input: Value| data(&server, &root, query, &json!({"input": input}));
    let new =
        json!({"username": " carl ", "password": "a long password", "email": "c@example.org"});
    let made = run(CREATE, new)["createUser"]["user"].clone();
    assert_eq!(
        (&made["username"], &made["role"]),
        (&json!("carl"), &json!("USER"))
    );
    assert_eq!(
        (&made["active"], &made["storageBytes"]),
        (&json!(true), &json!(0))
    );
    let input = json!({"username": "carl", "password": "a long password"});
    let token = || run(SIGN_IN, input.clone())["signIn"]["accessToken"].clone();
    let carl = token();
    let carl = carl.as_str().unwrap();
    let viewer = |token: &str| data(&server, token, "{ viewer { username role } }", &json!({}));
    assert_eq!(viewer(carl)["viewer"]["username"], "carl");

    // A new role ends his sessions, and what he watches.
    let mut watch = Watch::start(
        &server,
        carl,
        "subscription { myVideos { kind } }",
        &json!({}),
    );
    let changed = run(
        UPDATE,
        json!({"id": made["id"], "role": "ADMIN", "email": ""}),
    );
    assert_eq!(changed["updateUser"]["user"]["role"], "ADMIN");
    assert_eq!(watch.error(), "UNAUTHENTICATED");
    assert_eq!(
        code(&server, carl, "{ viewer { id } }", &json!({})),
        "UNAUTHENTICATED"
    );
    assert_eq!(viewer(token().as_str().unwrap())["viewer"]["role"], "ADMIN");

    run(
        UPDATE,
        json!({"id": made["id"], "password": "another password"}),
    );
    assert_eq!(
        refusals(&server, "", SIGN_IN, &input),
        ["no_active_account"]
    );
    run(UPDATE, json!({"id": made["id"], "active": false}));
    let closed = json!({"username": "carl", "password": "another password"});
    assert_eq!(
        refusals(&server, "", SIGN_IN, &closed),
        ["no_active_account"]
    );
}

#[test]
fn what_is_wrong_with_an_account_is_told() {
    let server = Server::start();
    let (root, ann) = (server.token("root"), server.token("ann"));
    let wrong = json!({"username": "", "password": "x", "email": "nobody"});
    let answer = data(&server, &root, CREATE, &json!({"input": wrong}));
    let fields: Vec<&Value> = answer["createUser"]["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"][1])
        .collect();
    assert_eq!(fields, ["username", "password", "email"]);
    // Names that look like others are told by codes of their own.
    for (name, code) in [
        ("\u{430}nn", "mixed_scripts"),
        ("a\u{200b}nn", "invisible_characters"),
        ("ann\u{202e}", "invisible_characters"),
        ("a\tnn", "control_characters"),
    ] {
        let odd = json!({"username": name, "password": "a long password"});
        let answer = data(&server, &root, CREATE, &json!({"input": odd}));
        let error = &answer["createUser"]["userErrors"][0];
        assert_eq!(error["code"], code, "{name:?}");
        assert_eq!(error["field"], json!(["input", "username"]));
    }
    // However it is written, it is the same name.
    for (name, same) in [("José", "JOSE\u{301}"), ("bea", "ＢＥＡ")] {
        let new = |name: &str| json!({"input": {"username": name, "password": "a long password"}});
        let answer = data(&server, &root, CREATE, &new(name));
        assert_eq!(answer["createUser"]["userErrors"], json!([]), "{answer}");
        let answer = data(&server, &root, CREATE, &new(same));
        let error = &answer["createUser"]["userErrors"][0];
        assert_eq!(error["field"], json!(["input", "username"]), "{answer}");
        let answer = data(&server, "", SIGN_IN, &new(same));
        assert_eq!(answer["signIn"]["viewer"]["username"], name, "{answer}");
    }
    let taken = json!({"username": "ANN", "password": "a long password"});
    let answer = data(&server, &root, CREATE, &json!({"input": taken}));
    assert_eq!(
        answer["createUser"]["userErrors"][0]["field"],
        json!(["input", "username"])
    );
    assert_eq!(
        refusals(&server, &ann, CREATE, &taken),
        ["permission_denied"]
    );
    assert_eq!(
        code(&server, "", CREATE, &json!({"input": taken})),
        "UNAUTHENTICATED"
    );

    let me = data(&server, &root, "{ viewer { id } }", &json!({}))["viewer"]["id"].clone();
    let admin = data(
        &server,
        &root,
        "{ users(search: \"admin\") { nodes { id } } }",
        &json!({}),
    );
    let admin = admin["users"]["nodes"][0]["id"].clone();
    let bad = json!({"id": me, "email": "x"});
    assert_eq!(refusals(&server, &root, UPDATE, &bad), ["invalid"]);
    assert_eq!(
        refusals(&server, &root, UPDATE, &json!({"id": "12"})),
        ["not_found"]
    );
    assert_eq!(
        refusals(&server, &ann, UPDATE, &json!({"id": me})),
        ["permission_denied"]
    );
    let off = |id: &Value| json!({"id": id, "active": false});
    assert_eq!(refusals(&server, &root, UPDATE, &off(&admin)), [""; 0]);
    assert_eq!(refusals(&server, &root, UPDATE, &off(&me)), ["last_admin"]);
    // Nobody was signed out by that.
    data(&server, &root, "{ viewer { id } }", &json!({}));
}

#[test]
fn weak_passwords_are_refused_however_they_are_set() {
    let server = Server::start();
    let root = server.token("root");
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) {
        user { id } userErrors { code message field } } }";
    for (password, why) in [
        ("password", "too common"),
        ("12345678", "too common"),
        ("Carla-Rossi", "similar to the username"),
        ("c.rossi99", "similar to the email address"),
        ("xyxyxyxyxyxy", "too simple"),
    ] {
        let input = json!({"username": "carla-rossi", "password": password,
            "email": "c.rossi@example.org"});
        let made = data(&server, &root, create, &json!({"input": input}))["createUser"].clone();
        let error = &made["userErrors"][0];
        assert_eq!(
            (&made["user"], &error["code"]),
            (&Value::Null, &json!("invalid"))
        );
        assert_eq!(error["field"], json!(["input", "password"]));
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    }
    // One's own, and by REST.
    let ann = server.token("ann");
    for weak in ["password1", "annannann", "ann@example.com"] {
        let body = json!({"old_password": "password of ann", "new_password": weak});
        let answer = server.call("POST", "/api/auth/password/", &ann, &body);
        assert_eq!(answer.status, 400, "{weak}");
        assert_eq!(answer.header("clipsy-error-code"), Some("invalid"));
    }
}
