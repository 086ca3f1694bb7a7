// The parser, the older of the two interfaces (GStreamer 1.22's nvh264dec and
// its kin). Here it decodes at once and hands the picture over by a sign; the
// callbacks come in the order of display, not of decoding.
#include "decoder.h"

struct Parser {
    CUVIDPARSERPARAMS params;
    AVCodecContext *codec = nullptr;
    AVPacket *packet = nullptr;
    AVFrame *frame = nullptr;
    int width = 0, height = 0, format = -1, surfaces = 0, next = 0;
};

EXPORT CUresult cuvidCreateVideoParser(CUvideoparser *out, CUVIDPARSERPARAMS *params)
{
    AVCodecID id = codec_id(params->CodecType);
    const AVCodec *codec = id == AV_CODEC_ID_NONE ? nullptr : avcodec_find_decoder(id);
    if (!codec || !params->pfnSequenceCallback || !params->pfnDecodePicture || !params->pfnDisplayPicture)
        return R(NOT_SUPPORTED);
    Parser *p = new Parser;
    p->params = *params;
    p->codec = avcodec_alloc_context3(codec);
    p->codec->thread_count = 1;
    p->codec->pkt_timebase = { 1, params->ulClockRate ? (int)params->ulClockRate : 10000000 };
    p->codec->log_level_offset = nv_on("VERBOSE") ? 0 : 100;
    if (avcodec_open2(p->codec, nullptr, nullptr) < 0) {
        avcodec_free_context(&p->codec);
        delete p;
        return R(NOT_SUPPORTED);
    }
    p->packet = av_packet_alloc();
    p->frame = av_frame_alloc();
    *out = (CUvideoparser)p;
    return R(0);
}

EXPORT CUresult cuvidDestroyVideoParser(CUvideoparser parser)
{
    Parser *p = (Parser *)parser;
    av_packet_free(&p->packet);
    av_frame_free(&p->frame);
    avcodec_free_context(&p->codec);
    delete p;
    return R(0);
}

static bool interlaced(const AVFrame *f)
{
#ifdef AV_FRAME_FLAG_INTERLACED
    return f->flags & AV_FRAME_FLAG_INTERLACED;
#else
    return f->interlaced_frame;
#endif
}

static bool tell_format(Parser *p)
{
    const AVFrame *f = p->frame;
    CUVIDEOFORMAT v;
    memset(&v, 0, sizeof(v));
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((AVPixelFormat)f->format);
    v.codec = p->params.CodecType;
    v.frame_rate.numerator = p->codec->framerate.num > 0 ? p->codec->framerate.num : 0;
    v.frame_rate.denominator = p->codec->framerate.den > 0 ? p->codec->framerate.den : 1;
    v.progressive_sequence = !interlaced(f);
    v.bit_depth_luma_minus8 = v.bit_depth_chroma_minus8 = (unsigned char)(d->comp[0].depth - 8);
    v.min_num_decode_surfaces = 8;
    v.coded_width = (f->width + 15) / 16 * 16;
    v.coded_height = (f->height + 15) / 16 * 16;
    v.display_area.right = f->width;
    v.display_area.bottom = f->height;
    v.chroma_format = cudaVideoChromaFormat_420;
    v.display_aspect_ratio.x = f->width;
    v.display_aspect_ratio.y = f->height;
    v.video_signal_description.video_format = 5;
    v.video_signal_description.video_full_range_flag = f->color_range == AVCOL_RANGE_JPEG;
    v.video_signal_description.color_primaries = (unsigned char)f->color_primaries;
    v.video_signal_description.transfer_characteristics = (unsigned char)f->color_trc;
    v.video_signal_description.matrix_coefficients = (unsigned char)f->colorspace;
    int answer = p->params.pfnSequenceCallback(p->params.pUserData, &v);
    p->surfaces = answer > 1 ? answer : (int)p->params.ulMaxNumDecodeSurfaces;
    if (p->surfaces < 1)
        p->surfaces = 1;
    p->next = 0;
    p->width = f->width;
    p->height = f->height;
    p->format = f->format;
    return answer > 0;
}

static bool hand_over(Parser *p)
{
    AVFrame *f = p->frame;
    if ((f->width != p->width || f->height != p->height || f->format != p->format) && !tell_format(p))
        return false;
    Parsed parsed;
    parsed.frame = f;
    CUVIDPICPARAMS pic;
    memset(&pic, 0, sizeof(pic));
    pic.PicWidthInMbs = (f->width + 15) / 16;
    pic.FrameHeightInMbs = (f->height + 15) / 16;
    pic.CurrPicIdx = p->next;
    pic.pBitstreamData = (const unsigned char *)&parsed;
    pic.nBitstreamDataLen = sizeof(parsed);
    p->next = (p->next + 1) % p->surfaces;
    if (!p->params.pfnDecodePicture(p->params.pUserData, &pic))
        return false;
    CUVIDPARSERDISPINFO shown;
    memset(&shown, 0, sizeof(shown));
    shown.picture_index = pic.CurrPicIdx;
    shown.progressive_frame = !interlaced(f);
    shown.timestamp = f->pts == AV_NOPTS_VALUE ? 0 : f->pts;
    return p->params.pfnDisplayPicture(p->params.pUserData, &shown) != 0;
}

static CUresult take_all(Parser *p)
{
    while (avcodec_receive_frame(p->codec, p->frame) >= 0) {
        bool good = hand_over(p);
        av_frame_unref(p->frame);
        if (!good)
            return R(UNKNOWN);
    }
    return R(0);
}

EXPORT CUresult cuvidParseVideoData(CUvideoparser parser, CUVIDSOURCEDATAPACKET *packet)
{
    Parser *p = (Parser *)parser;
    if (packet->payload && packet->payload_size) {
        if (av_new_packet(p->packet, (int)packet->payload_size) < 0)
            return R(2);
        memcpy(p->packet->data, packet->payload, packet->payload_size);
        p->packet->pts = packet->flags & CUVID_PKT_TIMESTAMP ? packet->timestamp : AV_NOPTS_VALUE;
        avcodec_send_packet(p->codec, p->packet); // a broken packet is passed over, as by the card
        av_packet_unref(p->packet);
        if (CUresult r = take_all(p))
            return r;
    }
    if (packet->flags & CUVID_PKT_ENDOFSTREAM) {
        avcodec_send_packet(p->codec, nullptr);
        CUresult r = take_all(p);
        avcodec_flush_buffers(p->codec);
        return r;
    }
    return R(0);
}
