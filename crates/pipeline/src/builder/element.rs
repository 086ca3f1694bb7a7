//! Making single elements and setting their properties.

use std::collections::BTreeMap;

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::Error;
use crate::catalog::{self, ElementSpec};

/// Makes an element; `name` shows up in error messages and is how the failing part is found.
pub(crate) fn make(factory: &str, name: &str) -> Result<gst::Element, Error> {
    gst::ElementFactory::make(factory)
        .name(name)
        .build()
        .map_err(|_| Error::MissingElement(factory.to_owned()))
}

/// A caps filter.
pub(crate) fn capsfilter(name: &str, caps: &gst::Caps) -> Result<gst::Element, Error> {
    let filter = make("capsfilter", name)?;
    filter.set_property("caps", caps);
    Ok(filter)
}

/// `caps` for pictures in the memory that this caps feature names; in system memory without one.
pub(crate) fn in_memory(mut caps: gst::Caps, feature: Option<&str>) -> gst::Caps {
    if let Some(feature) = feature {
        caps.make_mut()
            .set_features_simple(Some(gst::CapsFeatures::new([feature])));
    }
    caps
}

/// Takes the field `name` out of caps, which then allow any value of it.
pub(crate) fn field_free(name: &'static str) -> impl Fn(gst::Caps) -> gst::Caps {
    move |mut caps| {
        for structure in caps.make_mut().iter_mut() {
            structure.remove_field(name);
        }
        caps
    }
}

/// A queue that holds at most `buffers` buffers, whatever their size and duration.
pub(crate) fn frame_queue(name: &str, buffers: u32) -> Result<gst::Element, Error> {
    let queue = make("queue", name)?;
    queue.set_property("max-size-buffers", buffers);
    queue.set_property("max-size-bytes", 0u32);
    queue.set_property("max-size-time", 0u64);
    Ok(queue)
}

/// A queue without limits, for encoded data in front of a muxer: a muxer that waits for one
/// stream must never block another one back to the tee, or all of them stop for ever.
pub(crate) fn endless_queue(name: &str) -> Result<gst::Element, Error> {
    frame_queue(name, 0)
}

/// Adds `elements` to `bin` and links them one after the other.
pub(crate) fn chain(bin: &gst::Bin, elements: &[gst::Element]) -> Result<(), Error> {
    bin.add_many(elements)?;
    gst::Element::link_many(elements)?;
    Ok(())
}

/// The static pad `name` of `element`.
pub(crate) fn pad(element: &gst::Element, name: &str) -> Result<gst::Pad, Error> {
    element
        .static_pad(name)
        .ok_or_else(|| Error::Internal(format!("{} has no pad {name:?}", element.name())))
}

/// A new request pad of `element` from the template `name`.
pub(crate) fn request_pad(element: &gst::Element, name: &str) -> Result<gst::Pad, Error> {
    element
        .request_pad_simple(name)
        .ok_or_else(|| Error::Internal(format!("{} gives no pad {name:?}", element.name())))
}

/// Links a new branch of `tee` to the sink pad of `branch`; the answer is the tee's pad.
pub(crate) fn branch(tee: &gst::Element, branch: &gst::Element) -> Result<gst::Pad, Error> {
    let source = request_pad(tee, "src_%u")?;
    source.link(&pad(branch, "sink")?)?;
    Ok(source)
}

/// An element as the catalog describes it.
pub(crate) fn make_set(spec: &ElementSpec, name: &str) -> Result<gst::Element, Error> {
    let element = make(spec.element(), name)?;
    if let ElementSpec::Set { properties, .. } = spec {
        set_properties(&element, properties, |text| Ok(text.to_owned()))?;
    }
    Ok(element)
}

/// Sets every property that `target`, an element or one of its pads, has; the others belong to other versions of it. Of several
/// values the first is taken that the property can take; if there is none, that is an error.
/// `fill` puts in what placeholders stand for.
pub(crate) fn set_properties(
    target: &impl IsA<gst::Object>,
    properties: &BTreeMap<String, toml::Value>,
    fill: impl Fn(&str) -> Result<String, Error>,
) -> Result<(), Error> {
    for (name, value) in properties {
        let Some(spec) = target.find_property(name) else {
            tracing::debug!(target = %target.name(), property = %name, "not in this version, skipped");
            continue;
        };
        let choices = catalog::choices(value);
        let texts: Vec<String> = choices.iter().map(|t| fill(t)).collect::<Result<_, _>>()?;
        let parse = |text: &String| gst::glib::Value::deserialize_with_pspec(text, &spec).ok();
        let Some(value) = texts.iter().find_map(parse) else {
            return Err(Error::Catalog(format!(
                "{} does not fit the property {name:?} of {}",
                texts
                    .iter()
                    .map(|text| format!("{text:?}"))
                    .collect::<Vec<_>>()
                    .join(" or "),
                target.name()
            )));
        };
        target.set_property_from_value(name, &value);
    }
    Ok(())
}
