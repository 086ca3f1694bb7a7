// Modules, kernels and textures. A module is the small text that the emulated
// NVRTC gives back: the path of a shared library and the constants.
#include "../common/texture.h"
#include "state.h"
#include <deque>

struct CUmod_st {
    CUcontext context;
    void *library;
    std::vector<double> numbers;
    std::vector<char> constants;
};
typedef void (*Launch)(void **arguments, const unsigned int *grid, const void *constants);
struct CUfunc_st {
    CUmodule module;
    Launch launch;
};

static std::set<CUmodule> &modules = *new std::set<CUmodule>;
static std::set<CUfunction> &functions = *new std::set<CUfunction>;
static std::set<nv_texture *> &textures = *new std::set<nv_texture *>;
static std::deque<nv_texture *> &gone = *new std::deque<nv_texture *>;

int bytes_of(CUarray_format format)
{
    switch (format) {
    case CU_AD_FORMAT_UNSIGNED_INT8:
    case CU_AD_FORMAT_SIGNED_INT8: return 1;
    case CU_AD_FORMAT_UNSIGNED_INT16:
    case CU_AD_FORMAT_SIGNED_INT16:
    case CU_AD_FORMAT_HALF: return 2;
    default: return 4;
    }
}

EXPORT CUresult cuModuleLoadData(CUmodule *out, const void *image)
{
    CUcontext context;
    if (CUresult r = need_context("cuModuleLoadData", &context))
        return r;
    mark_busy();
    static const char head[] = "//nv-emulator\n";
    if (!image || strncmp((const char *)image, head, sizeof(head) - 1) != 0)
        return misuse(INVALID_IMAGE, "cuModuleLoadData of code that this NVRTC did not compile");
    const char *text = (const char *)image + sizeof(head) - 1;
    const char *end = strchr(text, '\n');
    std::string path(text, end);
    CUmodule module = new CUmod_st;
    module->context = context;
    module->library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!module->library) {
        fprintf(stderr, "nv-emulator: cannot load the kernel: %s\n", dlerror());
        delete module;
        return R(INVALID_IMAGE);
    }
    for (char *next = (char *)end + 1; *next && *next != '\n';) {
        module->numbers.push_back(strtod(next, &next));
        while (*next == ' ')
            next++;
    }
    auto size = (unsigned long (*)())dlsym(module->library, "nv_emulator_constants_size");
    auto set = (void (*)(void *, const double *))dlsym(module->library, "nv_emulator_constants_set");
    if (size && set) {
        module->constants.resize(size() + 16);
        set(module->constants.data(), module->numbers.data());
    }
    std::lock_guard<std::mutex> hold(g_lock);
    modules.insert(module);
    count(context->card, "modules_loaded", 1);
    *out = module;
    return R(OK);
}
EXPORT CUresult cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned int, void *, void **) { return cuModuleLoadData(out, image); }

EXPORT CUresult cuModuleUnload(CUmodule module)
{
    if (CUresult r = need_context("cuModuleUnload", nullptr))
        return r;
    std::lock_guard<std::mutex> hold(g_lock);
    if (!modules.erase(module))
        return misuse(INVALID_HANDLE, "cuModuleUnload of a module that is not there");
    for (auto i = functions.begin(); i != functions.end();)
        i = (*i)->module == module ? functions.erase(i) : std::next(i);
    return R(OK);
}

EXPORT CUresult cuModuleGetFunction(CUfunction *out, CUmodule module, const char *name)
{
    if (CUresult r = need_context("cuModuleGetFunction", nullptr))
        return r;
    std::lock_guard<std::mutex> hold(g_lock);
    if (!modules.count(module))
        return misuse(INVALID_HANDLE, "cuModuleGetFunction of a module that is not there");
    void *launch = dlsym(module->library, (std::string("nv_emulator_launch_") + name).c_str());
    if (!launch)
        return R(NOT_FOUND);
    *out = new CUfunc_st { module, (Launch)launch };
    functions.insert(*out);
    return R(OK);
}

EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr *, size_t *, CUmodule, const char *) { return R(NOT_FOUND); }

EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by,
    unsigned int bz, unsigned int, CUstream stream, void **arguments, void **)
{
    CUcontext context;
    if (CUresult r = need_context("cuLaunchKernel", &context))
        return r;
    if (CUresult r = check_stream("cuLaunchKernel", context, stream))
        return r;
    {
        std::lock_guard<std::mutex> hold(g_lock);
        if (!functions.count(function))
            return misuse(INVALID_HANDLE, "cuLaunchKernel of a function that is not there");
        if (function->module->context != context)
            return misuse(INVALID_HANDLE, "cuLaunchKernel of a function of another context");
    }
    if (!gx || !gy || !gz || !bx || !by || !bz || bx * by * bz > 1024)
        return misuse(INVALID_VALUE, "cuLaunchKernel with a grid of %ux%ux%u, block %ux%ux%u", gx, gy, gz, bx, by, bz);
    if (!arguments)
        return misuse(INVALID_VALUE, "cuLaunchKernel without arguments");
    if (nv_on("FAIL_KERNELS", context->card))
        return R(ILLEGAL_ADDRESS);
    unsigned int grid[6] = { gx, gy, gz, bx, by, bz };
    function->launch(arguments, grid, function->module->constants.data());
    count(context->card, "kernel_launches", 1);
    return R(OK);
}

EXPORT CUresult cuTexObjectCreate(CUtexObject *out, const CUDA_RESOURCE_DESC *resource, const CUDA_TEXTURE_DESC *sampling, const CUDA_RESOURCE_VIEW_DESC *)
{
    CUcontext context;
    if (CUresult r = need_context("cuTexObjectCreate", &context))
        return r;
    nv_texture t = {};
    t.magic = NV_TEXTURE_MAGIC;
    t.linear = sampling->filterMode == CU_TR_FILTER_MODE_LINEAR;
    t.as_integer = (sampling->flags & 1) != 0;
    t.normalized = (sampling->flags & 2) != 0;
    if (resource->resType == CU_RESOURCE_TYPE_PITCH2D) {
        auto &p = resource->res.pitch2D;
        t.bytes = bytes_of(p.format);
        t.channels = p.numChannels;
        t.width = (int)p.width;
        t.height = (int)p.height;
        t.pitch = p.pitchInBytes;
        t.data = (const unsigned char *)(uintptr_t)p.devPtr;
        Block block;
        size_t row = p.width * t.bytes * t.channels;
        if (!p.width || !p.height || row > p.pitchInBytes ||
            !find_block(p.devPtr, (p.height - 1) * p.pitchInBytes + row, &block) || block.host)
            return misuse(INVALID_VALUE, "cuTexObjectCreate over memory that is not in a live block");
        if (!may_reach(context, block.context))
            return misuse(INVALID_VALUE, "cuTexObjectCreate over memory of another context");
        // The card's own rules; GStreamer has a way around (a second buffer).
        if (p.devPtr % 512 || p.pitchInBytes % 32)
            return R(INVALID_VALUE);
    } else if (resource->resType == CU_RESOURCE_TYPE_ARRAY) {
        CUarray a = resource->res.array.hArray;
        if (!a || a->magic != ARRAY_MAGIC)
            return misuse(INVALID_HANDLE, "cuTexObjectCreate over an array that is not there");
        t.bytes = bytes_of(a->format);
        t.channels = a->channels;
        t.width = (int)a->width;
        t.height = (int)a->height;
        t.pitch = a->pitch;
        t.data = a->data.data();
    } else {
        return R(NOT_SUPPORTED);
    }
    nv_texture *texture = new nv_texture(t);
    std::lock_guard<std::mutex> hold(g_lock);
    textures.insert(texture);
    count(context->card, "open_textures", 1);
    *out = (CUtexObject)(uintptr_t)texture;
    return R(OK);
}

EXPORT CUresult cuTexObjectDestroy(CUtexObject object)
{
    CUcontext context;
    if (CUresult r = need_context("cuTexObjectDestroy", &context))
        return r;
    std::lock_guard<std::mutex> hold(g_lock);
    nv_texture *texture = (nv_texture *)(uintptr_t)object;
    if (!textures.erase(texture))
        return misuse(INVALID_VALUE, "cuTexObjectDestroy of a texture that is not there");
    count(context->card, "open_textures", -1);
    texture->magic = 0; // a kernel that still uses it sees that
    gone.push_back(texture);
    if (gone.size() > 1024) {
        delete gone.front();
        gone.pop_front();
    }
    return R(OK);
}

static CUresult make_array(CUarray *out, size_t width, size_t height, CUarray_format format, unsigned int channels)
{
    CUcontext context;
    if (CUresult r = need_context("cuArrayCreate", &context))
        return r;
    CUarray array = new CUarray_st;
    array->context = context;
    array->width = width;
    array->height = height ? height : 1;
    array->format = format;
    array->channels = channels;
    array->pitch = width * channels * bytes_of(format);
    array->data.resize(array->pitch * array->height);
    *out = array;
    return R(OK);
}

EXPORT CUresult cuArray3DCreate_v2(CUarray *out, const CUDA_ARRAY3D_DESCRIPTOR *d) { return make_array(out, d->Width, d->Height, d->Format, d->NumChannels); }
EXPORT CUresult cuArrayDestroy(CUarray array)
{
    if (!array || array->magic != ARRAY_MAGIC)
        return misuse(INVALID_HANDLE, "cuArrayDestroy of an array that is not there");
    array->magic = 0;
    array->data.clear();
    return R(OK);
}
