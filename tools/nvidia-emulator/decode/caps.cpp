// What the card's decoder can do: H.264, HEVC with 8 and 10 bits, VP8, VP9
// with 8 and 10 bits. No AV1, as before Ampere.
#include "decoder.h"

AVCodecID codec_id(cudaVideoCodec codec)
{
    switch (codec) {
    case cudaVideoCodec_H264: return AV_CODEC_ID_H264;
    case cudaVideoCodec_HEVC: return AV_CODEC_ID_HEVC;
    case cudaVideoCodec_VP8: return AV_CODEC_ID_VP8;
    case cudaVideoCodec_VP9: return AV_CODEC_ID_VP9;
    default: return AV_CODEC_ID_NONE;
    }
}

CUresult check_caps(CUVIDDECODECAPS *caps, int card)
{
    AVCodecID id = codec_id(caps->eCodecType);
    bool ten = id == AV_CODEC_ID_HEVC || id == AV_CODEC_ID_VP9;
    caps->bIsSupported = id != AV_CODEC_ID_NONE && avcodec_find_decoder(id) && caps->eChromaFormat == cudaVideoChromaFormat_420 &&
        (caps->nBitDepthMinus8 == 0 || (ten && caps->nBitDepthMinus8 == 2)) && !nv_on("NO_DECODER", card);
    if (!caps->bIsSupported)
        return R(0);
    bool wide = id == AV_CODEC_ID_HEVC || id == AV_CODEC_ID_VP9;
    caps->nMaxWidth = caps->nMaxHeight = wide ? 8192 : 4096;
    caps->nMaxMBCount = wide ? 262144 : 65536;
    caps->nMinWidth = id == AV_CODEC_ID_HEVC ? 144 : id == AV_CODEC_ID_VP9 ? 128 : 48;
    caps->nMinHeight = id == AV_CODEC_ID_HEVC ? 144 : id == AV_CODEC_ID_VP9 ? 128 : id == AV_CODEC_ID_VP8 ? 48 : 16;
    caps->nOutputFormatMask = 1 << cudaVideoSurfaceFormat_NV12 | (caps->nBitDepthMinus8 ? 1 << cudaVideoSurfaceFormat_P016 : 0);
    return R(0);
}

EXPORT CUresult cuvidGetDecoderCaps(CUVIDDECODECAPS *caps)
{
    CUcontext now = nullptr;
    if (!cuda().loaded)
        return R(NOT_SUPPORTED);
    cuda().current(&now);
    if (!now)
        return misuse(INVALID_CONTEXT, "cuvidGetDecoderCaps without a current context");
    CUdevice device = 0;
    cuda().device(&device);
    return check_caps(caps, cuda().own.card_of_context ? cuda().own.card_of_context(now) : device);
}

// A lock that holds nothing back: GStreamer makes one but locks by itself.
struct Lock {
    std::recursive_mutex mutex;
};
EXPORT CUresult cuvidCtxLockCreate(CUvideoctxlock *out, CUcontext)
{
    *out = (CUvideoctxlock) new Lock;
    return R(0);
}
EXPORT CUresult cuvidCtxLockDestroy(CUvideoctxlock lock)
{
    delete (Lock *)lock;
    return R(0);
}
EXPORT CUresult cuvidCtxLock(CUvideoctxlock lock, unsigned int)
{
    ((Lock *)lock)->mutex.lock();
    return R(0);
}
EXPORT CUresult cuvidCtxUnlock(CUvideoctxlock lock, unsigned int)
{
    ((Lock *)lock)->mutex.unlock();
    return R(0);
}
