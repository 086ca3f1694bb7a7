// All copies and fills. They are checked against the blocks and counted.
#include "state.h"

enum Side { HOST, DEVICE };
enum { PICTURE_BYTES = 16 * 1024 }; // a copy of this size may be a picture

static void count_copy(CUcontext context, Side from, Side to, size_t bytes)
{
    if (!counting())
        return;
    if (from == DEVICE && to == DEVICE) {
        count(context->card, "device_to_device", 1);
        count(context->card, "device_to_device_bytes", (long)bytes);
    } else if (from != to) {
        std::string key = from == HOST ? "host_to_device" : "device_to_host";
        count(context->card, key.c_str(), 1);
        count(context->card, (key + "_bytes").c_str(), (long)bytes);
        if (bytes >= PICTURE_BYTES) {
            count(context->card, (key + "_pictures").c_str(), 1);
            count(context->card, (key + "_picture_bytes").c_str(), (long)bytes);
        }
    }
}

// One end of a copy: checks it and finds its first byte.
static CUresult end_of(const char *who, CUmemorytype type, const void *host, CUdeviceptr device, CUarray array, size_t x, size_t y,
    size_t *pitch, size_t width, size_t height, unsigned char **out, Side *side)
{
    Block block;
    uintptr_t base = 0;
    switch ((int)type) {
    case CU_MEMORYTYPE_ARRAY:
        if (!array || array->magic != ARRAY_MAGIC)
            return misuse(INVALID_HANDLE, "%s with an array that is not there", who);
        *pitch = array->pitch;
        if (x + width > array->pitch || y + height > array->height)
            return misuse(INVALID_VALUE, "%s outside of the array", who);
        *out = array->data.data() + y * *pitch + x;
        *side = DEVICE;
        return R(OK);
    case CU_MEMORYTYPE_HOST:
        base = (uintptr_t)host;
        *side = HOST;
        if (find_block(base, 1, &block) && !block.host)
            return misuse(INVALID_VALUE, "%s with a device pointer given as host memory", who);
        break;
    case MEMORY_UNIFIED:
    case CU_MEMORYTYPE_DEVICE:
        base = device;
        *side = DEVICE;
        if (type != CU_MEMORYTYPE_DEVICE && (!find_block(base, 1, &block) || block.host))
            *side = HOST;
        break;
    default: return misuse(INVALID_VALUE, "%s with memory type %d", who, (int)type);
    }
    if (!base)
        return misuse(INVALID_VALUE, "%s with a null pointer", who);
    if (*pitch == 0)
        *pitch = x + width; // the driver's rule for packed rows
    if (height > 1 && x + width > *pitch)
        return misuse(INVALID_VALUE, "%s: rows of %zu bytes at a pitch of %zu", who, x + width, *pitch);
    uintptr_t first = base + y * *pitch + x;
    if (*side == DEVICE) {
        size_t length = (height - 1) * *pitch + width;
        if (!find_block(first, length, &block) || block.host)
            return misuse(INVALID_VALUE, "%s: %zu bytes at 0x%lx are not in a live block", who, length, (unsigned long)first);
    }
    *out = (unsigned char *)first;
    return R(OK);
}

static CUresult copy(const char *who, const CUDA_MEMCPY2D *p, CUstream stream)
{
    CUcontext context;
    if (CUresult r = need_context(who, &context))
        return r;
    if (CUresult r = check_stream(who, context, stream))
        return r;
    if (!p)
        return misuse(INVALID_VALUE, "%s without parameters", who);
    if (p->WidthInBytes == 0 || p->Height == 0)
        return R(OK);
    size_t from_pitch = p->srcPitch, to_pitch = p->dstPitch;
    unsigned char *from, *to;
    Side from_side, to_side;
    if (CUresult r = end_of(who, p->srcMemoryType, p->srcHost, p->srcDevice, p->srcArray, p->srcXInBytes, p->srcY, &from_pitch,
            p->WidthInBytes, p->Height, &from, &from_side))
        return r;
    if (CUresult r = end_of(who, p->dstMemoryType, p->dstHost, p->dstDevice, p->dstArray, p->dstXInBytes, p->dstY, &to_pitch,
            p->WidthInBytes, p->Height, &to, &to_side))
        return r;
    for (size_t y = 0; y < p->Height; y++)
        memmove(to + y * to_pitch, from + y * from_pitch, p->WidthInBytes);
    count_copy(context, from_side, to_side, p->WidthInBytes * p->Height);
    return R(OK);
}

static CUresult line(const char *who, CUmemorytype to_type, uintptr_t to, CUmemorytype from_type, uintptr_t from, size_t bytes,
    CUstream stream)
{
    CUDA_MEMCPY2D p;
    memset(&p, 0, sizeof(p));
    p.srcMemoryType = from_type;
    p.srcHost = (void *)from;
    p.srcDevice = from;
    p.dstMemoryType = to_type;
    p.dstHost = (void *)to;
    p.dstDevice = to;
    p.WidthInBytes = bytes;
    p.Height = 1;
    return copy(who, &p, stream);
}

#define H CU_MEMORYTYPE_HOST
#define D CU_MEMORYTYPE_DEVICE
#define U ((CUmemorytype)MEMORY_UNIFIED)
#define P(x) ((uintptr_t)(x))
EXPORT CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *p) { return copy("cuMemcpy2D", p, nullptr); }
EXPORT CUresult cuMemcpy2D(const CUDA_MEMCPY2D *p) { return copy("cuMemcpy2D", p, nullptr); }
EXPORT CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *p) { return copy("cuMemcpy2DUnaligned", p, nullptr); }
EXPORT CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *p, CUstream s) { return copy("cuMemcpy2DAsync", p, s); }
EXPORT CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D *p, CUstream s) { return copy("cuMemcpy2DAsync", p, s); }
EXPORT CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t n) { return line("cuMemcpy", U, to, U, from, n, nullptr); }
EXPORT CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) { return line("cuMemcpyAsync", U, to, U, from, n, s); }
EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t n) { return line("cuMemcpyHtoD", D, to, H, P(from), n, nullptr); }
EXPORT CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t n) { return cuMemcpyHtoD_v2(to, from, n); }
EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t n, CUstream s) { return line("cuMemcpyHtoDAsync", D, to, H, P(from), n, s); }
EXPORT CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t n, CUstream s) { return cuMemcpyHtoDAsync_v2(to, from, n, s); }
EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t n) { return line("cuMemcpyDtoH", H, P(to), D, from, n, nullptr); }
EXPORT CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t n) { return cuMemcpyDtoH_v2(to, from, n); }
EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t n, CUstream s) { return line("cuMemcpyDtoHAsync", H, P(to), D, from, n, s); }
EXPORT CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t n, CUstream s) { return cuMemcpyDtoHAsync_v2(to, from, n, s); }
EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t n) { return line("cuMemcpyDtoD", D, to, D, from, n, nullptr); }
EXPORT CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t n) { return cuMemcpyDtoD_v2(to, from, n); }
EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) { return line("cuMemcpyDtoDAsync", D, to, D, from, n, s); }
EXPORT CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) { return cuMemcpyDtoDAsync_v2(to, from, n, s); }
EXPORT CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t n) { return line("cuMemcpyPeer", D, to, D, from, n, nullptr); }
EXPORT CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t n, CUstream s) { return line("cuMemcpyPeerAsync", D, to, D, from, n, s); }

static CUresult fill(const char *who, CUdeviceptr to, size_t pitch, unsigned int value, size_t size, size_t width, size_t height, CUstream stream)
{
    CUcontext context;
    if (CUresult r = need_context(who, &context))
        return r;
    if (CUresult r = check_stream(who, context, stream))
        return r;
    if (width == 0 || height == 0)
        return R(OK);
    unsigned char *first;
    Side side;
    if (CUresult r = end_of(who, CU_MEMORYTYPE_DEVICE, nullptr, to, nullptr, 0, 0, &pitch, width * size, height, &first, &side))
        return r;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            memcpy(first + y * pitch + x * size, &value, size);
    if (counting())
        count(context->card, "memsets", 1);
    return R(OK);
}

#define FILL(bits, type)                                                                                                         \
    EXPORT CUresult cuMemsetD##bits##_v2(CUdeviceptr to, type v, size_t n) { return fill("cuMemsetD" #bits, to, 0, v, bits / 8, n, 1, nullptr); } \
    EXPORT CUresult cuMemsetD##bits##Async(CUdeviceptr to, type v, size_t n, CUstream s) { return fill("cuMemsetD" #bits "Async", to, 0, v, bits / 8, n, 1, s); } \
    EXPORT CUresult cuMemsetD2D##bits##_v2(CUdeviceptr to, size_t p, type v, size_t w, size_t h) { return fill("cuMemsetD2D" #bits, to, p, v, bits / 8, w, h, nullptr); } \
    EXPORT CUresult cuMemsetD2D##bits(CUdeviceptr to, size_t p, type v, size_t w, size_t h) { return fill("cuMemsetD2D" #bits, to, p, v, bits / 8, w, h, nullptr); } \
    EXPORT CUresult cuMemsetD2D##bits##Async(CUdeviceptr to, size_t p, type v, size_t w, size_t h, CUstream s) { return fill("cuMemsetD2D" #bits "Async", to, p, v, bits / 8, w, h, s); }
FILL(8, unsigned char)
FILL(16, unsigned short)
FILL(32, unsigned int)
