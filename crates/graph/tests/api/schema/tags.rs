//! Tags of videos, by both interfaces.

use serde_json::{Value, json};

use super::gql::{code, data, refusals};
use crate::support::Server;

const SET: &str = "mutation($input: UpdateVideoInput!) { updateVideo(input: $input) {
    video { tags } userErrors { code field } } }";
const FIND: &str = "query($filter: VideoFilter!) { videos(filter: $filter) {
    totalCount nodes { number tags } } }";

fn set(server: &Server, token: &str, id: i64, tags: &Value) -> Value {
    let input = json!({"input": {"id": id.to_string(), "tags": tags}});
    data(server, token, SET, &input)["updateVideo"].clone()
}

fn found(server: &Server, filter: &Value) -> Vec<i64> {
    let answer = data(server, "", FIND, &json!({ "filter": filter }));
    let nodes = answer["videos"]["nodes"].as_array().unwrap();
    assert_eq!(answer["videos"]["totalCount"], nodes.len());
    nodes
        .iter()
        .map(|node| node["number"].as_i64().unwrap())
        .collect()
}

#[test]
fn tags_are_set_shown_and_found() {
    let server = Server::start();
    let ann = server.token("ann");
    let (first, second) = (server.video(&ann, "public"), server.video(&ann, "public"));
    let answer = set(
        &server,
        &ann,
        first,
        &json!([" #Summer ", "SUMMER", "Käse", ""]),
    );
    assert_eq!(
        answer,
        json!({"video": {"tags": ["Summer", "Käse"]}, "userErrors": []})
    );
    let path = format!("/api/videos/{second}/");
    let patched = server.call("PATCH", &path, &ann, &json!({"tags": ["summer"]}));
    assert_eq!(patched.status, 200, "{}", patched.text());
    assert_eq!(patched.json()["tags"], json!(["summer"]));
    // What a change does not name stays.
    let patched = server.call("PATCH", &path, &ann, &json!({"title": "Another"}));
    assert_eq!(patched.json()["tags"], json!(["summer"]));

    assert_eq!(found(&server, &json!({"tag": "summer"})), [second, first]);
    assert_eq!(found(&server, &json!({"tag": "#KÄSE"})), [first]);
    assert_eq!(found(&server, &json!({"tag": "sum"})), [0; 0]);
    assert_eq!(found(&server, &json!({"tag": ","})), [0; 0]);
    assert_eq!(found(&server, &json!({"search": "kas"})), [0; 0]);
    assert_eq!(found(&server, &json!({"search": "käs"})), [first]);
    let listed = |query: &str| {
        let all = server.get(&format!("/api/videos/?{query}")).json();
        let all = all.as_array().unwrap().clone();
        all.iter()
            .map(|video| video["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("tag=SUMMER"), [second, first]);
    assert_eq!(listed("tag=k%C3%A4se"), [first]);
    assert_eq!(listed("tag="), [second, first]);

    let none = set(&server, &ann, first, &json!([]));
    assert_eq!(none["video"]["tags"], json!([]));
    assert_eq!(found(&server, &json!({"tag": "summer"})), [second]);
}

#[test]
fn tags_that_no_video_may_have_are_refused() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let many: Vec<String> = (0..31).map(|number| format!("tag {number}")).collect();
    for (tags, expected) in [
        (json!(many), "too_many_tags"),
        (json!(["x".repeat(51)]), "tag_too_long"),
        (json!(["a,b"]), "tag_character"),
    ] {
        let answer = set(&server, &ann, id, &tags);
        let expected_errors = json!([{"code": expected, "field": ["input", "tags"]}]);
        assert_eq!(answer["userErrors"], expected_errors, "{tags}");
        assert_eq!(answer["video"], Value::Null);
        let path = format!("/api/videos/{id}/");
        let refused = server.call("PATCH", &path, &ann, &json!({"tags": tags}));
        assert_eq!(refused.status, 400);
        assert_eq!(refused.header("clipsy-error-code"), Some(expected));
        assert_eq!(refused.json()["tags"].as_array().unwrap().len(), 1);
    }
    let path = format!("/api/videos/{id}/");
    for odd in [json!("one"), json!([1]), Value::Null] {
        let refused = server.call("PATCH", &path, &ann, &json!({"tags": odd}));
        assert_eq!(refused.status, 400, "{odd}");
        assert_eq!(
            refused.json(),
            json!({"tags": ["Expected a list of strings."]})
        );
    }
    let most = set(&server, &ann, id, &json!(many[..30]));
    assert_eq!(most["video"]["tags"], json!(many[..30]));
    let input = json!({"id": id.to_string(), "tags": ["mine"]});
    let bob = server.token("bob");
    assert_eq!(refusals(&server, &bob, SET, &input), ["permission_denied"]);
    let variables = json!({ "input": input });
    assert_eq!(code(&server, "", SET, &variables), "UNAUTHENTICATED");
}

#[test]
fn tags_are_suggested_while_one_types() {
    let server = Server::start();
    let (ann, bob) = (server.token("ann"), server.token("bob"));
    let own = server.video(&ann, "private");
    set(&server, &ann, own, &json!(["Rabbits", "Rain"]));
    let public = server.video(&bob, "public");
    set(&server, &bob, public, &json!(["rabbit holes", "RAIN"]));
    let suggested = |token: &str, start: &str, first: &Value| {
        let query = "query($start: String!, $first: Int) {
            tagSuggestions(startingWith: $start, first: $first) }";
        let asked = json!({"start": start, "first": first});
        data(&server, token, query, &asked)["tagSuggestions"].clone()
    };
    let all = json!(["Rabbits", "Rain", "rabbit holes"]);
    assert_eq!(suggested(&ann, "ra", &Value::Null), all);
    assert_eq!(
        suggested(&ann, " #RA", &json!(2)),
        json!(["Rabbits", "Rain"])
    );
    assert_eq!(
        suggested(&ann, "rabb", &json!(100)),
        json!(["Rabbits", "rabbit holes"])
    );
    assert_eq!(
        suggested("", "ra", &json!(8)),
        json!(["rabbit holes", "RAIN"])
    );
    for nothing in ["ra,", "#", "rx"] {
        assert_eq!(
            suggested(&ann, nothing, &json!(8)),
            json!([]),
            "{nothing:?}"
        );
    }
    assert_eq!(suggested(&ann, "", &json!(-1)), json!([]));
}
