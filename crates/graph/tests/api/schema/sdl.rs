//! The schema as it is committed, and that it says what everything is.

use serde_json::{Value, json};

use super::gql::data;
use crate::support::Server;

#[test]
fn the_committed_schema_is_the_real_one() {
    let committed = include_str!("../../../../../schema.graphql");
    let real = clipsy_graph::sdl();
    if committed != real {
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema.graphql");
        std::fs::write(&file, &real).unwrap();
        panic!(
            "schema.graphql is out of date: write it anew with `clipsy schema`, or copy {}",
            file.display()
        );
    }
}

#[test]
fn everything_has_a_description() {
    let server = Server::start();
    let query = "{ __schema { types {
        name kind description
        fields(includeDeprecated: true) { name description args { name description } }
        inputFields { name description }
        enumValues(includeDeprecated: true) { name description }
    } } }";
    let found = data(&server, &server.token("root"), query, &json!({}));
    let mut missing = Vec::new();
    let mut checked = 0;
    let mut check = |place: String, thing: &Value| {
        checked += 1;
        let text = thing["description"].as_str().unwrap_or_default();
        if text.trim().len() < 5 {
            missing.push(place);
        }
    };
    let list = |thing: &Value, name: &str| thing[name].as_array().cloned().unwrap_or_default();
    let name = |thing: &Value| thing["name"].as_str().unwrap().to_owned();
    for kind in list(&found["__schema"], "types") {
        let type_name = name(&kind);
        // What the specification itself defines is described there.
        let built_in = ["ID", "Int", "Float", "String", "Boolean"];
        if type_name.starts_with("__") || built_in.contains(&type_name.as_str()) {
            continue;
        }
        check(type_name.clone(), &kind);
        for field in list(&kind, "fields") {
            let field_name = format!("{type_name}.{}", name(&field));
            check(field_name.clone(), &field);
            for argument in list(&field, "args") {
                check(format!("{field_name}({})", name(&argument)), &argument);
            }
        }
        for more in ["inputFields", "enumValues"] {
            for thing in list(&kind, more) {
                check(format!("{type_name}.{}", name(&thing)), &thing);
            }
        }
    }
    assert!(checked > 300, "only {checked} things were looked at");
    assert!(missing.is_empty(), "without a description: {missing:#?}");
}
