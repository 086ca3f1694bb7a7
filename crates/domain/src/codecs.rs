//! Codec names for the `CODECS` attribute, from the bytes of the real streams (RFC 6381).

/// The `avc1.PPCCLL` name of an H.264 stream from one access unit in Annex B byte-stream form:
/// profile, constraint flags and level are read from its sequence parameter set (ITU-T H.264
/// section 7.3.2.1.1). `None` if the access unit carries no sequence parameter set.
pub fn avc1_from_access_unit(annex_b: &[u8]) -> Option<String> {
    const SEQUENCE_PARAMETER_SET: u8 = 7;
    let start = annex_b
        .windows(4)
        .position(|w| w[..3] == [0, 0, 1] && w[3] & 0x1f == SEQUENCE_PARAMETER_SET)?;
    let [profile, constraints, level] = *annex_b.get(start + 4..start + 7)?.first_chunk::<3>()?;
    Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
}

/// The `mp4a.40.N` name of an AAC stream from its `AudioSpecificConfig` (ISO/IEC 14496-3 section
/// 1.6.2.1), where N is the audio object type: 2 for AAC-LC.
pub fn mp4a_from_audio_specific_config(config: &[u8]) -> Option<String> {
    let first = *config.first()?;
    let object_type = match first >> 3 {
        // 31 announces the long form: 32 plus the next six bits.
        31 => 32 + (u16::from(first & 0x07) << 3 | u16::from(*config.get(1)? >> 5)),
        short => u16::from(short),
    };
    Some(format!("mp4a.40.{object_type}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn avc1_is_read_from_the_sps_behind_an_access_unit_delimiter() {
        let unit = [
            0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xac,
        ];
        assert_eq!(avc1_from_access_unit(&unit).as_deref(), Some("avc1.640028"));
        assert_eq!(avc1_from_access_unit(&unit[..6]), None);
        assert_eq!(avc1_from_access_unit(&[0, 0, 1, 0x67, 0x42]), None);
    }

    #[test]
    fn aac_lc_is_object_type_two() {
        assert_eq!(
            mp4a_from_audio_specific_config(&[0x11, 0x90]).as_deref(),
            Some("mp4a.40.2")
        );
        assert_eq!(
            mp4a_from_audio_specific_config(&[0xf8, 0x20]).as_deref(),
            Some("mp4a.40.33")
        );
        assert_eq!(mp4a_from_audio_specific_config(&[]), None);
    }
}
