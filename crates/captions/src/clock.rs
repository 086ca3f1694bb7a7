//! What the clock of an MPEG transport stream shows with its first picture.

/// Length of a packet in bytes.
const PACKET: usize = 188;

/// The presentation time of the first picture of a segment, in ticks of 90 kHz. `None` if the bytes, which may be
/// the start of a segment only, hold no beginning of a picture.
pub fn first_picture(bytes: &[u8]) -> Option<u64> {
    bytes.chunks_exact(PACKET).find_map(presentation)
}

/// The time in a packet with which a picture begins.
fn presentation(packet: &[u8]) -> Option<u64> {
    let begins = packet[0] == 0x47 && packet[1] & 0x40 != 0;
    let has_payload = packet[3] & 0x10 != 0;
    let skipped = if packet[3] & 0x20 == 0 {
        0
    } else {
        1 + usize::from(packet[4])
    };
    let payload = packet
        .get(4 + skipped..)
        .filter(|_| begins && has_payload)?;
    // The start code of a PES packet, and a number of a stream of pictures.
    let header = payload.get(..14)?;
    let is_video = header[..3] == [0, 0, 1] && (0xe0..=0xef).contains(&header[3]);
    let has_time = header[7] & 0x80 != 0;
    (is_video && has_time).then(|| {
        let bits = |at: usize, mask: u8, shift: u32| u64::from(header[at] & mask) << shift;
        bits(9, 0x0e, 29)
            | bits(10, 0xff, 22)
            | bits(11, 0xfe, 14)
            | bits(12, 0xff, 7)
            | (bits(13, 0xfe, 0) >> 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet that begins a PES packet of the stream `id` with a time.
    fn packet(id: u8, pts: u64, adaptation: u8) -> Vec<u8> {
        let mut packet = vec![0x47, 0x41, 0x00, if adaptation > 0 { 0x30 } else { 0x10 }];
        if adaptation > 0 {
            packet.push(adaptation);
            packet.resize(5 + usize::from(adaptation), 0xff);
        }
        packet.extend([0, 0, 1, id, 0, 0, 0x80, 0x80, 5]);
        packet.extend([
            0x21 | ((pts >> 29) as u8 & 0x0e),
            (pts >> 22) as u8,
            1 | ((pts >> 14) as u8 & 0xfe),
            (pts >> 7) as u8,
            1 | (pts << 1) as u8,
        ]);
        packet.resize(PACKET, 0xff);
        packet
    }

    #[test]
    fn the_first_picture_is_found_behind_tables_and_sound() {
        for pts in [0, 1, 324_000_000, (1 << 33) - 1, 0x1_2345_6789] {
            let mut tables = vec![0x47, 0x40, 0, 0x10, 0];
            tables.resize(PACKET, 0);
            let bytes = [
                tables,
                packet(0xc0, 7, 0),
                packet(0xe0, pts, 7),
                packet(0xe0, 5, 0),
            ]
            .concat();
            assert_eq!(first_picture(&bytes), Some(pts));
            assert_eq!(first_picture(&bytes[..2 * PACKET + 100]), None);
        }
    }

    #[test]
    fn anything_else_has_no_pictures() {
        assert_eq!(first_picture(b""), None);
        assert_eq!(first_picture(&[0x47; 4 * PACKET]), None);
        assert_eq!(first_picture(&packet(0xe0, 9, 182)), None);
        let mut noise = Vec::new();
        let mut state = 1u32;
        for _ in 0..100 * PACKET {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.push((state >> 24) as u8);
        }
        first_picture(&noise);
    }
}
