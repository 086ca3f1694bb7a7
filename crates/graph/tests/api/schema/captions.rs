//! Captions of videos over GraphQL.

use serde_json::{Value, json};

use super::gql::{Watch, ask, code, data, refusals};
use crate::support::Server;

const SET: &str = "mutation($input: SetCaptionsInput!) { setCaptions(input: $input) {
    video { captions { language kind label default forced url cues bytes updatedAt } }
    userErrors { code message field } } }";
const REMOVE: &str = "mutation($input: RemoveCaptionsInput!) { removeCaptions(input: $input) {
    video { captions { language } } userErrors { code field } } }";
const TEXT: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n";

#[test]
fn captions_are_set_shown_watched_and_removed() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    server.make_ready(id);
    let watched = "subscription($id: ID!) { videoProgress(id: $id) { video { captions { language label } } } }";
    let mut watch = Watch::start(&server, "", watched, &json!({"id": id.to_string()}));
    watch.until("there are none", |frame| {
        frame["video"]["captions"] == json!([])
    });

    let input = json!({"input": {"id": id.to_string(), "language": "pt-br", "kind": "CAPTIONS",
                                 "label": " Português ", "default": true, "text": TEXT}});
    let set = data(&server, &ann, SET, &input)["setCaptions"].clone();
    assert_eq!(set["userErrors"], json!([]));
    let track = &set["video"]["captions"][0];
    let url = track["url"].as_str().unwrap();
    assert_eq!(
        *track,
        json!({"language": "pt-BR", "kind": "CAPTIONS", "label": "Português", "default": true,
               "forced": false, "url": url, "cues": 1, "bytes": 41,
               "updatedAt": track["updatedAt"]})
    );
    assert!(
        server
            .get(url)
            .text()
            .ends_with("00:00:01.000 --> 00:00:02.000\nHi\n")
    );
    watch.until("they are told", |frame| {
        frame["video"]["captions"] == json!([{"language": "pt-BR", "label": "Português"}])
    });

    let input = json!({"id": id.to_string(), "language": "PT-BR"});
    assert_eq!(refusals(&server, &ann, REMOVE, &input), ["not_found"]);
    let input = json!({"input": {"id": id.to_string(), "language": "PT-BR", "kind": "CAPTIONS"}});
    let removed = data(&server, &ann, REMOVE, &input)["removeCaptions"].clone();
    assert_eq!(
        removed,
        json!({"video": {"captions": []}, "userErrors": []})
    );
    watch.until("they are gone", |frame| {
        frame["video"]["captions"] == json!([])
    });
}

#[test]
fn captions_that_cannot_be_taken_are_told() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "public");
    let input = |language: &str, text: &str| json!({"id": id.to_string(), "language": language, "text": text});
    for (language, text, expected, field) in [
        ("x_y", TEXT, "invalid", "language"),
        ("de", "milk and bread", "captions_format", "text"),
        (
            "de",
            "WEBVTT\n\n00:01.000 --> x\nHi\n",
            "captions_time",
            "text",
        ),
    ] {
        let variables = json!({"input": input(language, text)});
        let errors = data(&server, &ann, SET, &variables)["setCaptions"]["userErrors"].clone();
        assert_eq!(errors[0]["code"], expected);
        assert_eq!(errors[0]["field"], json!(["input", field]));
        if expected == "captions_time" {
            let message = errors[0]["message"].as_str().unwrap();
            assert!(message.starts_with("Line 3: "), "{message}");
        }
    }
    let input = input("de", TEXT);
    let bob = server.token("bob");
    assert_eq!(refusals(&server, &bob, SET, &input), ["permission_denied"]);
    let variables = json!({ "input": input });
    assert_eq!(code(&server, "", SET, &variables), "UNAUTHENTICATED");

    let upload = "query($id: ID!) { video(id: $id) { captionsUploadUrl } }";
    let of = |token: &str| {
        let variables = json!({"id": id.to_string()});
        ask(&server, token, upload, &variables).json()["data"]["video"]["captionsUploadUrl"].clone()
    };
    assert_eq!(
        of(&ann),
        format!("/api/videos/{id}/captions/{{language}}.vtt").as_str()
    );
    assert_eq!(of(""), Value::Null);
}

#[test]
fn captions_of_a_private_video_have_signed_addresses() {
    let server = Server::start();
    let ann = server.token("ann");
    let id = server.video(&ann, "private");
    let input = json!({"input": {"id": id.to_string(), "language": "de", "text": TEXT}});
    let set = data(&server, &ann, SET, &input)["setCaptions"].clone();
    let url = set["video"]["captions"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(url.starts_with("/media/s/"), "{url}");
    let opened = server.get(&url);
    assert_eq!(opened.status, 200);
    assert!(
        opened
            .header("cache-control")
            .unwrap()
            .starts_with("private")
    );
}
