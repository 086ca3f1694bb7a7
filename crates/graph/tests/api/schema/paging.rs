//! Lists by the page.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::gql::{code, data};
use crate::support::{Form, ORIGINAL, Server};

const PAGE: &str = "query($first: Int, $after: String, $last: Int, $before: String,
    $filter: VideoFilter, $orderBy: VideoOrder) {
    videos(first: $first, after: $after, last: $last, before: $before, filter: $filter,
        orderBy: $orderBy) {
        nodes { title } edges { cursor node { number } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }";

fn add(server: &Server, token: &str, title: &str, visibility: &str) -> i64 {
    server.clock.advance(TimeDelta::seconds(1));
    let form = Form::new()
        .text("title", title)
        .text("visibility", visibility)
        .file("film.mp4", ORIGINAL);
    let answer = server.upload(token, &form);
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_i64().unwrap()
}

fn page(server: &Server, token: &str, variables: &Value) -> Value {
    data(server, token, PAGE, variables)["videos"].clone()
}

fn titles(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes.iter().map(|n| n["title"].as_str().unwrap()).collect()
}

#[test]
fn pages_go_on_where_they_stopped_while_others_upload() {
    let server = Server::start();
    let ann = server.token("ann");
    for title in ["a", "b", "c", "d", "e"] {
        add(&server, &ann, title, "public");
    }
    let first = page(&server, "", &json!({"first": 2}));
    assert_eq!(titles(&first), ["e", "d"]);
    assert_eq!(first["totalCount"], 5);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    assert_eq!(first["pageInfo"]["hasPreviousPage"], false);
    assert_eq!(
        first["pageInfo"]["startCursor"],
        first["edges"][0]["cursor"]
    );

    add(&server, &ann, "f", "public");
    let after = &first["pageInfo"]["endCursor"];
    let second = page(&server, "", &json!({"first": 2, "after": after}));
    assert_eq!(titles(&second), ["c", "b"]);
    assert_eq!(second["totalCount"], 6);
    assert_eq!(second["pageInfo"]["hasPreviousPage"], true);
    let after = &second["pageInfo"]["endCursor"];
    let last = page(&server, "", &json!({"first": 2, "after": after}));
    assert_eq!(titles(&last), ["a"]);
    assert_eq!(last["pageInfo"]["hasNextPage"], false);

    // Backward from the end, in the same order.
    let end = page(&server, "", &json!({"last": 2}));
    assert_eq!(titles(&end), ["b", "a"]);
    assert_eq!(end["pageInfo"]["hasPreviousPage"], true);
    assert_eq!(end["pageInfo"]["hasNextPage"], false);
    let before = &end["pageInfo"]["startCursor"];
    let back = page(&server, "", &json!({"last": 3, "before": before}));
    assert_eq!(titles(&back), ["e", "d", "c"]);
    assert_eq!(back["pageInfo"]["hasNextPage"], true);
    assert_eq!(back["pageInfo"]["hasPreviousPage"], true);
    let before = &back["pageInfo"]["startCursor"];
    let back = page(&server, "", &json!({"last": 3, "before": before}));
    assert_eq!(titles(&back), ["f"]);
    assert_eq!(back["pageInfo"]["hasPreviousPage"], false);
    let none = page(&server, "", &json!({"first": 0}));
    assert_eq!(titles(&none), [""; 0]);
    assert_eq!(none["pageInfo"]["startCursor"], Value::Null);
}

#[test]
fn lists_are_sorted_and_filtered() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    add(&server, &ann, "Holiday b", "public");
    add(&server, &ann, "holiday A", "private");
    add(&server, &bob, "work", "public");
    add(&server, &bob, "HOLIDAY c", "unlisted");
    let found = |token: &str, filter: Value| {
        let order = json!({"field": "TITLE", "direction": "ASC"});
        let page = page(&server, token, &json!({"filter": filter, "orderBy": order}));
        titles(&page)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(found("", json!({"search": "holiday"})), ["Holiday b"]);
    assert_eq!(
        found(&ann, json!({"search": " HOLIDAY "})),
        ["holiday A", "Holiday b"]
    );
    assert_eq!(
        found(&ann, json!({"mine": true})),
        ["holiday A", "Holiday b"]
    );
    assert_eq!(
        found(&ann, json!({"mine": null})),
        ["holiday A", "Holiday b", "work"]
    );
    assert_eq!(
        found(&bob, json!({"visibility": ["UNLISTED", "PRIVATE"]})),
        ["HOLIDAY c"]
    );
    let root = server.token("root");
    assert_eq!(found(&root, json!({"search": "o"})).len(), 4);
    assert_eq!(found(&root, json!({"states": ["READY"]})), [""; 0]);
    assert_eq!(
        found(&root, json!({"states": ["READY", "QUEUED"]})).len(),
        4
    );
    let owner = data(&server, &bob, "{ viewer { id } }", &json!({}))["viewer"]["id"].clone();
    assert_eq!(found(&root, json!({"owner": owner})), ["HOLIDAY c", "work"]);
    assert_eq!(found("", json!({"owner": owner})), ["work"]);
    assert_eq!(found(&ann, json!({"owner": owner, "mine": true})), [""; 0]);
    // An account's own list says the same.
    let query = "query($id: ID!) { node(id: $id) { ... on User {
        videos(first: 1, orderBy: {field: TITLE, direction: DESC}) { totalCount nodes { title } }
    } } }";
    let list = data(&server, &bob, query, &json!({"id": owner}))["node"]["videos"].clone();
    assert_eq!(list, json!({"totalCount": 2, "nodes": [{"title": "work"}]}));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let server = Server::start();
    let other_order = json!({"field": "TITLE"});
    let ann = server.token("ann");
    add(&server, &ann, "a", "public");
    let cursor = page(&server, "", &json!({}))["pageInfo"]["endCursor"].clone();
    for variables in [
        json!({"first": 1, "last": 1}),
        json!({"first": -1}),
        json!({"last": 101}),
        json!({"after": "nonsense"}),
        json!({"after": cursor, "orderBy": other_order}),
        json!({"filter": {"owner": "12"}}),
        json!({"filter": {"states": []}}),
        json!({"filter": {"search": "a\u{0}b"}}),
    ] {
        let found = code(&server, "", PAGE, &variables);
        assert_eq!(found, "BAD_USER_INPUT", "{variables}");
    }
    let mine = json!({"filter": {"mine": true}});
    assert_eq!(code(&server, "", PAGE, &mine), "UNAUTHENTICATED");
}

#[test]
fn accounts_are_listed_for_admins() {
    let server = Server::start();
    let query = "query($after: String, $search: String) {
        users(first: 3, after: $after, search: $search) { totalCount nodes { username email role }
        pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let root = server.token("root");
    let first = data(&server, &root, query, &json!({}))["users"].clone();
    assert_eq!(first["totalCount"], 4);
    assert_eq!(
        first["nodes"][1],
        json!({"username": "ann", "email": "ann@example.com", "role": "USER"})
    );
    let after = &first["pageInfo"]["endCursor"];
    let second = data(&server, &root, query, &json!({"after": after}))["users"].clone();
    assert_eq!(second["nodes"][0]["username"], "root");
    assert_eq!(second["pageInfo"]["hasPreviousPage"], true);
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    let found = data(&server, &root, query, &json!({"search": "BOB"}))["users"].clone();
    assert_eq!(found["totalCount"], 1);
    assert_eq!(
        code(&server, &server.token("ann"), query, &json!({})),
        "FORBIDDEN"
    );
    assert_eq!(code(&server, "", query, &json!({})), "UNAUTHENTICATED");
}
