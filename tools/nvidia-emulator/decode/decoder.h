// The emulated NVDEC over libavcodec.
#pragma once
#include "../common/slots.h"
#include "bits.h"
#include <ffnvcodec/dynlink_cuda.h>
#include <ffnvcodec/dynlink_nvcuvid.h>
#include <map>
#include <mutex>
#include <set>
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
}

enum { INVALID_VALUE = 1, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_SUPPORTED = 801, UNKNOWN = 999 };
#define R(x) ((CUresult)(x))

struct Cuda {
    CUresult (*current)(CUcontext *);
    tcuMemAlloc_v2 *alloc;
    tcuMemFree_v2 *free;
    tcuMemcpy2D_v2 *copy;
    tcuCtxGetDevice *device;
    NvPrivate own;
    bool loaded;
};
const Cuda &cuda();
CUresult misuse(int result, const char *format, ...) __attribute__((format(printf, 2, 3)));

// What the slices of the last picture left behind, for the next one.
struct History {
    Bytes sent;            // the parameter sets the decoder has
    bool mbaff = false;    // H.264
    std::set<int> alive;   // HEVC: picture numbers that may still be referred to
};
// A whole access unit with parameter sets, made of the parameters and slices.
bool h264_unit(const CUVIDPICPARAMS *p, History *history, Bytes *out);
bool hevc_unit(const CUVIDPICPARAMS *p, History *history, Bytes *out);

struct Surface { // of the output: mapped or free
    CUdeviceptr address = 0;
    bool mapped = false;
};

struct Decoder {
    CUVIDDECODECREATEINFO info;
    CUcontext context = nullptr;
    int card = 0, slot = -1;
    AVCodecContext *codec = nullptr;
    AVPacket *packet = nullptr;
    AVFrame *spare = nullptr;
    std::map<int, AVFrame *> pictures; // by index
    std::vector<AVFrame *> taken;      // the buffers that the last packet took
    std::vector<Surface> surfaces;
    size_t pitch = 0, rows = 0;
    History history;
    long asked = 0;
};

// decoder.cpp
CUresult check(const char *who, Decoder *d); // is it there, and its context current?
void add(const Decoder *d, const char *key, long n);

AVCodecID codec_id(cudaVideoCodec codec);
CUresult check_caps(CUVIDDECODECAPS *caps, int card);

// A picture that the parser decoded; cuvidDecodePicture takes it by this sign.
struct Parsed {
    static const unsigned int SIGN = 0x50415253;
    unsigned int sign = SIGN;
    AVFrame *frame = nullptr;
};
