//! The catalog against what `GStreamer`'s elements have, version by version, also those of hardware
//! that is not here: `facts/elements.json`.

use std::collections::BTreeMap;

use clipsy_pipeline::catalog::{Catalog, ElementSpec, EncoderSpec, Needs, Settings};
use serde_json::Value;

/// The smallest and the largest settings that a ladder has.
const SETTINGS: [Settings; 2] = [
    Settings {
        max_kbps: 200,
        quality: 18,
        vbv_ms: 1000,
        gop_frames: 9,
        threads: 1,
    },
    Settings {
        max_kbps: 20_000,
        quality: 35,
        vbv_ms: 4000,
        gop_frames: 481,
        threads: 12,
    },
];

struct Facts(Value);

impl Facts {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("facts/elements.json")).unwrap())
    }

    fn versions(&self) -> Vec<String> {
        let tags = self.0["tags"].as_array().unwrap();
        tags.iter()
            .map(|t| t.as_str().unwrap().to_owned())
            .collect()
    }

    /// What an element has in a version; `None` if that version has no such element.
    fn element(&self, name: &str, version: &str) -> Option<&Value> {
        let groups = self.0["elements"][name].as_array()?;
        let here = |group: &&Value| {
            group["tags"]
                .as_array()
                .unwrap()
                .iter()
                .any(|t| t == version)
        };
        groups.iter().find(here)
    }
}

fn number(version: &str) -> (u32, u32, u32) {
    let parts: Vec<u32> = version.split('.').map(|p| p.parse().unwrap()).collect();
    (parts[0], parts[1], parts[2])
}

fn is_new_enough(needs: &Needs, version: &str) -> bool {
    let least = needs.gstreamer.as_ref();
    least.is_none_or(|least| number(version) >= least.version)
}

fn choices(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::Array(values) => values.iter().flat_map(choices).collect(),
        toml::Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// Why no value of `choices` fits the property `fact`.
fn misfit(fact: &Value, choices: &[String]) -> Option<String> {
    let fits = |text: &String| {
        if let Some(nicks) = fact["nicks"].as_array() {
            return text.split('+').all(|part| nicks.iter().any(|n| n == part));
        }
        let of_range = |value: f64| {
            let bound = |name: &str| fact[name].as_f64();
            bound("min").is_none_or(|min| value >= min)
                && bound("max").is_none_or(|max| value <= max)
        };
        match fact["type"].as_str().unwrap() {
            "gboolean" => text == "true" || text == "false",
            "gchararray" => true,
            _ => text.parse().is_ok_and(of_range),
        }
    };
    (!choices.iter().any(fits)).then(|| format!("{choices:?} does not fit {fact}"))
}

/// What does not fit in `properties` of `element` in a version.
fn problems(
    element: &Value,
    name: &str,
    version: &str,
    properties: &BTreeMap<String, toml::Value>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (property, value) in properties {
        // Another version has it.
        let Some(fact) = element["properties"].get(property) else {
            continue;
        };
        for settings in SETTINGS {
            let texts: Vec<String> = choices(value)
                .iter()
                .map(|text| settings.fill(text).unwrap())
                .collect();
            let problem = misfit(fact, &texts);
            found.extend(problem.map(|p| format!("{name} {version}: {property}: {p}")));
        }
    }
    found
}

fn takes(element: &Value, field: &str, wanted: &str) -> bool {
    let Some(sink) = element["pads"]["sink"].as_array() else {
        return true;
    };
    sink.iter().any(|caps| match caps[field].as_array() {
        Some(all) => all.iter().any(|one| one == wanted),
        // System memory goes without saying; another field that is not there is not limited.
        None => field != "features",
    })
}

/// False for what comes with Clipsy, whose own tests set its properties.
fn is_of_gstreamer(encoder: &EncoderSpec) -> bool {
    encoder.needs.plugin.is_none()
}

#[test]
fn encoders_have_what_the_catalog_sets() {
    let (facts, catalog) = (Facts::read(), Catalog::built_in().unwrap());
    let mut found = Vec::new();
    for encoder in catalog.encoders.iter().filter(|e| is_of_gstreamer(e)) {
        for variant in &encoder.variants {
            let name = &variant.element;
            let mut seen = Vec::new();
            for version in facts.versions() {
                let Some(element) = facts.element(name, &version) else {
                    continue;
                };
                if !is_new_enough(&encoder.needs, &version)
                    || !is_new_enough(&variant.needs, &version)
                {
                    continue;
                }
                let properties = variant.properties_for(1920, 1080);
                found.extend(problems(element, name, &version, &properties));
                if !takes(element, "format", &variant.format) {
                    found.push(format!("{name} {version} does not take {}", variant.format));
                }
                for memory in &variant.accepts {
                    let feature = &catalog.memory(memory).unwrap().feature;
                    if !takes(element, "features", feature) {
                        found.push(format!("{name} {version} does not take {feature}"));
                    }
                }
                seen.push(element);
            }
            // A name that no version has is misspelt.
            for property in variant.properties_for(1920, 1080).keys() {
                let has = |element: &&Value| element["properties"].get(property).is_some();
                if !seen.iter().any(has) {
                    found.push(format!("no version of {name} has the property {property}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_version_has_an_encoder_of_each_kind() {
    let (facts, catalog) = (Facts::read(), Catalog::built_in().unwrap());
    for version in facts.versions() {
        for encoder in catalog.encoders.iter().filter(|e| is_of_gstreamer(e)) {
            let works = encoder.variants.iter().any(|variant| {
                facts.element(&variant.element, &version).is_some()
                    && is_new_enough(&encoder.needs, &version)
                    && is_new_enough(&variant.needs, &version)
            });
            // VA encoders make no IDR pictures on request before 1.24.4.
            let expected = encoder.id != "va" || number(&version) >= (1, 24, 4);
            assert_eq!(works, expected, "{} in {version}", encoder.id);
        }
    }
}

#[test]
fn memory_and_decoders_are_known_to_every_version() {
    let (facts, catalog) = (Facts::read(), Catalog::built_in().unwrap());
    let mut found = Vec::new();
    for version in facts.versions() {
        for memory in &catalog.memories {
            let all = memory
                .upload
                .iter()
                .chain(&memory.scale)
                .chain(&memory.download);
            for spec in all {
                let name = spec.element();
                let Some(element) = facts.element(name, &version) else {
                    found.push(format!("{version} has no {name}"));
                    continue;
                };
                if let ElementSpec::Set { properties, .. } = spec {
                    found.extend(problems(element, name, &version, properties));
                    let missing = properties
                        .keys()
                        .filter(|p| element["properties"].get(*p).is_none());
                    found.extend(missing.map(|p| format!("{name} {version} has no {p}")));
                }
            }
            let scaler = facts.element(memory.scale[0].element(), &version).unwrap();
            if !takes(scaler, "features", &memory.feature) {
                found.push(format!(
                    "{version}: the scaler does not take {}",
                    memory.feature
                ));
            }
        }
        for decoder in &catalog.decoders {
            for (codec, elements) in &decoder.elements {
                if !elements
                    .iter()
                    .any(|e| facts.element(e, &version).is_some())
                {
                    found.push(format!("{version} has none of {elements:?} for {codec}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
