// Encoding by x264, with the driver's rules about buffers and statuses.
#include "session.h"
#include <unistd.h>

NVENCSTATUS Session::fail(NVENCSTATUS status, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    error = text;
    return status;
}

NVENCSTATUS Session::misuse(NVENCSTATUS status, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    error = text;
    if (cuda().own.misuse)
        cuda().own.misuse(text);
    else
        fprintf(stderr, "nv-emulator: misuse: %s\n", text);
    return status;
}

void Session::count(const char *key, long add)
{
    if (cuda().own.count)
        cuda().own.count(card, key, add);
}

static bool same(const GUID &a, const GUID &b) { return memcmp(&a, &b, sizeof(GUID)) == 0; }

void Session::params(const NV_ENC_INITIALIZE_PARAMS *p, x264_param_t *out)
{
    const NV_ENC_CONFIG *c = p->encodeConfig;
    const NV_ENC_CONFIG_H264 &h = c->encodeCodecConfig.h264Config;
    const NV_ENC_RC_PARAMS &rc = c->rcParams;
    x264_param_default_preset(out, "ultrafast", nullptr);
    out->i_log_level = X264_LOG_NONE;
    out->i_threads = 1;
    out->i_lookahead_threads = 1;
    out->b_sliced_threads = 0;
    out->i_sync_lookahead = 0;
    out->rc.i_lookahead = 0;
    out->rc.b_mb_tree = 0;
    out->i_bframe = 0;
    out->i_scenecut_threshold = 0;
    out->i_width = p->encodeWidth;
    out->i_height = p->encodeHeight;
    out->i_csp = X264_CSP_NV12;
    out->b_vfr_input = 0;
    out->i_fps_num = p->frameRateNum ? p->frameRateNum : 30;
    out->i_fps_den = p->frameRateDen ? p->frameRateDen : 1;
    out->b_annexb = 1;
    out->b_repeat_headers = 0;
    out->i_keyint_max = c->gopLength == NVENC_INFINITE_GOPLENGTH || c->gopLength == 0 ? X264_KEYINT_MAX_INFINITE : (int)c->gopLength;
    out->i_keyint_min = 1;
    out->b_cabac = h.entropyCodingMode != NV_ENC_H264_ENTROPY_CODING_MODE_CAVLC;
    out->analyse.b_transform_8x8 = 0;
    if (p->darWidth && p->darHeight) {
        out->vui.i_sar_width = p->darWidth * p->encodeHeight;
        out->vui.i_sar_height = p->darHeight * p->encodeWidth;
    }
    const NV_ENC_CONFIG_H264_VUI_PARAMETERS &vui = h.h264VUIParameters;
    if (vui.videoSignalTypePresentFlag) {
        out->vui.b_fullrange = vui.videoFullRangeFlag;
        if (vui.colourDescriptionPresentFlag) {
            out->vui.i_colorprim = (int)vui.colourPrimaries;
            out->vui.i_transfer = (int)vui.transferCharacteristics;
            out->vui.i_colmatrix = (int)vui.colourMatrix;
        }
    }

    // Rate control: the fields have an effect, the numbers are x264's.
    int average = rc.averageBitRate / 1000, most = rc.maxBitRate / 1000;
    bool constant = rc.rateControlMode & (2 | 8 | 16); // the CBR modes
    float quality = rc.targetQuality + rc.targetQualityLSB / 256.0f;
    if (rc.rateControlMode == NV_ENC_PARAMS_RC_CONSTQP) {
        out->rc.i_rc_method = X264_RC_CQP;
        out->rc.i_qp_constant = rc.constQP.qpInterP ? rc.constQP.qpInterP : 23;
    } else if (quality > 0 && !constant) {
        out->rc.i_rc_method = X264_RC_CRF;
        out->rc.f_rf_constant = quality;
    } else {
        out->rc.i_rc_method = X264_RC_ABR;
        out->rc.i_bitrate = average ? average : most ? most * 3 / 4 : 2000;
        if (constant || !most)
            most = constant ? out->rc.i_bitrate : 0;
    }
    if (out->rc.i_rc_method != X264_RC_CQP && most) {
        if (out->rc.i_rc_method == X264_RC_ABR && out->rc.i_bitrate > most)
            out->rc.i_bitrate = most;
        out->rc.i_vbv_max_bitrate = most;
        out->rc.i_vbv_buffer_size = rc.vbvBufferSize ? rc.vbvBufferSize / 1000 : most;
        if (out->rc.i_vbv_buffer_size < 1)
            out->rc.i_vbv_buffer_size = 1;
    }
    if (rc.enableMinQP)
        out->rc.i_qp_min = rc.minQP.qpInterP;
    if (rc.enableMaxQP)
        out->rc.i_qp_max = rc.maxQP.qpInterP;

    const char *profile = "high";
    if (same(c->profileGUID, NV_ENC_H264_PROFILE_BASELINE_GUID))
        profile = "baseline";
    else if (same(c->profileGUID, NV_ENC_H264_PROFILE_MAIN_GUID))
        profile = "main";
    else
        out->analyse.b_transform_8x8 = 1; // so that x264 writes the high profile
    x264_param_apply_profile(out, profile);
}

NVENCSTATUS Session::begin(const NV_ENC_INITIALIZE_PARAMS *p)
{
    if (encoder)
        return misuse(NV_ENC_ERR_INVALID_CALL, "NvEncInitializeEncoder twice");
    if (!p || !p->encodeConfig)
        return misuse(NV_ENC_ERR_INVALID_PTR, "NvEncInitializeEncoder without a configuration");
    if (!same(p->encodeGUID, NV_ENC_CODEC_H264_GUID))
        return fail(NV_ENC_ERR_UNSUPPORTED_PARAM, "only H.264 is encoded");
    if (p->enableEncodeAsync)
        return fail(NV_ENC_ERR_UNSUPPORTED_PARAM, "no events on this system");
    if (p->encodeWidth < smallest_width(card) || p->encodeHeight < smallest_height(card))
        return fail(NV_ENC_ERR_INVALID_PARAM, "Frame Dimension less than the minimum supported value.");
    if (p->encodeWidth > 4096 || p->encodeHeight > 4096)
        return fail(NV_ENC_ERR_INVALID_PARAM, "Frame Dimension more than the maximum supported value.");
    const NV_ENC_CONFIG *c = p->encodeConfig;
    if (c->frameFieldMode == NV_ENC_PARAMS_FRAME_FIELD_MODE_FIELD && !nv_on("FIELDS", card))
        return fail(NV_ENC_ERR_UNSUPPORTED_PARAM, "this card does not encode fields");
    if (c->frameIntervalP > 1 && nv_on("NO_BFRAMES", card))
        return fail(NV_ENC_ERR_UNSUPPORTED_PARAM, "this card has no B-frames");
    x264_param_t x;
    params(p, &x);
    encoder = x264_encoder_open(&x);
    if (!encoder)
        return fail(NV_ENC_ERR_INVALID_PARAM, "x264 does not take these parameters");
    width = p->encodeWidth;
    height = p->encodeHeight;
    interval = c->frameIntervalP > 1 && c->gopLength != 1 ? c->frameIntervalP : 1;
    lookahead = c->rcParams.enableLookahead ? c->rcParams.lookaheadDepth : 0;
    const NV_ENC_CONFIG_H264 &h = c->encodeCodecConfig.h264Config;
    repeat_headers = h.repeatSPSPPS;
    no_headers = h.disableSPSPPS;
    delimiter = h.outputAUD;
    x264_nal_t *nals;
    int n;
    x264_encoder_headers(encoder, &nals, &n);
    headers.clear();
    for (int i = 0; i < n; i++)
        if (nals[i].i_type == NAL_SPS || nals[i].i_type == NAL_PPS)
            headers.insert(headers.end(), nals[i].p_payload, nals[i].p_payload + nals[i].i_payload);
    count("encode_sessions_used", 1);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS Session::change(const NV_ENC_INITIALIZE_PARAMS *p, bool reset)
{
    if (!encoder)
        return misuse(NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "NvEncReconfigureEncoder before NvEncInitializeEncoder");
    if ((int)p->encodeWidth != width || (int)p->encodeHeight != height)
        return fail(NV_ENC_ERR_UNSUPPORTED_PARAM, "the size cannot change");
    x264_param_t x;
    params(p, &x);
    if (x264_encoder_reconfig(encoder, &x) < 0)
        return fail(NV_ENC_ERR_INVALID_PARAM, "x264 does not take these parameters");
    if (reset)
        since_idr = 0;
    return NV_ENC_SUCCESS;
}

// The faults that tests ask for, in the picture itself.
static void spoil(int card, Pixels &pixels, int width, int height)
{
    if (nv_on("GREEN", card))
        std::fill(pixels.begin(), pixels.end(), 0);
    if (!nv_on("TORN", card))
        return;
    // The lower half goes sideways by a quarter, luma and chroma alike.
    std::vector<uint8_t> row(width);
    int shift = width / 8 * 2;
    for (int y = 0; y < height + height / 2; y++) {
        if (y < height / 2 || (y >= height && y < height + height / 4))
            continue;
        uint8_t *line = pixels.data() + (size_t)y * width;
        memcpy(row.data(), line, width);
        for (int x = 0; x < width; x++)
            line[(x + shift) % width] = row[x];
    }
}

NVENCSTATUS Session::encode_one(Picture &picture)
{
    x264_picture_t in, made;
    x264_picture_init(&in);
    in.img.i_csp = X264_CSP_NV12;
    in.img.i_plane = 2;
    in.img.plane[0] = picture.pixels.data();
    in.img.plane[1] = picture.pixels.data() + (size_t)width * height;
    in.img.i_stride[0] = in.img.i_stride[1] = width;
    in.i_pts = done;
    bool forced = (picture.flags & NV_ENC_PIC_FLAG_FORCEIDR) && !nv_on("IGNORE_IDR", card);
    if (forced || done == 0 || since_idr == 0)
        in.i_type = X264_TYPE_IDR;
    x264_nal_t *nals;
    int n, size = x264_encoder_encode(encoder, &nals, &n, &in, &made);
    if (size <= 0)
        return fail(NV_ENC_ERR_GENERIC, "x264 gave no picture");
    Bitstream &out = *picture.out;
    out.idr = made.b_keyframe;
    out.intra = IS_X264_TYPE_I(made.i_type);
    out.data.clear();
    static const uint8_t start[] = { 0, 0, 0, 1, 9, 0xf0 };
    if (delimiter)
        out.data.insert(out.data.end(), start, start + sizeof(start));
    bool with_headers = (picture.flags & NV_ENC_PIC_FLAG_OUTPUT_SPSPPS) || (!no_headers && (done == 0 || (out.idr && repeat_headers)));
    if (with_headers)
        out.data.insert(out.data.end(), headers.begin(), headers.end());
    out.data.insert(out.data.end(), nals[0].p_payload, nals[0].p_payload + size);
    out.time = picture.time;
    out.duration = picture.duration;
    out.index = picture.index;
    out.filled = true;
    done++;
    since_idr = out.idr ? 1 : since_idr + 1;
    count("pictures_encoded", 1);
    if (out.idr)
        count("idr_pictures", 1);
    return NV_ENC_SUCCESS;
}

// Called without the lock: the pictures encoded so far can still be fetched.
void Session::hang()
{
    long after = nv_number("HANG_AFTER", card, -1);
    if (after < 0 || handed_in < after)
        return;
    if (cuda().own.flush)
        cuda().own.flush();
    for (;;)
        sleep(1); // until the process is killed, as with a driver that hangs
}

NVENCSTATUS Session::encode(const NV_ENC_PIC_PARAMS *p)
{
    if (!encoder)
        return misuse(NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "NvEncEncodePicture before NvEncInitializeEncoder");
    if (p->encodePicFlags & NV_ENC_PIC_FLAG_EOS) {
        while (!held.empty()) {
            if (NVENCSTATUS s = encode_one(held.front()))
                return s;
            held.pop_front();
        }
        return NV_ENC_SUCCESS;
    }
    long faults = nv_number("FAIL_AFTER", card, -1);
    if (faults >= 0 && handed_in >= faults)
        return fail(NV_ENC_ERR_GENERIC, "NV_EMULATOR_FAIL_AFTER");
    Bitstream *out = (Bitstream *)p->outputBitstream;
    if (!outputs.count(out))
        return misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncEncodePicture into a buffer that is not there");
    if (out->locked || out->waiting)
        return misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncEncodePicture into a buffer that is in use");
    Picture picture;
    if (NVENCSTATUS s = read(p->inputBuffer, &picture.pixels))
        return s;
    spoil(card, picture.pixels, width, height);
    picture.time = p->inputTimeStamp;
    picture.duration = p->inputDuration;
    picture.index = p->frameIdx;
    picture.flags = p->encodePicFlags;
    picture.out = out;
    out->waiting = true;
    out->filled = false;
    // A B-frame waits for the P-frame behind it. (No B-frame is written: the
    // statuses are the driver's, the pictures stay in their order.)
    bool anchor = (picture.flags & NV_ENC_PIC_FLAG_FORCEIDR) || handed_in % interval == 0;
    held.push_back(std::move(picture));
    handed_in++;
    size_t keep = lookahead > 0 ? lookahead : anchor ? 0 : held.size();
    bool any = false;
    while (held.size() > keep) {
        if (NVENCSTATUS s = encode_one(held.front()))
            return s;
        held.pop_front();
        any = true;
    }
    return any ? NV_ENC_SUCCESS : NV_ENC_ERR_NEED_MORE_INPUT;
}

void Session::end()
{
    if (!resources.empty())
        misuse(NV_ENC_SUCCESS, "NvEncDestroyEncoder with %zu registered resources", resources.size());
    for (auto r : resources)
        delete r;
    for (auto i : inputs)
        delete i;
    for (auto o : outputs)
        delete o;
    if (encoder)
        x264_encoder_close(encoder);
    if (slot >= 0)
        close(slot);
}
