// NVML: what monitoring asks of a card. NVML counts all cards, whatever
// CUDA_VISIBLE_DEVICES says. Sessions and loads come from NV_EMULATOR_STATE.
#include "../common/slots.h"
#include <strings.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, NO_DRIVER = 9 };

struct Device {
    int card;
};
static Device devices[16];
static int started = 0;

struct PciInfo {
    char old_id[16];
    unsigned int domain, bus, device, ids, subsystem;
    char id[32];
};
struct Memory {
    unsigned long long total, free, used;
};
struct Memory2 {
    unsigned int version;
    unsigned long long total, reserved, free, used;
};
struct Utilization {
    unsigned int gpu, memory;
};
struct SessionInfo {
    unsigned int id, pid;
    unsigned long long instance;
    unsigned int codec, width, height, fps, latency;
};

static int cards()
{
    long n = nv_number("CARDS", -1, 1);
    return nv_on("NO_DEVICE") ? 0 : n < 0 ? 0 : n > 16 ? 16 : (int)n;
}

#define STARTED                                                                                                                  \
    if (!started)                                                                                                                \
    return UNINITIALIZED
#define CARD(d)                                                                                                                  \
    STARTED;                                                                                                                     \
    if (!(d) || (d) < devices || (d) >= devices + cards())                                                                       \
    return INVALID_ARGUMENT

static std::string uuid(int card)
{
    char text[48];
    snprintf(text, sizeof(text), "GPU-e0000000-0000-4000-8000-%012x", card);
    return text;
}

static int put(char *out, unsigned int size, const std::string &text)
{
    if (!out || size <= text.size())
        return INSUFFICIENT_SIZE;
    memcpy(out, text.c_str(), text.size() + 1);
    return OK;
}

EXPORT int nvmlInit_v2()
{
    if (nv_on("NO_DEVICE"))
        return NO_DRIVER;
    for (int i = 0; i < 16; i++)
        devices[i].card = i;
    started++;
    return OK;
}
EXPORT int nvmlInit() { return nvmlInit_v2(); }
EXPORT int nvmlInitWithFlags(unsigned int) { return nvmlInit_v2(); }
EXPORT int nvmlShutdown()
{
    STARTED;
    started--;
    return OK;
}

EXPORT const char *nvmlErrorString(int error)
{
    switch (error) {
    case OK: return "The operation was successful";
    case UNINITIALIZED: return "NVML was not first initialized with nvmlInit()";
    case INVALID_ARGUMENT: return "A supplied argument is invalid";
    case NOT_SUPPORTED: return "The requested operation is not available on target device";
    case NOT_FOUND: return "A query to find an object was unsuccessful";
    case INSUFFICIENT_SIZE: return "An input argument is not large enough";
    case NO_DRIVER: return "NVIDIA driver is not loaded";
    default: return "An internal driver error occurred";
    }
}

EXPORT int nvmlSystemGetDriverVersion(char *out, unsigned int size) { STARTED; return put(out, size, "535.0.emulated"); }
EXPORT int nvmlSystemGetNVMLVersion(char *out, unsigned int size) { STARTED; return put(out, size, "12.535.0"); }
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    STARTED;
    *version = (int)nv_number("DRIVER_VERSION", -1, 12020);
    return OK;
}
EXPORT int nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

EXPORT int nvmlDeviceGetCount_v2(unsigned int *n)
{
    STARTED;
    *n = cards();
    return OK;
}
EXPORT int nvmlDeviceGetCount(unsigned int *n) { return nvmlDeviceGetCount_v2(n); }

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, Device **out)
{
    STARTED;
    if ((int)index >= cards())
        return INVALID_ARGUMENT;
    *out = &devices[index];
    return OK;
}
EXPORT int nvmlDeviceGetHandleByIndex(unsigned int index, Device **out) { return nvmlDeviceGetHandleByIndex_v2(index, out); }

EXPORT int nvmlDeviceGetHandleByUUID(const char *text, Device **out)
{
    STARTED;
    for (int i = 0; i < cards(); i++)
        if (strcasecmp(uuid(i).c_str(), text) == 0) {
            *out = &devices[i];
            return OK;
        }
    return NOT_FOUND;
}

static std::string bus_id(int card, const char *form)
{
    char text[32];
    snprintf(text, sizeof(text), form, 0, card + 1);
    return text;
}

EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char *text, Device **out)
{
    STARTED;
    for (int i = 0; i < cards(); i++)
        if (strcasecmp(bus_id(i, "%08X:%02X:00.0").c_str(), text) == 0 || strcasecmp(bus_id(i, "%04X:%02X:00.0").c_str(), text) == 0) {
            *out = &devices[i];
            return OK;
        }
    return NOT_FOUND;
}

EXPORT int nvmlDeviceGetName(Device *d, char *out, unsigned int size)
{
    CARD(d);
    const char *name = nv_text("NAME", d->card);
    return put(out, size, name ? name : "Emulated GPU " + std::to_string(d->card));
}
EXPORT int nvmlDeviceGetUUID(Device *d, char *out, unsigned int size) { CARD(d); return put(out, size, uuid(d->card)); }
EXPORT int nvmlDeviceGetIndex(Device *d, unsigned int *out) { CARD(d); *out = d->card; return OK; }
EXPORT int nvmlDeviceGetMinorNumber(Device *d, unsigned int *out) { CARD(d); *out = d->card; return OK; }
EXPORT int nvmlDeviceGetPciInfo_v3(Device *d, PciInfo *out)
{
    CARD(d);
    memset(out, 0, sizeof(*out));
    snprintf(out->old_id, sizeof(out->old_id), "%s", bus_id(d->card, "%04X:%02X:00.0").c_str());
    snprintf(out->id, sizeof(out->id), "%s", bus_id(d->card, "%08X:%02X:00.0").c_str());
    out->bus = d->card + 1;
    out->ids = 0x1eb810de;
    return OK;
}
EXPORT int nvmlDeviceGetPciInfo_v2(Device *d, PciInfo *out) { return nvmlDeviceGetPciInfo_v3(d, out); }
EXPORT int nvmlDeviceGetPciInfo(Device *d, PciInfo *out) { return nvmlDeviceGetPciInfo_v3(d, out); }

// Made-up numbers that follow the sessions: 200 MiB and 20 % each.
static unsigned int load(int sessions) { return sessions > 5 ? 100 : 20 * sessions; }
static int sessions(Device *d) { return nv_slots_held("enc", d->card); }
static int decoders(Device *d) { return nv_slots_held("dec", d->card); }

EXPORT int nvmlDeviceGetMemoryInfo(Device *d, Memory *out)
{
    CARD(d);
    out->total = 8ull << 30;
    out->used = (300ull << 20) + (200ull << 20) * (sessions(d) + decoders(d));
    out->used = out->used > out->total ? out->total : out->used;
    out->free = out->total - out->used;
    return OK;
}
EXPORT int nvmlDeviceGetMemoryInfo_v2(Device *d, Memory2 *out)
{
    Memory m;
    int r = nvmlDeviceGetMemoryInfo(d, &m);
    if (r == OK) {
        out->total = m.total;
        out->reserved = 0;
        out->free = m.free;
        out->used = m.used;
    }
    return r;
}
EXPORT int nvmlDeviceGetUtilizationRates(Device *d, Utilization *out)
{
    CARD(d);
    out->gpu = load(sessions(d));
    out->memory = out->gpu / 2;
    return OK;
}
EXPORT int nvmlDeviceGetEncoderUtilization(Device *d, unsigned int *out, unsigned int *period)
{
    CARD(d);
    *out = load(sessions(d));
    *period = 167000;
    return OK;
}
EXPORT int nvmlDeviceGetDecoderUtilization(Device *d, unsigned int *out, unsigned int *period)
{
    CARD(d);
    *out = load(decoders(d));
    *period = 167000;
    return OK;
}
EXPORT int nvmlDeviceGetEncoderStats(Device *d, unsigned int *n, unsigned int *fps, unsigned int *latency)
{
    CARD(d);
    *n = sessions(d);
    *fps = *n ? 30 : 0;
    *latency = *n ? 5000 : 0;
    return OK;
}
EXPORT int nvmlDeviceGetEncoderSessions(Device *d, unsigned int *n, SessionInfo *out)
{
    CARD(d);
    int pids[NV_SLOTS] = { 0 };
    unsigned int have = nv_slots_held("enc", d->card, pids);
    unsigned int room = *n;
    *n = have;
    if (!out || room < have)
        return out || room ? INSUFFICIENT_SIZE : OK;
    for (unsigned int i = 0; i < have; i++) {
        memset(&out[i], 0, sizeof(out[i]));
        out[i].id = i;
        out[i].pid = pids[i];
        out[i].fps = 30;
    }
    return OK;
}
EXPORT int nvmlDeviceGetEncoderCapacity(Device *d, int, unsigned int *out)
{
    CARD(d);
    *out = 100 - load(sessions(d));
    return OK;
}
EXPORT int nvmlDeviceGetTemperature(Device *d, int, unsigned int *out) { CARD(d); *out = 40; return OK; }
EXPORT int nvmlDeviceGetPowerUsage(Device *d, unsigned int *out) { CARD(d); *out = 20000; return OK; }
