//! The encoder catalog: which elements encode H.264 and AAC, and how our settings map to their
//! properties. It is data (`pipelines/encoders.toml`); adding an encoder touches no Rust.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::Error;

/// The whole catalog, in order of preference.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Video encoders; `auto` takes the first that proves itself.
    #[serde(rename = "encoder")]
    pub encoders: Vec<EncoderSpec>,
    /// Ways to decode on a card.
    #[serde(rename = "decoder", default)]
    pub decoders: Vec<DecoderSpec>,
    /// Memory of cards, by what moves and scales pictures in it.
    #[serde(rename = "memory", default)]
    pub memories: Vec<MemorySpec>,
    /// AAC encoders; the first that is installed is used.
    #[serde(rename = "audio_encoder")]
    pub audio_encoders: Vec<AudioEncoderSpec>,
}

/// One video encoder, however many element names it goes by.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderSpec {
    /// Stable identifier, e.g. `"nvenc"`.
    pub id: String,
    /// Name for people, e.g. `"NVIDIA NVENC"`.
    pub label: String,
    /// True if it needs a device.
    pub hardware: bool,
    /// True if it is used when it is named only: `auto` passes over it.
    #[serde(default)]
    pub by_name_only: bool,
    /// How `doctor` finds out why it does not work.
    #[serde(default)]
    pub needs: Needs,
    /// Element set-ups in order of preference; the first that proves itself is used.
    #[serde(rename = "variant")]
    pub variants: Vec<VariantSpec>,
}

/// What an encoder or decoder needs from the machine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Needs {
    /// Shared libraries by file name.
    pub libraries: Vec<String>,
    /// Device nodes, of which one that can be opened is enough; `{n}` stands for any number.
    pub devices: Vec<String>,
    /// File name of the plug-in with the elements, if it comes with this program.
    pub plugin: Option<String>,
    /// Package that brings the elements on Debian.
    pub package: Option<String>,
    /// What to do when the device is missing.
    pub device_advice: Option<String>,
    /// Oldest version of `GStreamer` that will do, and why.
    pub gstreamer: Option<Least>,
}

impl Needs {
    /// The device nodes that there are.
    pub fn found_devices(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = self.devices.iter().flat_map(|d| matching(d)).collect();
        found.sort();
        found
    }
}

/// The files that `pattern` names, in which `{n}` stands for a number at the end.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let Some((folder, name)) = pattern
        .strip_suffix("{n}")
        .and_then(|start| start.rsplit_once('/'))
    else {
        let path = PathBuf::from(pattern);
        return path.exists().then_some(path).into_iter().collect();
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_numbered = |entry: &std::fs::DirEntry| {
        let file = entry.file_name();
        let number = file.to_str().and_then(|file| file.strip_prefix(name));
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    entries
        .filter(is_numbered)
        .map(|entry| entry.path())
        .collect()
}

/// The oldest version that will do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Least {
    /// Major, minor and micro.
    pub version: (u32, u32, u32),
    /// What is wrong with older ones.
    pub why: String,
}

/// An element with its properties; a plain name stands for one without any.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ElementSpec {
    /// Factory name.
    Plain(String),
    /// Factory name and properties.
    Set {
        /// Factory name.
        element: String,
        /// Properties; one that the installed version does not have is skipped.
        properties: BTreeMap<String, toml::Value>,
    },
}

impl ElementSpec {
    /// Factory name.
    pub fn element(&self) -> &str {
        match self {
            Self::Plain(element) | Self::Set { element, .. } => element,
        }
    }
}

/// Memory of a card in which pictures can be scaled.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemorySpec {
    /// Stable identifier, e.g. `"cuda"`.
    pub id: String,
    /// Caps feature of pictures in it, e.g. `"memory:CUDAMemory"`.
    pub feature: String,
    /// Brings pictures into it.
    pub upload: Vec<ElementSpec>,
    /// Scales pictures in it, with black bars where the shape is another.
    pub scale: Vec<ElementSpec>,
    /// Brings pictures to system memory.
    pub download: Vec<ElementSpec>,
    /// The scaler gives out pictures in system memory if that is asked for.
    #[serde(default)]
    pub scales_to_system: bool,
    /// By how much one scaler may divide a side without losing quality; more is done in steps.
    #[serde(default)]
    pub most_ratio: Option<f64>,
    /// What its elements need besides the driver.
    #[serde(default)]
    pub needs: Needs,
    /// How elements of further cards are named.
    #[serde(default)]
    pub per_node: Option<PerNode>,
}

/// How elements are named after the render node of their card.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerNode {
    /// How the names of the first card's elements begin.
    pub prefix: String,
    /// What stands there for another card; `{node}` is the name of its render node.
    pub named: String,
}

/// One way to build an encoder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantSpec {
    /// Factory name of the encoder element.
    pub element: String,
    /// Whether one element makes one rendition or all of them.
    #[serde(default)]
    pub makes: Makes,
    /// Elements between the tee's queue and the encoder for pictures in system memory, the scaler
    /// among them. An encoder that makes all renditions scales by itself.
    pub prepare: Vec<String>,
    /// Raw video format the encoder is fed.
    pub format: String,
    /// Memory of a card from which the encoder takes pictures as well.
    #[serde(default)]
    pub accepts: Vec<String>,
    /// What it needs besides what its encoder does.
    #[serde(default)]
    pub needs: Needs,
    /// Extra fields of the encoded caps, e.g. `profile = "high"`.
    #[serde(default)]
    pub output: BTreeMap<String, String>,
    /// Element properties. Values may hold `{name}` placeholders, see [`Settings`]; of a list the
    /// first that fits is taken. A property that the installed version does not have is skipped, so
    /// old and new names can stand side by side.
    #[serde(default)]
    pub properties: BTreeMap<String, toml::Value>,
    /// Properties that larger pictures have instead or besides, in the order of their sizes.
    #[serde(default)]
    pub larger: Vec<LargerSpec>,
}

/// What one element makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Makes {
    /// One rendition.
    #[default]
    Rung,
    /// All renditions, each on a source pad `src_N` that has the properties of the rendition.
    Ladder,
}

/// Properties for pictures from a certain size on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LargerSpec {
    /// Length of the shorter side in pixels from which they hold.
    pub from_short_side: u32,
    /// The properties.
    pub properties: BTreeMap<String, toml::Value>,
}

impl VariantSpec {
    /// The properties for a picture of this size.
    pub fn properties_for(&self, width: u32, height: u32) -> BTreeMap<String, toml::Value> {
        let mut properties = self.properties.clone();
        for larger in self
            .larger
            .iter()
            .filter(|l| width.min(height) >= l.from_short_side)
        {
            properties.extend(larger.properties.clone());
        }
        properties
    }

    fn all_values(&self) -> impl Iterator<Item = &toml::Value> {
        self.properties
            .values()
            .chain(self.larger.iter().flat_map(|l| l.properties.values()))
    }
}

/// One way to decode in hardware.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderSpec {
    /// Stable identifier, e.g. `"nvdec"`.
    pub id: String,
    /// Name for people.
    pub label: String,
    /// What it needs from the machine.
    #[serde(default)]
    pub needs: Needs,
    /// Decoder element per codec, as factory names in order of preference.
    pub elements: BTreeMap<String, Vec<String>>,
    /// Most bits per component by codec; more of them are decoded on the CPU.
    pub bits: BTreeMap<String, u8>,
    /// The memory that decoded pictures lie in.
    pub memory: String,
}

impl DecoderSpec {
    /// The elements that decode streams of this media type with so many bits per component.
    pub fn elements_for(&self, media_type: &str, bits: u8) -> Option<(&str, &[String])> {
        let codec = media_type.strip_prefix("video/x-")?;
        let (codec, elements) = self.elements.get_key_value(codec)?;
        let most = self.bits.get(codec).copied().unwrap_or(8);
        (bits <= most).then_some((codec.as_str(), elements.as_slice()))
    }
}

/// One AAC encoder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioEncoderSpec {
    /// Factory name.
    pub element: String,
    /// Raw audio format it is fed.
    pub format: String,
    /// Samples that a decoder gives out before the first one that was put in, and which no element
    /// takes off.
    pub priming: u32,
    /// False if the encoder does not give out its last samples at the end of the stream.
    #[serde(default = "yes")]
    pub drains: bool,
    /// Properties, with placeholders as for video.
    #[serde(default)]
    pub properties: BTreeMap<String, toml::Value>,
    /// Properties that sources with one channel have instead or besides: both sides are the same
    /// then.
    #[serde(default)]
    pub one_channel: BTreeMap<String, toml::Value>,
}

fn yes() -> bool {
    true
}

impl AudioEncoderSpec {
    /// The properties for a source with so many channels.
    pub fn properties_for(&self, channels: u32) -> BTreeMap<String, toml::Value> {
        let mut properties = self.properties.clone();
        if channels == 1 {
            properties.extend(self.one_channel.clone());
        }
        properties
    }
}

/// The values that placeholders stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `{max_kbps}`: cap in kbit/s; `{max_bps}` is the same in bit/s, `{max_kibps}` in units of 1024
    /// bit/s. `{target_kbps}` and `{target_kibps}` are three quarters of it, the average that
    /// variable-rate hardware encoders aim at.
    pub max_kbps: u32,
    /// `{quality}`: constant-rate-factor target.
    pub quality: u32,
    /// `{vbv_ms}`: time over which the cap holds; `{vbv_kbit}` is that much of the cap, and
    /// `{vbv_kibit}` the same in units of 1024 bit.
    pub vbv_ms: u32,
    /// `{gop_frames}`: frames from one keyframe to the next at most.
    pub gop_frames: u32,
    /// `{threads}`: threads this encoder may use.
    pub threads: u32,
}

impl Settings {
    /// `template` with every placeholder replaced; an unknown one is an error.
    pub fn fill(&self, template: &str) -> Result<String, Error> {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| {
                Error::Catalog(format!(
                    "{template:?} opens a placeholder and does not close it"
                ))
            })?;
            text.push_str(before);
            text.push_str(&self.value(name)?.to_string());
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }

    fn value(&self, name: &str) -> Result<u64, Error> {
        let max_bps = u64::from(self.max_kbps) * 1000;
        let vbv_bit = u64::from(self.max_kbps) * u64::from(self.vbv_ms);
        Ok(match name {
            "max_kbps" => self.max_kbps.into(),
            "max_bps" => max_bps,
            "max_kibps" => max_bps / 1024,
            "target_kbps" => u64::from(self.max_kbps) * 3 / 4,
            "target_kibps" => max_bps * 3 / 4 / 1024,
            "quality" => self.quality.into(),
            "vbv_ms" => self.vbv_ms.into(),
            "vbv_kbit" => vbv_bit / 1000,
            "vbv_kibit" => vbv_bit / 1024,
            "gop_frames" => self.gop_frames.into(),
            "threads" => self.threads.into(),
            _ => return Err(Error::Catalog(format!("unknown placeholder {{{name}}}"))),
        })
    }
}

impl Catalog {
    /// The catalog that is built into this binary.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(include_str!("../../../pipelines/encoders.toml"))
    }

    /// Reads and checks a catalog.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let catalog: Self = toml::from_str(text).map_err(|e| Error::Catalog(e.to_string()))?;
        catalog.validate()?;
        Ok(catalog)
    }

    /// The encoder with this identifier.
    pub fn encoder(&self, id: &str) -> Option<&EncoderSpec> {
        self.encoders.iter().find(|e| e.id == id)
    }

    /// Those among which `auto` chooses, in order of preference.
    pub(crate) fn automatic(&self) -> impl Iterator<Item = &EncoderSpec> {
        self.encoders.iter().filter(|spec| !spec.by_name_only)
    }

    /// Names elements after a card's render node, such as `renderD129`: the plain ones are those of the
    /// first card.
    pub fn use_render_node(&mut self, node: &str) {
        let rule = |memory: &MemorySpec| memory.per_node.clone();
        for PerNode { prefix, named } in self.memories.iter().filter_map(rule).collect::<Vec<_>>() {
            let named = named.replace("{node}", node);
            let rename = |name: &mut String| {
                let Some(rest) = name.strip_prefix(&prefix) else {
                    return;
                };
                let other = format!("{named}{rest}");
                if gstreamer::ElementFactory::find(&other).is_some() {
                    *name = other;
                }
            };
            for variant in self.encoders.iter_mut().flat_map(|e| &mut e.variants) {
                rename(&mut variant.element);
            }
            for decoder in &mut self.decoders {
                decoder.elements.values_mut().flatten().for_each(rename);
            }
            for memory in &mut self.memories {
                let all = memory.upload.iter_mut().chain(&mut memory.scale);
                for spec in all.chain(&mut memory.download) {
                    let (ElementSpec::Plain(element) | ElementSpec::Set { element, .. }) = spec;
                    rename(element);
                }
            }
        }
    }

    /// The memory with this identifier.
    pub fn memory(&self, id: &str) -> Option<&MemorySpec> {
        self.memories.iter().find(|memory| memory.id == id)
    }

    fn validate(&self) -> Result<(), Error> {
        if self.encoders.is_empty() || self.audio_encoders.is_empty() {
            return Err(Error::Catalog(
                "needs at least one encoder and one audio_encoder".into(),
            ));
        }
        let sample = Settings {
            max_kbps: 1,
            quality: 1,
            vbv_ms: 1,
            gop_frames: 1,
            threads: 1,
        };
        for (i, encoder) in self.encoders.iter().enumerate() {
            if self.encoders[..i]
                .iter()
                .any(|other| other.id == encoder.id)
            {
                return Err(Error::Catalog(format!(
                    "the encoder {:?} is named twice",
                    encoder.id
                )));
            }
            if encoder.variants.is_empty() {
                return Err(Error::Catalog(format!(
                    "the encoder {:?} has no variant",
                    encoder.id
                )));
            }
            let scales = |v: &VariantSpec| v.prepare.is_empty() && v.accepts.is_empty();
            let mut ladders = encoder.variants.iter().filter(|v| v.makes == Makes::Ladder);
            if let Some(variant) = ladders.find(|variant| !scales(variant)) {
                return Err(Error::Catalog(format!(
                    "{:?} makes all renditions, so it needs `prepare = []` and no `accepts`",
                    variant.element
                )));
            }
            for value in encoder.variants.iter().flat_map(VariantSpec::all_values) {
                for choice in choices(value) {
                    sample.fill(&choice)?;
                }
            }
        }
        let accepted = self.encoders.iter().flat_map(|e| &e.variants);
        let named = accepted
            .flat_map(|variant| &variant.accepts)
            .chain(self.decoders.iter().map(|decoder| &decoder.memory));
        match named.into_iter().find(|id| self.memory(id).is_none()) {
            Some(id) => Err(Error::Catalog(format!("there is no memory {id:?}"))),
            None => Ok(()),
        }
    }
}

/// The values that a property may have, the best first, as text.
pub(crate) fn choices(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::Array(values) => values.iter().flat_map(choices).collect(),
        toml::Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings {
        max_kbps: 5000,
        quality: 23,
        vbv_ms: 2000,
        gop_frames: 48,
        threads: 2,
    };

    #[test]
    fn placeholders_are_filled() {
        assert_eq!(
            SETTINGS
                .fill("{max_bps}/{vbv_kbit}:k={gop_frames}")
                .unwrap(),
            "5000000/10000:k=48"
        );
        assert_eq!(
            SETTINGS
                .fill("{max_kibps} {target_kibps} {vbv_kibit}")
                .unwrap(),
            "4882 3662 9765"
        );
        assert_eq!(SETTINGS.fill("plain").unwrap(), "plain");
        assert!(SETTINGS.fill("{nonsense}").is_err());
        assert!(SETTINGS.fill("{quality").is_err());
    }

    #[test]
    fn the_built_in_catalog_is_sound() {
        let catalog = Catalog::built_in().unwrap();
        let ids: Vec<&str> = catalog.encoders.iter().map(|e| e.id.as_str()).collect();
        assert_eq!(ids, ["nvenc", "va", "x264-ladder", "software", "openh264"]);
    }

    #[test]
    fn larger_pictures_have_their_own_properties() {
        let catalog = Catalog::built_in().unwrap();
        let variant = &catalog.encoder("software").unwrap().variants[0];
        assert!(!variant.properties_for(640, 360).contains_key("analyse"));
        let large = variant.properties_for(1080, 1920);
        assert!(large.contains_key("analyse") && large.contains_key("speed-preset"));
    }

    #[test]
    fn one_channel_has_properties_of_its_own() {
        let catalog = Catalog::built_in().unwrap();
        let named = |name: &str| catalog.audio_encoders.iter().find(|e| e.element == name);
        let aac = named("avenc_aac").unwrap();
        let joint = |channels| aac.properties_for(channels)["aac-ms"].as_bool();
        assert_eq!(
            [joint(1), joint(2), joint(6)],
            [Some(true), Some(false), Some(false)]
        );
        assert!(aac.properties_for(1).contains_key("bitrate"));
    }

    #[test]
    fn nodes_are_found_by_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["card0", "card12", "cardctl", "card", "other3"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let path = |name: &str| folder.path().join(name);
        let needs = Needs {
            devices: vec![path("card{n}").display().to_string()],
            ..Needs::default()
        };
        assert_eq!(needs.found_devices(), [path("card0"), path("card12")]);
    }

    #[test]
    fn an_encoder_of_all_renditions_scales_by_itself() {
        let text = include_str!("../../../pipelines/encoders.toml");
        let broken = text.replacen("prepare = [] ", "prepare = [\"clipsyscale\"] ", 1);
        let error = Catalog::parse(&broken).unwrap_err();
        assert!(error.to_string().contains("x264ladder"), "{error}");
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = Catalog::parse("[[encoder]]\nid='x'\nlable='y'\n").unwrap_err();
        assert!(error.to_string().contains("lable"), "{error}");
    }
}
