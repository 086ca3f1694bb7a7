// What the card's encoder can do. The smallest sizes are those of real cards.
#include "session.h"

long smallest_width(int card) { return nv_number("MIN_WIDTH", card, 145); }
long smallest_height(int card) { return nv_number("MIN_HEIGHT", card, 49); }

static NVENCSTATUS give_caps(int card, int what, int *value)
{
    switch (what) {
    case NV_ENC_CAPS_NUM_MAX_BFRAMES: *value = nv_on("NO_BFRAMES", card) ? 0 : 4; break;
    case NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES: *value = 63; break;
    case NV_ENC_CAPS_SUPPORT_FIELD_ENCODING: *value = nv_on("FIELDS", card) && !nv_on("NO_FIELDS", card) ? 2 : 0; break;
    case NV_ENC_CAPS_SUPPORT_CABAC:
    case NV_ENC_CAPS_SUPPORT_ADAPTIVE_TRANSFORM:
    case NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE:
    case NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE:
    case NV_ENC_CAPS_SUPPORT_LOOKAHEAD:
    case NV_ENC_CAPS_SUPPORT_TEMPORAL_AQ:
    case NV_ENC_CAPS_NUM_ENCODER_ENGINES: *value = 1; break;
    case NV_ENC_CAPS_LEVEL_MAX: *value = 62; break;
    case NV_ENC_CAPS_LEVEL_MIN: *value = 10; break;
    case NV_ENC_CAPS_WIDTH_MAX:
    case NV_ENC_CAPS_HEIGHT_MAX: *value = 4096; break;
    case NV_ENC_CAPS_WIDTH_MIN: *value = (int)smallest_width(card); break;
    case NV_ENC_CAPS_HEIGHT_MIN: *value = (int)smallest_height(card); break;
    case NV_ENC_CAPS_MB_NUM_MAX: *value = 65536; break;
    case NV_ENC_CAPS_MB_PER_SEC_MAX: *value = 983040; break;
    default: *value = 0; break;
    }
    return NV_ENC_SUCCESS;
}

// GUIDs of presets that newer headers no longer name; GStreamer 1.22 asks for them.
static const GUID OLD_PRESETS[] = {
    { 0xb2dfb705, 0x4ebd, 0x4c49, { 0x9b, 0x5f, 0x24, 0xa7, 0x77, 0xd3, 0xe5, 0x87 } },
    { 0x60e4c59f, 0xe846, 0x4484, { 0xa5, 0x6d, 0xcd, 0x45, 0xbe, 0x9f, 0xdd, 0xf6 } },
    { 0x34dba71d, 0xa77b, 0x4b8f, { 0x9c, 0x3e, 0xb6, 0xd5, 0xda, 0x24, 0xc0, 0x12 } },
    { 0x49df21c5, 0x6dfa, 0x4feb, { 0x97, 0x87, 0x6a, 0xcc, 0x9e, 0xff, 0xb7, 0x26 } },
    { 0xc5f733b9, 0xea97, 0x4cf9, { 0xbe, 0xc2, 0xbf, 0x78, 0xa7, 0x4f, 0xd1, 0x05 } },
    { 0x67082a44, 0x4bad, 0x48fa, { 0x98, 0xea, 0x93, 0x05, 0x6d, 0x15, 0x0a, 0x58 } },
};
static const GUID PROFILES[] = { NV_ENC_H264_PROFILE_BASELINE_GUID, NV_ENC_H264_PROFILE_MAIN_GUID, NV_ENC_H264_PROFILE_HIGH_GUID,
    NV_ENC_H264_PROFILE_PROGRESSIVE_HIGH_GUID, NV_ENC_H264_PROFILE_CONSTRAINED_HIGH_GUID };
// In this order: GStreamer 1.22's nvh264enc takes the place in the list for the format.
static const NV_ENC_BUFFER_FORMAT FORMATS[] = { NV_ENC_BUFFER_FORMAT_NV12, NV_ENC_BUFFER_FORMAT_YV12, NV_ENC_BUFFER_FORMAT_IYUV };

static std::vector<GUID> presets()
{
    std::vector<GUID> all(OLD_PRESETS, OLD_PRESETS + 6);
    for (const GUID &one : { NV_ENC_PRESET_P1_GUID, NV_ENC_PRESET_P2_GUID, NV_ENC_PRESET_P3_GUID, NV_ENC_PRESET_P4_GUID,
             NV_ENC_PRESET_P5_GUID, NV_ENC_PRESET_P6_GUID, NV_ENC_PRESET_P7_GUID })
        all.push_back(one);
    return all;
}

static NVENCSTATUS NVENCAPI codec_count(void *e, uint32_t *n) { SESSION(e); *n = 1; return NV_ENC_SUCCESS; }
static NVENCSTATUS NVENCAPI codecs(void *e, GUID *out, uint32_t size, uint32_t *n)
{
    SESSION(e);
    *n = size ? 1 : 0;
    if (size)
        out[0] = NV_ENC_CODEC_H264_GUID;
    return NV_ENC_SUCCESS;
}
template <class T> static void give(const T *from, size_t have, T *out, uint32_t size, uint32_t *n)
{
    for (*n = 0; *n < have && *n < size; ++*n)
        out[*n] = from[*n];
}
static NVENCSTATUS NVENCAPI profile_count(void *e, GUID g, uint32_t *n) { SESSION(e); H264(g); *n = 5; return NV_ENC_SUCCESS; }
static NVENCSTATUS NVENCAPI profiles(void *e, GUID g, GUID *out, uint32_t size, uint32_t *n) { SESSION(e); H264(g); give(PROFILES, 5, out, size, n); return NV_ENC_SUCCESS; }
static NVENCSTATUS NVENCAPI format_count(void *e, GUID g, uint32_t *n) { SESSION(e); H264(g); *n = 3; return NV_ENC_SUCCESS; }
static NVENCSTATUS NVENCAPI formats(void *e, GUID g, NV_ENC_BUFFER_FORMAT *out, uint32_t size, uint32_t *n) { SESSION(e); H264(g); give(FORMATS, 3, out, size, n); return NV_ENC_SUCCESS; }
static NVENCSTATUS NVENCAPI preset_count(void *e, GUID g, uint32_t *n) { SESSION(e); H264(g); *n = (uint32_t)presets().size(); return NV_ENC_SUCCESS; }
static NVENCSTATUS NVENCAPI preset_guids(void *e, GUID g, GUID *out, uint32_t size, uint32_t *n)
{
    SESSION(e);
    H264(g);
    auto all = presets();
    give(all.data(), all.size(), out, size, n);
    return NV_ENC_SUCCESS;
}
static NVENCSTATUS NVENCAPI caps(void *e, GUID g, NV_ENC_CAPS_PARAM *p, int *value) { SESSION(e); MARKED(p); H264(g); return give_caps(s->card, p->capsToQuery, value); }

static NVENCSTATUS preset(Session *s, GUID g, NV_ENC_PRESET_CONFIG *p)
{
    MARKED(p);
    H264(g);
    NV_ENC_CONFIG &c = p->presetCfg;
    c.gopLength = 30;
    c.frameIntervalP = 1;
    c.frameFieldMode = NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;
    c.rcParams.rateControlMode = NV_ENC_PARAMS_RC_VBR;
    c.rcParams.averageBitRate = 2000000;
    c.encodeCodecConfig.h264Config.idrPeriod = 30;
    c.encodeCodecConfig.h264Config.chromaFormatIDC = 1;
    c.encodeCodecConfig.h264Config.entropyCodingMode = NV_ENC_H264_ENTROPY_CODING_MODE_CABAC;
    return NV_ENC_SUCCESS;
}
static NVENCSTATUS NVENCAPI preset_config(void *e, GUID g, GUID, NV_ENC_PRESET_CONFIG *p) { SESSION(e); return preset(s, g, p); }
static NVENCSTATUS NVENCAPI preset_config_ex(void *e, GUID g, GUID, NV_ENC_TUNING_INFO, NV_ENC_PRESET_CONFIG *p) { SESSION(e); return preset(s, g, p); }

void fill_queries(NV_ENCODE_API_FUNCTION_LIST *list)
{
    list->nvEncGetEncodeGUIDCount = codec_count;
    list->nvEncGetEncodeGUIDs = codecs;
    list->nvEncGetEncodeProfileGUIDCount = profile_count;
    list->nvEncGetEncodeProfileGUIDs = profiles;
    list->nvEncGetInputFormatCount = format_count;
    list->nvEncGetInputFormats = formats;
    list->nvEncGetEncodePresetCount = preset_count;
    list->nvEncGetEncodePresetGUIDs = preset_guids;
    list->nvEncGetEncodePresetConfig = preset_config;
    list->nvEncGetEncodePresetConfigEx = preset_config_ex;
    list->nvEncGetEncodeCaps = caps;
}
