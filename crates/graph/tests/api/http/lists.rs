//! Searching, filtering, ordering, paging.

use clipsy_domain::asset::Visibility;
use clipsy_storage::NewAsset;
use serde_json::Value;

use crate::support::{Answer, Form, Server};

/// Videos with these titles, uploaded in this order by `ann`.
fn server(titles: &[&str]) -> (Server, String) {
    let server = Server::start();
    let token = server.token("ann");
    for title in titles {
        let form = Form::new()
            .text("title", title)
            .text("description", &format!("about {title}"))
            .file("x.mp4", b"x");
        assert_eq!(server.upload(&token, &form).status, 201);
        server.clock.advance(chrono::TimeDelta::seconds(1));
    }
    (server, token)
}

fn ids(list: &Value) -> Vec<i64> {
    let list = list.as_array().unwrap();
    list.iter().map(|v| v["id"].as_i64().unwrap()).collect()
}

fn list(server: &Server, query: &str) -> Vec<i64> {
    let answer = server.get(&format!("/api/videos/?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    ids(&answer.json())
}

#[test]
fn the_latest_comes_first_unless_asked_otherwise() {
    let (server, _) = server(&["b", "C", "a"]);
    assert_eq!(list(&server, ""), [3, 2, 1]);
    assert_eq!(list(&server, "ordering=created_at"), [1, 2, 3]);
    assert_eq!(list(&server, "ordering=title"), [3, 1, 2]);
    assert_eq!(list(&server, "ordering=-title"), [2, 1, 3]);
    assert_eq!(list(&server, "ordering=nonsense"), [3, 2, 1]);
    server.run(async { server.app.db.add_views(&[(2, 5), (1, 1)]).await.unwrap() });
    assert_eq!(list(&server, "ordering=-views"), [2, 1, 3]);
}

#[test]
fn search_finds_parts_of_title_and_description_literally() {
    let (server, _) = server(&["Holiday 100%", "holiday_1000", "Работа"]);
    assert_eq!(list(&server, "search=HOLIDAY"), [2, 1]);
    assert_eq!(list(&server, "search=100%25"), [1]);
    assert_eq!(list(&server, "search=y_1"), [2]);
    assert_eq!(list(&server, "search=about"), [3, 2, 1]);
    assert_eq!(
        list(&server, "search=%D1%80%D0%B0%D0%B1%D0%BE%D1%82%D0%B0"),
        [3]
    );
    assert_eq!(
        list(&server, "search=%27%20OR%201%3D1%20--"),
        [] as [i64; 0]
    );
    assert_eq!(list(&server, "search="), [3, 2, 1]);
    server.get("/api/videos/?search=a%00b").is_error(
        400,
        "invalid",
        r#"{"search":["Null characters are not allowed."]}"#,
    );
}

#[test]
fn lists_are_narrowed_by_status_visibility_and_owner() {
    let (server, token) = server(&["one", "two"]);
    let unlisted = server.video(&token, "unlisted");
    let bobs = server.video(&server.token("bob"), "public");
    server.make_ready(2);
    assert_eq!(list(&server, "status=ready"), [2]);
    assert_eq!(list(&server, "status=pending"), [bobs, 1]);
    assert_eq!(list(&server, "status=ready,pending"), [bobs, 2, 1]);
    assert_eq!(list(&server, "status=failed"), [] as [i64; 0]);
    server.get("/api/videos/?status=done").is_error(
        400,
        "invalid",
        r#"{"status":["Select a valid choice. done is not one of the available choices."]}"#,
    );
    let as_ann = |query: &str| {
        let path = format!("/api/videos/?{query}");
        let answer = server.call("GET", &path, &token, &Value::Null);
        ids(&answer.json())
    };
    assert_eq!(as_ann(""), [bobs, unlisted, 2, 1]);
    assert_eq!(as_ann("owner=me"), [unlisted, 2, 1]);
    assert_eq!(as_ann("owner=4"), [bobs]);
    assert_eq!(as_ann("visibility=unlisted"), [unlisted]);
    assert_eq!(as_ann("owner=me&visibility=public&status=ready"), [2]);
    assert_eq!(server.get("/api/videos/?owner=me").status, 401);
    assert_eq!(server.get("/api/videos/?visibility=x").status, 400);
}

#[test]
fn pages_lead_to_each_other() {
    let (server, token) = server(&["a", "b", "c", "d", "e"]);
    let page = |query: &str| server.get(&format!("/api/videos/?{query}"));
    let url = |query: &str| Value::from(format!("http://{}/api/videos/?{query}", server.address));
    let check = |answer: Answer, next: Value, previous: Value, results: &[i64]| {
        assert_eq!(answer.status, 200);
        let page = answer.json();
        assert_eq!(page["count"], 5);
        assert_eq!(page["next"], next);
        assert_eq!(page["previous"], previous);
        assert_eq!(ids(&page["results"]), results);
        assert!(answer.text().starts_with(r#"{"count":5,"next":"#));
    };
    check(
        page("page_size=2"),
        url("page=2&page_size=2"),
        Value::Null,
        &[5, 4],
    );
    check(
        page("page_size=2&page=2"),
        url("page=3&page_size=2"),
        url("page_size=2"),
        &[3, 2],
    );
    check(
        page("page=last&page_size=2"),
        Value::Null,
        url("page=2&page_size=2"),
        &[1],
    );
    check(page("page=1"), Value::Null, Value::Null, &[5, 4, 3, 2, 1]);
    check(
        page("page_size=junk"),
        Value::Null,
        Value::Null,
        &[5, 4, 3, 2, 1],
    );
    for number in ["0", "2", "-1", "x", "", "99999999999999999999"] {
        page(&format!("page={number}")).is_error(
            404,
            "no_such_page",
            r#"{"detail":"Invalid page."}"#,
        );
    }
    // The same when the list is narrowed.
    let path = "/api/videos/?owner=me&page_size=2&page=3";
    let answer = server.call("GET", path, &token, &Value::Null).json();
    assert_eq!(
        (&answer["count"], ids(&answer["results"])),
        (&Value::from(5), vec![1])
    );
    // An empty list has one page.
    let answer = page("status=failed&page=1").json();
    assert_eq!(
        (&answer["count"], ids(&answer["results"])),
        (&Value::from(0), vec![])
    );
}

/// However long it is, the bare list is all of it, in the documented shape.
#[test]
fn a_long_list_comes_in_parts_and_is_whole() {
    let (server, _) = server(&["first"]);
    server.run(async {
        let first = server.app.db.asset(1).await.unwrap().unwrap();
        for number in 2..=450 {
            let new = NewAsset {
                owner_id: first.owner_id,
                title: format!("Film {}", number % 7),
                description: String::new(),
                visibility: if number % 9 == 0 {
                    Visibility::Private
                } else {
                    Visibility::Public
                },
                source_key: format!("videos/originals/{number}.mp4"),
                source_name: "film.mp4".into(),
                source_type: "video/mp4".into(),
                source_bytes: 1,
                source_sha256: None,
            };
            server.app.db.create_asset(new, None).await.unwrap();
            if number % 3 == 0 {
                server.clock.advance(chrono::TimeDelta::seconds(1));
            }
        }
    });
    let ann = server.token("ann");
    for (token, count) in [("", 400), (ann.as_str(), 450)] {
        for query in [
            "",
            "ordering=title",
            "search=film&ordering=-views",
            "search=ilm",
        ] {
            let ask = |more: &str| {
                let path = format!("/api/videos/?{query}{more}");
                let answer = server.call("GET", &path, token, &Value::Null);
                assert_eq!(answer.status, 200, "{path}");
                answer
            };
            let whole = ask("");
            assert_eq!(whole.header("content-length"), None, "it came in one piece");
            assert_eq!(whole.header("content-type"), Some("application/json"));
            // Byte by byte what the pages say.
            let mut items = Vec::new();
            for page in 1..=(count + 99) / 100 {
                let page = ask(&format!("&page_size=100&page={page}")).text();
                let (_, results) = page.split_once(r#""results":["#).unwrap();
                items.push(results.strip_suffix("]}").unwrap().to_owned());
            }
            assert_eq!(whole.text(), format!("[{}]", items.join(",")), "{query}");
            let searched = i64::from(!query.contains("search"));
            let found = i64::try_from(whole.json().as_array().unwrap().len()).unwrap();
            assert_eq!(found, count - 1 + searched);
        }
    }
}
