// One encode session of the emulated NVENC.
#pragma once
#include "../common/slots.h"
#include <atomic>
#include <deque>
#include <ffnvcodec/dynlink_cuda.h>
#include <ffnvcodec/nvEncodeAPI.h>
#include <memory>
#include <mutex>
#include <set>
#include <stdarg.h>
#include <vector>
#include <x264.h>

// CUDA by its public interface only, so that this library also works alone
// over the real driver, on a card that has no encoder.
struct Cuda {
    tcuCtxPushCurrent_v2 *push;
    tcuCtxPopCurrent_v2 *pop;
    tcuCtxGetDevice *device;
    tcuMemcpy2D_v2 *copy;
    CUresult (*range)(CUdeviceptr *, size_t *, CUdeviceptr);
    CUresult (*attribute)(void *, int, CUdeviceptr);
    NvPrivate own;
    bool loaded;
};
const Cuda &cuda();

// A picture in host memory, always NV12 and without padding.
typedef std::vector<uint8_t> Pixels;

struct Resource { // registered CUDA memory
    CUdeviceptr address = 0;
    uint32_t width = 0, height = 0, pitch = 0;
    NV_ENC_BUFFER_FORMAT format = NV_ENC_BUFFER_FORMAT_UNDEFINED;
    int mapped = 0;
};
struct InputBuffer { // memory that the caller fills
    uint32_t width = 0, height = 0, pitch = 0;
    NV_ENC_BUFFER_FORMAT format = NV_ENC_BUFFER_FORMAT_UNDEFINED;
    bool locked = false;
    std::vector<uint8_t> data;
};
struct Bitstream {
    bool waiting = false, filled = false, locked = false;
    std::vector<uint8_t> data;
    uint64_t time = 0, duration = 0;
    uint32_t index = 0;
    bool idr = false, intra = false;
};
struct Picture { // handed in, not yet encoded
    Pixels pixels;
    uint64_t time = 0, duration = 0;
    uint32_t index = 0, flags = 0;
    Bitstream *out = nullptr;
};

struct Session {
    CUcontext context = nullptr;
    int card = 0;
    int slot = -1;
    bool counted = false; // in the per process count of sessions
    std::mutex lock;
    std::string error;

    // session.cpp
    x264_t *encoder = nullptr;
    int width = 0, height = 0;
    int interval = 1, lookahead = 0;
    bool repeat_headers = false, no_headers = false, delimiter = false;
    std::vector<uint8_t> headers;
    std::deque<Picture> held;
    std::atomic<long> handed_in { 0 };
    long done = 0, since_idr = 0;

    // input.cpp
    std::set<Resource *> resources;
    std::set<InputBuffer *> inputs;
    std::set<Bitstream *> outputs;

    NVENCSTATUS fail(NVENCSTATUS status, const char *format, ...) __attribute__((format(printf, 3, 4)));
    NVENCSTATUS misuse(NVENCSTATUS status, const char *format, ...) __attribute__((format(printf, 3, 4)));
    void count(const char *key, long add);

    NVENCSTATUS begin(const NV_ENC_INITIALIZE_PARAMS *p);
    NVENCSTATUS change(const NV_ENC_INITIALIZE_PARAMS *p, bool reset);
    void hang();
    NVENCSTATUS encode(const NV_ENC_PIC_PARAMS *p);
    void end();

    NVENCSTATUS read(void *input, Pixels *out);
    NVENCSTATUS register_resource(NV_ENC_REGISTER_RESOURCE *p);
    NVENCSTATUS unregister_resource(void *resource);
    NVENCSTATUS map(NV_ENC_MAP_INPUT_RESOURCE *p);
    NVENCSTATUS unmap(void *resource);
    NVENCSTATUS create_input(NV_ENC_CREATE_INPUT_BUFFER *p);
    NVENCSTATUS destroy_input(void *input);
    NVENCSTATUS lock_input(NV_ENC_LOCK_INPUT_BUFFER *p);
    NVENCSTATUS unlock_input(void *input);

private:
    void params(const NV_ENC_INITIALIZE_PARAMS *p, x264_param_t *out);
    NVENCSTATUS encode_one(Picture &picture);
};

// Only the mark is looked at: the number differs from API to API, and
// GStreamer 1.26 sends older ones than it was built with.
static inline bool marked(uint32_t version) { return (version >> 28 & 7) == 7; }

// api.cpp
Session *session(void *handle);
#define SESSION(p)                                                                                                               \
    Session *s = session(p);                                                                                                     \
    if (!s)                                                                                                                      \
        return NV_ENC_ERR_INVALID_ENCODERDEVICE;                                                                                 \
    std::lock_guard<std::mutex> hold(s->lock)
#define MARKED(p)                                                                                                                \
    if (!(p) || !marked((p)->version))                                                                                           \
    return s->misuse(NV_ENC_ERR_INVALID_VERSION, "%s with a struct without version", __func__)
#define H264(guid)                                                                                                               \
    if (memcmp(&(guid), &NV_ENC_CODEC_H264_GUID, sizeof(GUID)) != 0)                                                             \
    return s->fail(NV_ENC_ERR_UNSUPPORTED_PARAM, "only H.264 is encoded")

// caps.cpp
void fill_queries(NV_ENCODE_API_FUNCTION_LIST *list);
long smallest_width(int card);
long smallest_height(int card);
