// The cards: how many, which are seen, what they can do.
#include "state.h"
#include <strings.h>

std::mutex g_lock;
bool g_ready = false;

static int all_cards()
{
    long n = nv_number("CARDS", -1, 1);
    return n < 0 ? 0 : n > 16 ? 16 : (int)n;
}

void card_uuid(int card, unsigned char out[16])
{
    static const unsigned char base[16] = { 0xe0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0 };
    memcpy(out, base, 16);
    out[15] = (unsigned char)card;
}

static std::string uuid_text(int card)
{
    unsigned char u[16];
    char text[64];
    card_uuid(card, u);
    snprintf(text, sizeof(text), "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2],
        u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
    return text;
}

// CUDA_VISIBLE_DEVICES: numbers or UUIDs (a beginning is enough); the list
// ends at the first entry that names no card, as with the real driver.
static const std::vector<int> &visible()
{
    static const std::vector<int> list = [] {
        std::vector<int> out;
        const char *names = getenv("CUDA_VISIBLE_DEVICES");
        if (!names) {
            for (int i = 0; i < all_cards(); i++)
                out.push_back(i);
            return out;
        }
        std::string rest = names;
        while (!rest.empty()) {
            std::string one = rest.substr(0, rest.find(','));
            rest = one.size() < rest.size() ? rest.substr(one.size() + 1) : "";
            int card = -1;
            char *end = nullptr;
            long number = strtol(one.c_str(), &end, 10);
            if (!one.empty() && *end == 0) {
                card = number >= 0 && number < all_cards() ? (int)number : -1;
            } else if (one.size() > 4) {
                for (int i = 0; i < all_cards() && card < 0; i++)
                    if (strncasecmp(uuid_text(i).c_str(), one.c_str(), one.size()) == 0)
                        card = i;
            }
            if (card < 0)
                break;
            out.push_back(card);
        }
        return out;
    }();
    return list;
}

int visible_cards() { return (int)visible().size(); }

int physical_card(int device)
{
    return device >= 0 && device < visible_cards() ? visible()[device] : -1;
}

EXPORT CUresult cuInit(unsigned int flags)
{
    if (flags != 0)
        return misuse(INVALID_VALUE, "cuInit with flags %u", flags);
    if (nv_on("NO_DEVICE") || visible_cards() == 0)
        return R(NO_DEVICE);
    if (const char *what = refused_by_system()) {
        fprintf(stderr, "nv-emulator: cuInit: the system does not let it %s\n", what);
        return R(OPERATING_SYSTEM);
    }
    g_ready = true;
    return R(OK);
}

static CUresult ready(const char *who)
{
    return g_ready ? R(OK) : misuse(NOT_INITIALIZED, "%s before cuInit", who);
}

EXPORT CUresult cuDriverGetVersion(int *version)
{
    *version = (int)nv_number("DRIVER_VERSION", -1, 12020);
    return R(OK);
}

EXPORT CUresult cuDeviceGetCount(int *n)
{
    if (ready("cuDeviceGetCount"))
        return R(NOT_INITIALIZED);
    *n = visible_cards();
    return R(OK);
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    if (ready("cuDeviceGet"))
        return R(NOT_INITIALIZED);
    if (physical_card(ordinal) < 0)
        return R(INVALID_DEVICE);
    *device = ordinal;
    return R(OK);
}

EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
    int card = physical_card(device);
    if (card < 0)
        return R(INVALID_DEVICE);
    const char *text = nv_text("NAME", card);
    snprintf(name, length, "%s", text ? text : ("Emulated GPU " + std::to_string(card)).c_str());
    return R(OK);
}

EXPORT CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device)
{
    if (physical_card(device) < 0)
        return R(INVALID_DEVICE);
    card_uuid(physical_card(device), (unsigned char *)uuid->bytes);
    return R(OK);
}
EXPORT CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) { return cuDeviceGetUuid(uuid, device); }

EXPORT CUresult cuDeviceGetPCIBusId(char *text, int length, CUdevice device)
{
    int card = physical_card(device);
    if (card < 0)
        return R(INVALID_DEVICE);
    snprintf(text, length, "0000:%02x:00.0", card + 1);
    return R(OK);
}

EXPORT CUresult cuDeviceGetByPCIBusId(CUdevice *device, const char *text)
{
    for (int i = 0; i < visible_cards(); i++) {
        char own[16];
        cuDeviceGetPCIBusId(own, sizeof(own), i);
        if (strcasecmp(own, text) == 0) {
            *device = i;
            return R(OK);
        }
    }
    return R(INVALID_DEVICE);
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
    if (physical_card(device) < 0)
        return R(INVALID_DEVICE);
    *bytes = (size_t)8 << 30;
    return R(OK);
}

EXPORT CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device)
{
    if (physical_card(device) < 0)
        return R(INVALID_DEVICE);
    *major = 7;
    *minor = 5;
    return R(OK);
}

EXPORT CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
    int card = physical_card(device);
    if (card < 0)
        return R(INVALID_DEVICE);
    switch ((int)attribute) {
    case 1: *value = 1024; break;       // threads in a block
    case 10: *value = 32; break;        // warp
    case 14: *value = 512; break;       // texture alignment
    case 16: *value = 8; break;         // multiprocessors
    case 33: *value = card + 1; break;  // PCI bus
    case 41: *value = 1; break;         // unified addressing
    case 51: *value = 32; break;        // texture pitch alignment
    case 75: *value = 7; break;         // compute capability 7.5
    case 76: *value = 5; break;
    // Virtual memory (102 to 105) and pools (115): a card without them.
    default: *value = 0; break;
    }
    return R(OK);
}

EXPORT CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice other)
{
    if (physical_card(device) < 0 || physical_card(other) < 0)
        return R(INVALID_DEVICE);
    // Most desktop cards cannot; tests that want it set PEER=1.
    *can = device != other && nv_on("PEER");
    return R(OK);
}

struct ErrorText {
    int number;
    const char *name, *text;
};
static const ErrorText ERRORS[] = {
    { OK, "CUDA_SUCCESS", "no error" },
    { INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument" },
    { OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory" },
    { NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error" },
    { OPERATING_SYSTEM, "CUDA_ERROR_OPERATING_SYSTEM", "OS call failed or operation not supported on this OS" },
    { NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected" },
    { INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal" },
    { INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid" },
    { INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context" },
    { INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle" },
    { NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found" },
    { ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered" },
    { PEER_ALREADY, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED", "peer access is already enabled" },
    { PEER_NOT_ENABLED, "CUDA_ERROR_PEER_ACCESS_NOT_ENABLED", "peer access has not been enabled" },
    { CONTEXT_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed" },
    { NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported" },
    { 999, "CUDA_ERROR_UNKNOWN", "unknown error" },
};

static CUresult error_text(CUresult error, const char **out, bool name)
{
    for (auto &one : ERRORS)
        if (one.number == (int)error) {
            *out = name ? one.name : one.text;
            return R(OK);
        }
    *out = nullptr;
    return R(INVALID_VALUE);
}
EXPORT CUresult cuGetErrorName(CUresult error, const char **out) { return error_text(error, out, true); }
EXPORT CUresult cuGetErrorString(CUresult error, const char **out) { return error_text(error, out, false); }

// Real programs also find functions by this call; all ours are exported, so a
// look-up by name is enough. The newest form of a name goes first.
EXPORT CUresult cuGetProcAddress(const char *name, void **out, int, uint64_t)
{
    static void *self = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    for (const char *end : { "_v2", "" }) {
        *out = dlsym(self, (std::string(name) + end).c_str());
        if (*out)
            return R(OK);
    }
    return R(NOT_FOUND);
}
EXPORT CUresult cuGetProcAddress_v2(const char *name, void **out, int version, uint64_t flags, int *status)
{
    CUresult result = cuGetProcAddress(name, out, version, flags);
    if (status)
        *status = result ? 1 : 0;
    return result;
}
