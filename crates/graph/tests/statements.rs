//! How many SQL statements a page of videos takes, with all that it shows: as many for fifty videos
//! as for two.
#![cfg(test)]

use clipsy_testkit::statements;
use serde_json::{Value, json};

#[path = "api/schema/gql.rs"]
#[expect(dead_code, reason = "the tests of the schema use the rest")]
mod gql;
#[path = "api/support.rs"]
#[expect(dead_code, reason = "the tests of the HTTP face use the rest")]
mod support;

use support::Server;

const PAGE: &str = "query($first: Int!, $after: String) { videos(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
    nodes { id number title state playable thumbnailUrl views duration canEdit
        owner { id username email role } renditions { id name state percent bytes }
        playback { hlsUrl } progress { percent stage queuePosition } } } }";

#[test]
fn a_page_takes_few_statements_however_long_it_is() {
    statements::count();
    let server = Server::start();
    let tokens = [server.token("ann"), server.token("bob")];
    // The clock goes on while videos are made, and tokens with it.
    let ids: Vec<i64> = (0..60)
        .map(|number| server.video(&tokens[number % 2], "public"))
        .collect();
    for (number, id) in ids.into_iter().enumerate() {
        match number % 3 {
            0 => {}
            1 => server.make_playable(id),
            _ => server.make_ready(id),
        }
    }
    support::wait_until("all originals are hashed", || {
        let waiting = server.run(server.app.db.unhashed_asset(0)).unwrap();
        waiting.is_none()
    });
    // What goes on beside the requests asks the database, too, so the fewest of some tries count.
    let ask = |query: &str, variables: &Value| {
        let mut fewest = usize::MAX;
        let mut found = Value::Null;
        for _ in 0..5 {
            statements::take();
            found = gql::data(&server, "", query, variables)["videos"].clone();
            fewest = fewest.min(statements::take());
        }
        (found, fewest)
    };
    let page = |first: i32, after: &Value| ask(PAGE, &json!({"first": first, "after": after}));
    // Videos, their number, renditions, owners, jobs or places of those that are not ready.
    let (short, few) = page(2, &Value::Null);
    let (long, many) = page(50, &Value::Null);
    assert_eq!(long["nodes"].as_array().unwrap().len(), 50);
    assert_eq!(short["nodes"].as_array().unwrap().len(), 2);
    println!("{few} statements for 2 videos, {many} for 50");
    assert!((1..=6).contains(&many), "{many}");

    // What a library shows: fifty videos with renditions and owner.
    let library = "{ videos(first: 50) { totalCount nodes { id title state thumbnailUrl
        owner { id username } renditions { name state percent } } } }";
    let (found, took) = ask(library, &json!({}));
    assert_eq!(found["nodes"].as_array().unwrap().len(), 50);
    println!("{took} statements for a library of 50");
    assert!((1..=5).contains(&took), "{took}");
    let (_, next) = page(50, &long["pageInfo"]["endCursor"]);
    assert!(next <= 7, "{next}");

    // What only admins are told of owners is read for all of them at once.
    let admin = server.token("admin");
    let sizes = "{ videos(first: 50) { nodes { owner { storageBytes } } } }";
    let mut fewest = usize::MAX;
    for _ in 0..5 {
        statements::take();
        let told = gql::data(&server, &admin, sizes, &json!({}));
        fewest = fewest.min(statements::take());
        let nodes = told["videos"]["nodes"].as_array().unwrap();
        assert!(
            nodes
                .iter()
                .all(|node| !node["owner"]["storageBytes"].is_null())
        );
    }
    println!("{fewest} statements for the owners of 50");
    assert!((1..=6).contains(&fewest), "{fewest}");
}
