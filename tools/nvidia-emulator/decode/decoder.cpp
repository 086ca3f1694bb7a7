// cuvidCreateDecoder and its kin: decoding of single pictures, and mapping.
#include "decoder.h"
#include <stdarg.h>
#include <unistd.h>

const Cuda &cuda()
{
    static const Cuda c = [] {
        Cuda c = {};
        void *library = dlopen("libcuda.so.1", RTLD_NOW);
        if (!library)
            return c;
        c.current = (CUresult(*)(CUcontext *))dlsym(library, "cuCtxGetCurrent");
        c.alloc = (tcuMemAlloc_v2 *)dlsym(library, "cuMemAlloc_v2");
        c.free = (tcuMemFree_v2 *)dlsym(library, "cuMemFree_v2");
        c.copy = (tcuMemcpy2D_v2 *)dlsym(library, "cuMemcpy2D_v2");
        c.device = (tcuCtxGetDevice *)dlsym(library, "cuCtxGetDevice");
        c.own = nv_private(library);
        c.loaded = c.current && c.alloc && c.free && c.copy && c.device;
        return c;
    }();
    return c;
}

CUresult misuse(int result, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (cuda().own.misuse)
        cuda().own.misuse(text);
    else
        fprintf(stderr, "nv-emulator: misuse: %s\n", text);
    return R(result);
}

static std::mutex &lock = *new std::mutex;
static std::set<Decoder *> &decoders = *new std::set<Decoder *>;

void add(const Decoder *d, const char *key, long n)
{
    if (cuda().own.count)
        cuda().own.count(d->card, key, n);
}

// libavcodec gives pictures in the order of display and keeps them back, but
// the driver's caller wants this one now: its buffer is caught here.
static int catch_buffer(AVCodecContext *codec, AVFrame *frame, int flags)
{
    int r = avcodec_default_get_buffer2(codec, frame, flags);
    if (r >= 0)
        ((Decoder *)codec->opaque)->taken.push_back(av_frame_clone(frame));
    return r;
}

static void drop_taken(Decoder *d)
{
    for (AVFrame *&f : d->taken)
        av_frame_free(&f);
    d->taken.clear();
}

CUresult check(const char *who, Decoder *d)
{
    {
        std::lock_guard<std::mutex> hold(lock);
        if (!decoders.count(d))
            return misuse(INVALID_HANDLE, "%s with a decoder that is not there", who);
    }
    CUcontext now = nullptr;
    cuda().current(&now);
    if (!now)
        return misuse(INVALID_CONTEXT, "%s without a current context", who);
    if (now != d->context)
        return misuse(INVALID_CONTEXT, "%s in another context than the decoder's", who);
    return R(0);
}

EXPORT CUresult cuvidCreateDecoder(CUvideodecoder *out, CUVIDDECODECREATEINFO *info)
{
    CUcontext now = nullptr;
    if (!cuda().loaded)
        return R(NOT_SUPPORTED);
    cuda().current(&now);
    if (!now)
        return misuse(INVALID_CONTEXT, "cuvidCreateDecoder without a current context");
    CUVIDDECODECAPS caps;
    memset(&caps, 0, sizeof(caps));
    caps.eCodecType = info->CodecType;
    caps.eChromaFormat = info->ChromaFormat;
    caps.nBitDepthMinus8 = (unsigned int)info->bitDepthMinus8;
    CUdevice device = 0;
    cuda().device(&device);
    int card = cuda().own.card_of_context ? cuda().own.card_of_context(now) : device;
    check_caps(&caps, card);
    if (!caps.bIsSupported || info->ulWidth > caps.nMaxWidth || info->ulHeight > caps.nMaxHeight || info->ulWidth < caps.nMinWidth ||
        info->ulHeight < caps.nMinHeight)
        return R(NOT_SUPPORTED);
    if (info->ulNumDecodeSurfaces < 1 || info->ulNumDecodeSurfaces > 64 || info->ulNumOutputSurfaces < 1 || info->ulNumOutputSurfaces > 64)
        return misuse(INVALID_VALUE, "cuvidCreateDecoder with %lu and %lu surfaces", info->ulNumDecodeSurfaces, info->ulNumOutputSurfaces);
    if (nv_on("NO_DECODE_SESSION", card))
        return R(2); // out of memory
    Decoder *d = new Decoder;
    d->info = *info;
    d->context = now;
    d->card = card;
    d->codec = avcodec_alloc_context3(avcodec_find_decoder(codec_id(info->CodecType)));
    d->codec->thread_count = 1;
    d->codec->opaque = d;
    d->codec->get_buffer2 = catch_buffer;
    d->codec->log_level_offset = nv_on("VERBOSE") ? 0 : 100; // libavcodec keeps quiet, for this decoder only
    if (avcodec_open2(d->codec, nullptr, nullptr) < 0) {
        avcodec_free_context(&d->codec);
        delete d;
        return R(NOT_SUPPORTED);
    }
    d->packet = av_packet_alloc();
    d->spare = av_frame_alloc();
    size_t sample = info->OutputFormat == cudaVideoSurfaceFormat_P016 ? 2 : 1;
    d->pitch = (info->ulTargetWidth * sample + 511) / 512 * 512;
    d->rows = (info->ulTargetHeight + 1) / 2 * 2;
    d->surfaces.resize(info->ulNumOutputSurfaces);
    d->slot = nv_slot_take("dec", card, NV_SLOTS);
    add(d, "decoders_opened", 1);
    add(d, "open_decoders", 1);
    std::lock_guard<std::mutex> hold(lock);
    decoders.insert(d);
    *out = d;
    return R(0);
}

EXPORT CUresult cuvidDestroyDecoder(CUvideodecoder decoder)
{
    Decoder *d = (Decoder *)decoder;
    if (CUresult r = check("cuvidDestroyDecoder", d))
        return r;
    {
        std::lock_guard<std::mutex> hold(lock);
        decoders.erase(d);
    }
    for (auto &s : d->surfaces) {
        if (s.mapped)
            misuse(0, "cuvidDestroyDecoder with a mapped picture");
        if (s.address)
            cuda().free(s.address);
    }
    drop_taken(d);
    for (auto &p : d->pictures)
        av_frame_free(&p.second);
    av_packet_free(&d->packet);
    av_frame_free(&d->spare);
    avcodec_free_context(&d->codec);
    if (d->slot >= 0)
        close(d->slot);
    add(d, "open_decoders", -1);
    delete d;
    return R(0);
}

EXPORT CUresult cuvidReconfigureDecoder(CUvideodecoder decoder, CUVIDRECONFIGUREDECODERINFO *)
{
    if (CUresult r = check("cuvidReconfigureDecoder", (Decoder *)decoder))
        return r;
    return R(NOT_SUPPORTED); // the callers then make a new decoder
}

static bool decode(Decoder *d, CUVIDPICPARAMS *p)
{
    Bytes unit;
    switch (d->info.CodecType) {
    case cudaVideoCodec_H264:
        if (!h264_unit(p, &d->history, &unit))
            return false;
        break;
    case cudaVideoCodec_HEVC:
        if (!hevc_unit(p, &d->history, &unit))
            return false;
        break;
    default: unit.assign(p->pBitstreamData, p->pBitstreamData + p->nBitstreamDataLen); break;
    }
    if (av_new_packet(d->packet, (int)unit.size()) < 0)
        return false;
    memcpy(d->packet->data, unit.data(), unit.size());
    // Pictures that come out are of no use; room must be made for the next packet.
    int sent = avcodec_send_packet(d->codec, d->packet);
    av_packet_unref(d->packet);
    while (avcodec_receive_frame(d->codec, d->spare) >= 0)
        av_frame_unref(d->spare);
    if (d->taken.empty())
        return sent >= 0 && p->second_field;
    // Missing references are made up: by H.264 before this picture, by HEVC behind it.
    AVFrame *&mine = d->info.CodecType == cudaVideoCodec_HEVC ? d->taken.front() : d->taken.back();
    AVFrame *&place = d->pictures[p->CurrPicIdx];
    av_frame_free(&place);
    std::swap(place, mine);
    drop_taken(d);
    return true;
}

EXPORT CUresult cuvidDecodePicture(CUvideodecoder decoder, CUVIDPICPARAMS *p)
{
    Decoder *d = (Decoder *)decoder;
    if (CUresult r = check("cuvidDecodePicture", d))
        return r;
    if (p->CurrPicIdx < 0 || p->CurrPicIdx >= (int)d->info.ulNumDecodeSurfaces)
        return misuse(INVALID_VALUE, "cuvidDecodePicture into surface %d of %lu", p->CurrPicIdx, d->info.ulNumDecodeSurfaces);
    if (!p->pBitstreamData || !p->nBitstreamDataLen)
        return misuse(INVALID_VALUE, "cuvidDecodePicture without data");
    long hang = nv_number("DECODE_HANG_AFTER", d->card, -1), faults = nv_number("DECODE_FAIL_AFTER", d->card, -1);
    if (hang >= 0 && d->asked >= hang && cuda().own.flush)
        cuda().own.flush();
    while (hang >= 0 && d->asked >= hang)
        sleep(1);
    if (faults >= 0 && d->asked >= faults)
        return R(UNKNOWN);
    d->asked++;
    const Parsed *parsed = (const Parsed *)p->pBitstreamData;
    if (p->nBitstreamDataLen == sizeof(Parsed) && parsed->sign == Parsed::SIGN) {
        AVFrame *&place = d->pictures[p->CurrPicIdx];
        av_frame_free(&place);
        place = av_frame_clone(parsed->frame);
    } else if (!decode(d, p)) {
        drop_taken(d);
        fprintf(stderr, "nv-emulator: a picture was not decoded\n");
        return R(UNKNOWN);
    }
    if (!p->second_field)
        add(d, "pictures_decoded", 1);
    return R(0);
}

EXPORT CUresult cuvidGetDecodeStatus(CUvideodecoder decoder, int, CUVIDGETDECODESTATUS *status)
{
    if (CUresult r = check("cuvidGetDecodeStatus", (Decoder *)decoder))
        return r;
    status->decodeStatus = cuvidDecodeStatus_Success;
    return R(0);
}
