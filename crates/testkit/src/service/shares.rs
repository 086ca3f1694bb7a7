//! Two accounts that want more than there is.

use serde_json::{Value, json};

use super::client::Client;
use super::server::Server;
use super::short_clip;

const PASSWORD: &str = "a bee makes honey 7";

/// One account queues four videos and another one then a fifth; of one worker, the newcomer gets the
/// second turn. An admin puts the last one of the first account before its others.
pub fn take_turns(server: &Server) {
    let hog = Client::admin(server);
    let run = |query: &str, input: Value| {
        let answer = hog.graphql(query, &json!({ "input": input }));
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        answer
    };
    let made = run(
        "mutation($input: CreateUserInput!) { createUser(input: $input) { userErrors { code } } }",
        json!({"username": "bee", "password": PASSWORD}),
    );
    assert_eq!(made["data"]["createUser"]["userErrors"], json!([]));
    let newcomer = Client::of(server, "bee", PASSWORD);
    hog.graphql(
        "mutation { pauseQueue { userErrors { code } } }",
        &json!({}),
    );
    let of_hog: Vec<i64> = (0..4).map(|_| hog.upload(&short_clip())).collect();
    let of_newcomer = newcomer.upload(&short_clip());
    let set = run(
        "mutation($input: SetPriorityInput!) { setPriority(input: $input) { userErrors { code } } }",
        json!({"id": of_hog[3].to_string(), "priority": 10}),
    );
    assert_eq!(set["data"]["setPriority"]["userErrors"], json!([]));
    hog.graphql(
        "mutation { resumeQueue { userErrors { code } } }",
        &json!({}),
    );

    let query = "query($id: ID!) { video(id: $id) { jobs { attempt startedAt } } }";
    let started = |id: i64| {
        hog.ready(id);
        let answer = hog.graphql(query, &json!({"id": id.to_string()}));
        let job = answer["data"]["video"]["jobs"][0].clone();
        assert_eq!(job["attempt"], 1, "{answer}");
        // Moments of the same form are in the order of their letters.
        (job["startedAt"].as_str().unwrap().to_owned(), id)
    };
    let mut order: Vec<_> = of_hog.iter().copied().map(started).collect();
    order.push(started(of_newcomer));
    order.sort();
    let order: Vec<i64> = order.into_iter().map(|(_, id)| id).collect();
    let expected = [of_hog[3], of_newcomer, of_hog[0], of_hog[1], of_hog[2]];
    assert_eq!(order, expected);
}
