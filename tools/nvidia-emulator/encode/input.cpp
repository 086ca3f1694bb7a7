// The pictures that go in: CUDA memory that the caller registers and maps, or
// buffers of the encoder's own.
#include "session.h"

const Cuda &cuda()
{
    static const Cuda c = [] {
        Cuda c = {};
        void *library = dlopen("libcuda.so.1", RTLD_NOW);
        if (!library) {
            fprintf(stderr, "nv-emulator: the encoder finds no libcuda.so.1: %s\n", dlerror());
            return c;
        }
        c.push = (tcuCtxPushCurrent_v2 *)dlsym(library, "cuCtxPushCurrent_v2");
        c.pop = (tcuCtxPopCurrent_v2 *)dlsym(library, "cuCtxPopCurrent_v2");
        c.device = (tcuCtxGetDevice *)dlsym(library, "cuCtxGetDevice");
        c.copy = (tcuMemcpy2D_v2 *)dlsym(library, "cuMemcpy2D_v2");
        c.range = (CUresult(*)(CUdeviceptr *, size_t *, CUdeviceptr))dlsym(library, "cuMemGetAddressRange_v2");
        c.attribute = (CUresult(*)(void *, int, CUdeviceptr))dlsym(library, "cuPointerGetAttribute");
        c.own = nv_private(library);
        c.loaded = c.push && c.pop && c.device && c.copy && c.range && c.attribute;
        return c;
    }();
    return c;
}

static bool planar(NV_ENC_BUFFER_FORMAT f) { return f == NV_ENC_BUFFER_FORMAT_YV12 || f == NV_ENC_BUFFER_FORMAT_IYUV; }
static bool taken(NV_ENC_BUFFER_FORMAT f) { return f == NV_ENC_BUFFER_FORMAT_NV12 || planar(f); }

// Picture rows with a pitch to NV12 without one.
static void pack(const uint8_t *from, uint32_t pitch, NV_ENC_BUFFER_FORMAT format, uint32_t rows, int width, int height, Pixels *out)
{
    out->resize((size_t)width * height * 3 / 2);
    for (int y = 0; y < height; y++)
        memcpy(out->data() + (size_t)y * width, from + (size_t)y * pitch, width);
    const uint8_t *chroma = from + (size_t)rows * pitch;
    uint8_t *to = out->data() + (size_t)width * height;
    for (int y = 0; y < height / 2; y++, to += width) {
        if (!planar(format)) {
            memcpy(to, chroma + (size_t)y * pitch, width);
            continue;
        }
        const uint8_t *first = chroma + (size_t)y * (pitch / 2), *second = first + (size_t)(rows / 2) * (pitch / 2);
        const uint8_t *u = format == NV_ENC_BUFFER_FORMAT_IYUV ? first : second, *v = format == NV_ENC_BUFFER_FORMAT_IYUV ? second : first;
        for (int x = 0; x < width / 2; x++) {
            to[2 * x] = u[x];
            to[2 * x + 1] = v[x];
        }
    }
}

NVENCSTATUS Session::read(void *input, Pixels *out)
{
    if (inputs.count((InputBuffer *)input)) {
        InputBuffer *b = (InputBuffer *)input;
        if (b->locked)
            return misuse(NV_ENC_ERR_LOCK_BUSY, "NvEncEncodePicture of a locked input buffer");
        pack(b->data.data(), b->pitch, b->format, b->height, width, height, out);
        return NV_ENC_SUCCESS;
    }
    Resource *r = (Resource *)input;
    if (!resources.count(r) || !r->mapped)
        return misuse(NV_ENC_ERR_RESOURCE_NOT_MAPPED, "NvEncEncodePicture of a picture that is not mapped");
    if ((int)r->width < width || (int)r->height < height)
        return misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncEncodePicture of a %ux%u picture in a %dx%d session", r->width, r->height, width, height);
    std::vector<uint8_t> host((size_t)r->pitch * r->height * 3 / 2);
    CUDA_MEMCPY2D p;
    memset(&p, 0, sizeof(p));
    p.srcMemoryType = CU_MEMORYTYPE_DEVICE;
    p.srcDevice = r->address;
    p.srcPitch = p.dstPitch = p.WidthInBytes = r->pitch;
    p.dstMemoryType = CU_MEMORYTYPE_HOST;
    p.dstHost = host.data();
    p.Height = r->height * 3 / 2;
    if (cuda().push(context) != CUDA_SUCCESS)
        return fail(NV_ENC_ERR_INVALID_DEVICE, "the session's context is gone");
    // On a real card the encoder reads the memory itself: this is no copy of the product's.
    if (cuda().own.quiet)
        cuda().own.quiet(1);
    CUresult result = cuda().copy(&p);
    if (cuda().own.quiet)
        cuda().own.quiet(0);
    CUcontext old;
    cuda().pop(&old);
    if (result != CUDA_SUCCESS)
        return fail(NV_ENC_ERR_GENERIC, "the picture cannot be read: CUDA error %d", (int)result);
    pack(host.data(), r->pitch, r->format, r->height, width, height, out);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS Session::register_resource(NV_ENC_REGISTER_RESOURCE *p)
{
    if (p->resourceType != NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR)
        return fail(NV_ENC_ERR_UNIMPLEMENTED, "only CUDA memory is registered");
    if (!taken(p->bufferFormat))
        return fail(NV_ENC_ERR_UNSUPPORTED_PARAM, "picture format 0x%x", (unsigned)p->bufferFormat);
    CUdeviceptr address = (CUdeviceptr)(uintptr_t)p->resourceToRegister, base = 0;
    size_t size = 0, need = (size_t)p->pitch * p->height * 3 / 2;
    CUcontext owner = nullptr;
    if (cuda().push(context) != CUDA_SUCCESS)
        return fail(NV_ENC_ERR_INVALID_DEVICE, "the session's context is gone");
    bool found = cuda().range(&base, &size, address) == CUDA_SUCCESS;
    bool owned = cuda().attribute(&owner, 1, address) == CUDA_SUCCESS;
    CUcontext old;
    cuda().pop(&old);
    if (!found || address + need > base + size || p->pitch < p->width)
        return misuse(NV_ENC_ERR_RESOURCE_REGISTER_FAILED, "NvEncRegisterResource of %ux%u, pitch %u: not in a live block", p->width,
            p->height, p->pitch);
    if (owned && owner != context)
        return misuse(NV_ENC_ERR_RESOURCE_REGISTER_FAILED, "NvEncRegisterResource of memory of another context");
    Resource *r = new Resource;
    r->address = address;
    r->width = p->width;
    r->height = p->height;
    r->pitch = p->pitch;
    r->format = p->bufferFormat;
    resources.insert(r);
    p->registeredResource = r;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS Session::unregister_resource(void *resource)
{
    Resource *r = (Resource *)resource;
    if (!resources.count(r))
        return misuse(NV_ENC_ERR_RESOURCE_NOT_REGISTERED, "NvEncUnregisterResource of what is not registered");
    if (r->mapped)
        misuse(NV_ENC_SUCCESS, "NvEncUnregisterResource of a mapped picture");
    resources.erase(r);
    delete r;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS Session::map(NV_ENC_MAP_INPUT_RESOURCE *p)
{
    Resource *r = (Resource *)p->registeredResource;
    if (!resources.count(r))
        return misuse(NV_ENC_ERR_RESOURCE_NOT_REGISTERED, "NvEncMapInputResource of what is not registered");
    if (r->mapped)
        return misuse(NV_ENC_ERR_MAP_FAILED, "NvEncMapInputResource twice");
    r->mapped = 1;
    p->mappedResource = r;
    p->mappedBufferFmt = r->format;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS Session::unmap(void *resource)
{
    Resource *r = (Resource *)resource;
    if (!resources.count(r) || !r->mapped)
        return misuse(NV_ENC_ERR_RESOURCE_NOT_MAPPED, "NvEncUnmapInputResource of what is not mapped");
    r->mapped = 0;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS Session::create_input(NV_ENC_CREATE_INPUT_BUFFER *p)
{
    if (!taken(p->bufferFmt))
        return fail(NV_ENC_ERR_UNSUPPORTED_PARAM, "picture format 0x%x", (unsigned)p->bufferFmt);
    InputBuffer *b = new InputBuffer;
    b->width = p->width;
    b->height = p->height;
    b->pitch = (p->width + 255) / 256 * 256;
    b->format = p->bufferFmt;
    b->data.resize((size_t)b->pitch * b->height * 3 / 2);
    inputs.insert(b);
    p->inputBuffer = b;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS Session::destroy_input(void *input)
{
    InputBuffer *b = (InputBuffer *)input;
    if (!inputs.erase(b))
        return misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncDestroyInputBuffer of a buffer that is not there");
    delete b;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS Session::lock_input(NV_ENC_LOCK_INPUT_BUFFER *p)
{
    InputBuffer *b = (InputBuffer *)p->inputBuffer;
    if (!inputs.count(b))
        return misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncLockInputBuffer of a buffer that is not there");
    if (b->locked)
        return misuse(NV_ENC_ERR_LOCK_BUSY, "NvEncLockInputBuffer twice");
    b->locked = true;
    p->bufferDataPtr = b->data.data();
    p->pitch = b->pitch;
    // The caller writes into card memory here: an upload in all but name.
    count("host_to_device", 1);
    count("host_to_device_bytes", (long)b->data.size());
    if (b->data.size() >= 16 * 1024) {
        count("host_to_device_pictures", 1);
        count("host_to_device_picture_bytes", (long)b->data.size());
    }
    return NV_ENC_SUCCESS;
}

NVENCSTATUS Session::unlock_input(void *input)
{
    InputBuffer *b = (InputBuffer *)input;
    if (!inputs.count(b) || !b->locked)
        return misuse(NV_ENC_ERR_INVALID_PARAM, "NvEncUnlockInputBuffer of a buffer that is not locked");
    b->locked = false;
    return NV_ENC_SUCCESS;
}
