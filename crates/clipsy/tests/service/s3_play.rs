//! Videos in a bucket, played in a real browser by our own pages: through the service, and sent to
//! the bucket, which is another origin.

use std::io::Write as _;
use std::process::{Command, Stdio};

use clipsy_testkit::weed::{ACCESS_KEY, SECRET_KEY, Weed};
use serde_json::{Value, json};

use crate::s3::{Bucket, in_bucket};
use crate::support::client::Client;
use crate::support::server::{Server, on};
use crate::support::turn::turn;
use crate::support::{repository, scratch, short_clip, until};

const PASSWORD: &str = "a password of my own";

/// The rule that OPERATIONS.md asks for, in the words of S3's requests.
fn rule() -> String {
    let text = std::fs::read_to_string(repository("docs/OPERATIONS.md")).unwrap();
    let (_, after) = text.split_once("```json\n{\"CORSRules\":").unwrap();
    let (rest, _) = after.split_once("```").unwrap();
    let told: Value = serde_json::from_str(&format!("{{\"CORSRules\":{rest}")).unwrap();
    let rule = told["CORSRules"][0].as_object().unwrap();
    let mut xml = String::from("<CORSConfiguration><CORSRule>");
    for (name, value) in rule {
        let values = match value {
            Value::Array(values) => values.clone(),
            one => vec![one.clone()],
        };
        // Lists have their names in the plural.
        let name = name
            .trim_end_matches('s')
            .replace("MaxAgeSecond", "MaxAgeSeconds");
        for value in values {
            let value = value.as_str().map_or(value.to_string(), str::to_owned);
            xml.extend([
                "<",
                name.as_str(),
                ">",
                value.as_str(),
                "</",
                name.as_str(),
                ">",
            ]);
        }
    }
    xml + "</CORSRule></CORSConfiguration>"
}

/// Gives the bucket that rule.
fn set_rule(weed: &Weed) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(rule().as_bytes()).unwrap();
    let sum = Command::new("sha256sum").arg(file.path()).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let sum = sum.split(' ').next().unwrap();
    let done = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--fail-with-body",
            "--upload-file",
        ])
        .arg(file.path())
        .args(["--aws-sigv4", "aws:amz:us-east-1:s3"])
        .args(["--user", &format!("{ACCESS_KEY}:{SECRET_KEY}")])
        .args(["--header", &format!("x-amz-content-sha256: {sum}")])
        .arg(format!("{}/films?cors=", weed.endpoint()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{} {said} {done:?}", rule());
}

/// Has a browser look at both videos; `elsewhere` is what media may come from besides.
fn visit(server: &Server, public: i64, private: i64, elsewhere: &str) {
    let done = Command::new("node")
        .arg(repository("crates/clipsy/tests/service/s3_play.mjs"))
        .env("CLIPSY_URL", &server.url)
        .env("CLIPSY_TOOLS", repository("tools/js/package.json"))
        .env("CLIPSY_PUBLIC", public.to_string())
        .env("CLIPSY_PRIVATE", private.to_string())
        .env("CLIPSY_PASSWORD", PASSWORD)
        .env("CLIPSY_ELSEWHERE", elsewhere)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complaints = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{complaints}");
}

#[test]
fn a_browser_plays_what_is_in_the_bucket() {
    assert!(
        repository("web/dist/site/index.html").exists(),
        "the front end is not built: run `make test`, or `npm run build` in web/ and try again"
    );
    let _turn = turn();
    let weed = Weed::start();
    let folder = scratch();
    let start = || {
        let start = in_bucket(&weed, on(&folder.path().join("state")));
        start.env("CLIPSY_ADMIN_PASSWORD", PASSWORD)
    };
    let server = start().up();
    let client = Client::of(&server, "admin", PASSWORD);
    let public = client.upload(&short_clip());
    let private = client.upload(&short_clip());
    let told = client.graphql(
        "mutation($id: ID!) { updateVideo(input: { id: $id, visibility: PRIVATE }) {
            video { visibility } userErrors { code } } }",
        &json!({ "id": private.to_string() }),
    );
    let told = &told["data"]["updateVideo"];
    assert_eq!(told["video"]["visibility"], "PRIVATE", "{told}");
    for id in [public, private] {
        client.ready(id);
    }
    visit(&server, public, private, "");
    server.stop();

    let server = start().env("CLIPSY_MEDIA_REDIRECT", "true").up();
    until("it says that the bucket lets no page read", || {
        let log = server.log();
        (log.contains("no rule (CORS)") && log.contains("OPERATIONS.md")).then_some(())
    });
    set_rule(&weed);
    let bucket = Bucket::of(&weed);
    until("pages may read from the bucket", || {
        bucket.open_to_pages().then_some(())
    });
    visit(&server, public, private, &weed.endpoint());
    server.stop();
}
