//! The encoder catalog: which elements encode H.264 and AAC, and how our settings map to their
//! properties. It is data (`pipelines/encoders.toml`); adding an encoder touches no Rust.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Error;

/// The whole catalog, in order of preference.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Video encoders; `auto` takes the first that proves itself.
    #[serde(rename = "encoder")]
    pub encoders: Vec<EncoderSpec>,
    /// Ways to decode on a GPU; used only when asked for.
    #[serde(rename = "decoder", default)]
    pub decoders: Vec<DecoderSpec>,
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
    /// How `doctor` finds out why it does not work.
    #[serde(default)]
    pub needs: Needs,
    /// Element set-ups in order of preference; the first whose elements are all installed is used.
    #[serde(rename = "variant")]
    pub variants: Vec<VariantSpec>,
}

/// What an encoder or decoder needs from the machine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Needs {
    /// Shared libraries by file name.
    pub libraries: Vec<String>,
    /// Device nodes; one that can be opened is enough.
    pub devices: Vec<String>,
    /// Package that brings the elements on Debian.
    pub package: Option<String>,
    /// What to do when the device is missing.
    pub device_advice: Option<String>,
}

/// One way to build an encoder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantSpec {
    /// Factory name of the encoder element.
    pub element: String,
    /// Elements between the tee's queue and the encoder, the scaler among them.
    pub prepare: Vec<String>,
    /// Raw video format the encoder is fed.
    pub format: String,
    /// Caps feature of the memory the encoder is fed, e.g. `"memory:CUDAMemory"`.
    #[serde(default)]
    pub memory: Option<String>,
    /// Extra fields of the encoded caps, e.g. `profile = "high"`.
    #[serde(default)]
    pub output: BTreeMap<String, String>,
    /// Element properties. Values may hold `{name}` placeholders, see [`Settings`]. A property
    /// that the installed version does not have is skipped, so old and new names can stand side
    /// by side.
    #[serde(default)]
    pub properties: BTreeMap<String, toml::Value>,
    /// Properties that larger pictures have instead or besides, in the order of their sizes.
    #[serde(default)]
    pub larger: Vec<LargerSpec>,
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
    /// Caps feature of the decoded pictures.
    pub memory: String,
    /// Elements that scale such pictures and bring them to system memory for a CPU encoder.
    pub to_system: Vec<String>,
    /// Elements that bring such pictures to system memory at full size, for everything on the
    /// way that only works there.
    pub download: Vec<String>,
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
    /// `{max_kbps}`: cap in kbit/s; `{max_bps}` is the same in bit/s, `{target_kbps}` is three
    /// quarters of it, the average that variable-rate hardware encoders aim at.
    pub max_kbps: u32,
    /// `{quality}`: constant-rate-factor target.
    pub quality: u32,
    /// `{vbv_ms}`: time over which the cap holds; `{vbv_kbit}` is that much of the cap.
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
        Ok(match name {
            "max_kbps" => self.max_kbps.into(),
            "max_bps" => u64::from(self.max_kbps) * 1000,
            "target_kbps" => u64::from(self.max_kbps) * 3 / 4,
            "quality" => self.quality.into(),
            "vbv_ms" => self.vbv_ms.into(),
            "vbv_kbit" => u64::from(self.max_kbps) * u64::from(self.vbv_ms) / 1000,
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
            for value in encoder.variants.iter().flat_map(VariantSpec::all_values) {
                if let toml::Value::String(template) = value {
                    sample.fill(template)?;
                }
            }
        }
        Ok(())
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
        assert_eq!(SETTINGS.fill("plain").unwrap(), "plain");
        assert!(SETTINGS.fill("{nonsense}").is_err());
        assert!(SETTINGS.fill("{quality").is_err());
    }

    #[test]
    fn the_built_in_catalog_is_sound() {
        let catalog = Catalog::built_in().unwrap();
        let ids: Vec<&str> = catalog.encoders.iter().map(|e| e.id.as_str()).collect();
        assert_eq!(ids, ["nvenc", "va", "software", "openh264"]);
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
    fn a_misspelt_key_is_refused() {
        let error = Catalog::parse("[[encoder]]\nid='x'\nlable='y'\n").unwrap_err();
        assert!(error.to_string().contains("lable"), "{error}");
    }
}
