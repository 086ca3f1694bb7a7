//! Which graphics cards this machine has: NVIDIA's as their driver lists them, others by their render
//! nodes.

use std::path::{Path, PathBuf};

use clipsy_domain::worker::CardFound;
use nvml_wrapper::Nvml;
use serde::{Deserialize, Serialize};

use crate::environment::VISIBLE_CARDS;

/// NVIDIA's library for looking at cards, by the name that drivers install.
const NVML: &str = "libnvidia-ml.so.1";
/// Nodes that all cards of NVIDIA share.
const SHARED: [&str; 5] = [
    "/dev/nvidiactl",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia-modeset",
    "/dev/nvidia-caps",
];
/// Vendor of NVIDIA's cards, whose render nodes do not encode.
const NVIDIA_PCI: &str = "0x10de";

/// A card that jobs can be put on.
#[derive(Debug, Clone)]
pub struct Card {
    /// Stable identifier on this machine.
    pub id: String,
    /// Name for people.
    pub label: String,
    /// `nvidia` or `va`.
    pub kind: &'static str,
    /// How a child gets to see it and no other.
    pub view: View,
}

/// How a child sees one card and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Device nodes that it may open.
    pub nodes: Vec<PathBuf>,
    /// Variables that its driver looks at.
    pub variables: Vec<(String, String)>,
    /// Name of its render node, if elements are named after it.
    pub render_node: Option<String>,
}

/// What finds cards and looks at them. One of each process.
#[derive(Debug)]
pub struct Finder {
    nvml: Option<Nvml>,
    /// The list of [`VISIBLE_CARDS`].
    visible: Option<String>,
}

impl Finder {
    /// For the cards of NVIDIA that `visible` names; all of them if it is `None`.
    pub fn new(visible: Option<String>) -> Self {
        let nvml = Nvml::builder().lib_path(NVML.as_ref()).init();
        if let Err(error) = &nvml {
            tracing::debug!(%error, "no cards of NVIDIA can be looked at");
        }
        Self {
            nvml: nvml.ok(),
            visible,
        }
    }

    /// The cards that this process may use, in the driver's order.
    pub fn find(&self) -> Vec<Card> {
        let mut cards = self.nvidia().unwrap_or_default();
        cards.extend(
            render_nodes(Path::new("/dev/dri"))
                .iter()
                .filter_map(|node| va(node)),
        );
        cards
    }

    fn nvidia(&self) -> Option<Vec<Card>> {
        let nvml = self.nvml.as_ref()?;
        let mut cards = Vec::new();
        for index in 0..nvml.device_count().ok()? {
            let Ok(device) = nvml.device_by_index(index) else {
                continue;
            };
            let Ok(uuid) = device.uuid() else { continue };
            if !is_visible(self.visible.as_deref(), index, &uuid) {
                continue;
            }
            let minor = device.minor_number().unwrap_or(index);
            let own = PathBuf::from(format!("/dev/nvidia{minor}"));
            let shared = SHARED.iter().map(PathBuf::from);
            cards.push(Card {
                label: device.name().unwrap_or_else(|_| "NVIDIA".into()),
                kind: "nvidia",
                view: View {
                    nodes: shared.chain([own]).collect(),
                    variables: vec![(VISIBLE_CARDS.into(), uuid.clone())],
                    render_node: None,
                },
                id: uuid,
            });
        }
        Some(cards)
    }

    /// What the driver says of `card` at the moment.
    pub fn look(&self, card: &Card) -> CardFound {
        let mut found = CardFound {
            id: card.id.clone(),
            label: card.label.clone(),
            kind: card.kind.to_owned(),
            jobs: 0,
            sessions: 0,
            session_limit: None,
            encoder_load: None,
            decoder_load: None,
            load: None,
            memory_used: None,
            memory: None,
        };
        let nvml = self.nvml.as_ref().filter(|_| card.kind == "nvidia");
        let Some(Ok(device)) = nvml.map(|nvml| nvml.device_by_uuid(card.id.as_str())) else {
            return found;
        };
        let percent = |value: u32| u8::try_from(value.min(100)).ok();
        found.encoder_load = device
            .encoder_utilization()
            .ok()
            .and_then(|u| percent(u.utilization));
        found.decoder_load = device
            .decoder_utilization()
            .ok()
            .and_then(|u| percent(u.utilization));
        found.load = device.utilization_rates().ok().and_then(|u| percent(u.gpu));
        if let Ok(memory) = device.memory_info() {
            found.memory_used = Some(memory.used);
            found.memory = Some(memory.total);
        }
        found
    }
}

/// Whether `CUDA_VISIBLE_DEVICES` lets a card be seen, by its number or its UUID. A number that is none
/// ends the list, as it does for CUDA.
fn is_visible(visible: Option<&str>, index: u32, uuid: &str) -> bool {
    let Some(list) = visible else { return true };
    let known = |entry: &str| entry.starts_with("GPU-") || entry.parse::<u32>().is_ok();
    list.split(',')
        .map(str::trim)
        .take_while(|entry| known(entry))
        .any(|entry| entry.parse() == Ok(index) || (entry.len() > 4 && uuid.starts_with(entry)))
}

/// The render nodes in `folder`, in order.
fn render_nodes(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut nodes: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
        .map(|entry| entry.path())
        .collect();
    nodes.sort();
    nodes
}

fn va(node: &Path) -> Option<Card> {
    let name = node.file_name()?.to_str()?.to_owned();
    let vendor = std::fs::read_to_string(format!("/sys/class/drm/{name}/device/vendor"));
    let vendor = vendor.unwrap_or_default();
    let maker = match vendor.trim() {
        NVIDIA_PCI => return None,
        "0x8086" => "Intel",
        "0x1002" => "AMD",
        _ => "GPU",
    };
    Some(Card {
        id: name.clone(),
        label: format!("{maker} ({name})"),
        kind: "va",
        view: View {
            nodes: vec![node.to_owned()],
            variables: Vec::new(),
            render_node: Some(name),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuda_sees_cards_by_number_or_name() {
        let seen = |list: Option<&str>| {
            [(0, "GPU-a0"), (1, "GPU-b1")].map(|(i, uuid)| is_visible(list, i, uuid))
        };
        assert_eq!(seen(None), [true, true]);
        assert_eq!(seen(Some("1")), [false, true]);
        assert_eq!(seen(Some("GPU-a, 1")), [true, true]);
        assert_eq!(seen(Some("")), [false, false]);
        assert_eq!(seen(Some("-1,0")), [false, false]);
    }

    #[test]
    fn render_nodes_are_told_from_others() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["renderD129", "card0", "renderD128"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = ["renderD128", "renderD129"].map(|name| folder.path().join(name));
        assert_eq!(render_nodes(folder.path()), names);
    }
}
