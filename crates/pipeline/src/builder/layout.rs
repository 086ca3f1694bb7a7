//! Where the channels of decoded sound belong, where caps do not say it or say it wrongly.

use clipsy_domain::speaker::Speaker;
use gstreamer as gst;
use gstreamer::prelude::*;

use super::audio;
use super::element;
use super::sound::Sound;
use crate::Error;

/// Looks at the caps that leave `queue`: caps without a usable layout get one that says so, since
/// `audioconvert` refuses them, and `mixer` is told what the caps do not say or say wrongly.
/// `known` is what the container says; it wins.
pub(super) fn watch(
    queue: &gst::Element,
    mixer: &gst::Element,
    known: &[Speaker],
) -> Result<(), Error> {
    let mixer = mixer
        .downcast_ref::<Sound>()
        .ok_or_else(|| Error::Internal("the sound element is of another kind".into()))?
        .clone();
    let known = known.to_vec();
    let input = element::pad(queue, "sink")?;
    let mask = gst::PadProbeType::EVENT_DOWNSTREAM;
    element::pad(queue, "src")?.add_probe(mask, move |_, info| {
        let Some(event) = info.event() else {
            return gst::PadProbeReturn::Ok;
        };
        let gst::EventView::Caps(view) = event.view() else {
            return gst::PadProbeReturn::Ok;
        };
        let caps = view.caps_owned();
        let Some(channels) = channels_of(&caps) else {
            return gst::PadProbeReturn::Ok;
        };
        if known.len() == channels {
            mixer.set_speakers(&known);
        } else {
            mixer.set_speakers(&misnamed(&input, channels).unwrap_or_default());
        }
        if let Some(caps) = with_layout(caps, channels) {
            let replaced = gst::event::Caps::builder(&caps).seqnum(event.seqnum());
            info.data = Some(gst::PadProbeData::Event(replaced.build()));
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

fn channels_of(caps: &gst::Caps) -> Option<usize> {
    usize::try_from(caps.structure(0)?.get::<i32>("channels").ok()?).ok()
}

/// `caps` with an empty mask, if they have more than two channels and no mask that fits.
fn with_layout(mut caps: gst::Caps, channels: usize) -> Option<gst::Caps> {
    let mask = caps.structure(0)?.get::<gst::Bitmask>("channel-mask").ok();
    let fits = mask.is_some_and(|mask| *mask == 0 || mask.count_ones() as usize == channels);
    (channels > 2 && !fits).then(|| {
        caps.make_mut().set("channel-mask", gst::Bitmask::new(0));
        caps
    })
}

/// Where the channels that come into `input` really belong, if the element in front of it names
/// them wrongly.
fn misnamed(input: &gst::Pad, channels: usize) -> Option<Vec<Speaker>> {
    let element = audio::giver(input)?;
    match element.factory()?.name().as_str() {
        // PCM in Matroska has no layout; the demuxer makes up one.
        "matroskademux" => Speaker::usual(channels),
        decoder @ ("flacdec" | "avdec_flac") if channels > 2 => {
            let (major, minor, ..) = gst::version();
            let sorted_wrongly = decoder == "flacdec" && (major, minor) < FLAC_SORTED_RIGHT;
            let coded = element.static_pad("sink")?.current_caps()?;
            flac_speakers(flac_mask(&coded), channels, sorted_wrongly)
        }
        _ => None,
    }
}

/// The first version in which `flacdec` knows in which order 6.1 and 7.1 are stored.
const FLAC_SORTED_RIGHT: (u32, u32) = (1, 28);

/// Where the channels that a FLAC decoder gives belong. The layouts are those of RFC 9639, 9.1.3,
/// unless the stream has a `mask`, which decoders overlook. A decoder that sorts 6.1 and 7.1
/// wrongly takes them to be stored with the surrounds in front of centre and low frequency.
fn flac_speakers(mask: Option<u32>, channels: usize, sorted_wrongly: bool) -> Option<Vec<Speaker>> {
    use Speaker as S;
    let rfc = match channels {
        3 => Some(vec![S::FrontLeft, S::FrontRight, S::FrontCenter]),
        4 => Some(vec![S::FrontLeft, S::FrontRight, S::RearLeft, S::RearRight]),
        _ => Speaker::usual(channels),
    };
    let stored = mask.and_then(|mask| Speaker::from_wave_mask(mask, channels));
    let stored = stored.or(rfc)?;
    let order: &[usize] = match channels {
        7 if sorted_wrongly => &[0, 1, 4, 5, 2, 3, 6],
        8 if sorted_wrongly => &[0, 1, 4, 5, 2, 3, 6, 7],
        _ => return Some(stored),
    };
    Some(order.iter().map(|at| stored[*at]).collect())
}

/// The channel mask in the comments of a FLAC stream (RFC 9639, 8.6.2).
fn flac_mask(coded: &gst::Caps) -> Option<u32> {
    let headers = coded.structure(0)?.get::<gst::Array>("streamheader").ok()?;
    headers
        .iter()
        .filter_map(|header| header.get::<gst::Buffer>().ok())
        .find_map(|header| mask_in_comment(&header.map_readable().ok()?))
}

fn mask_in_comment(block: &[u8]) -> Option<u32> {
    const FIELD: &[u8] = b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x";
    let at = block
        .windows(FIELD.len())
        .position(|window| window.eq_ignore_ascii_case(FIELD))?;
    let digits = block[at + FIELD.len()..].iter();
    let digits: String = digits
        .map(|byte| char::from(*byte))
        .take_while(char::is_ascii_hexdigit)
        .take(8)
        .collect();
    u32::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flac_layouts_are_those_of_the_rfc_or_the_mask() {
        for channels in 5..=8 {
            assert_eq!(
                flac_speakers(None, channels, false),
                Speaker::usual(channels)
            );
        }
        assert_eq!(flac_speakers(Some(0x107), 4, false), Speaker::usual(4));
        assert_ne!(flac_speakers(None, 4, false), Speaker::usual(4), "quad");
        assert_eq!(
            flac_speakers(Some(0x3f), 4, true),
            flac_speakers(None, 4, true)
        );
    }

    #[test]
    fn channels_that_were_sorted_wrongly_are_found_again() {
        // What comes third out of the decoder is the fifth channel of the stream.
        let found = flac_speakers(None, 8, true).unwrap();
        assert_eq!(
            found[2..6],
            [
                Speaker::RearLeft,
                Speaker::RearRight,
                Speaker::FrontCenter,
                Speaker::LowFrequency,
            ]
        );
        let found = flac_speakers(None, 7, true).unwrap();
        assert_eq!(
            found[2..],
            [
                Speaker::RearCenter,
                Speaker::SideLeft,
                Speaker::FrontCenter,
                Speaker::LowFrequency,
                Speaker::SideRight,
            ]
        );
    }

    #[test]
    fn the_mask_is_read_from_the_comments() {
        let comment = b"\x84\0\0\x40....reference....waveformatextensible_channel_mask=0x107\x05\0";
        assert_eq!(mask_in_comment(comment), Some(0x107));
        assert_eq!(
            mask_in_comment(b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x"),
            None
        );
        assert_eq!(mask_in_comment(b"TITLE=x"), None);
    }

    #[test]
    fn caps_without_a_layout_say_so() {
        gst::init().unwrap();
        let caps = |channels: i32, mask: Option<u64>| {
            gst::Caps::builder("audio/x-raw")
                .field("channels", channels)
                .field_if_some("channel-mask", mask.map(gst::Bitmask::new))
                .build()
        };
        let mended = |channels: usize, mask| {
            let caps = with_layout(caps(i32::try_from(channels).unwrap(), mask), channels)?;
            Some(
                *caps
                    .structure(0)?
                    .get::<gst::Bitmask>("channel-mask")
                    .ok()?,
            )
        };
        assert_eq!(mended(6, None), Some(0));
        assert_eq!(mended(6, Some(0x3)), Some(0));
        assert_eq!(mended(6, Some(0x3f)), None);
        assert_eq!(mended(6, Some(0)), None);
        assert_eq!(mended(2, None), None);
    }
}
