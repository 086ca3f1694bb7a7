// The state of the emulated driver: contexts, memory, streams.
#pragma once
#include "../common/emulator.h"
#include <ffnvcodec/dynlink_cuda.h>
#include <mutex>
#include <set>
#include <vector>

// dynlink_cuda.h names only four results; these are the driver's numbers.
enum {
    OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100,
    INVALID_DEVICE = 101, OPERATING_SYSTEM = 304, INVALID_IMAGE = 200, INVALID_CONTEXT = 201, PEER_ALREADY = 704,
    PEER_NOT_ENABLED = 705, CONTEXT_DESTROYED = 709, INVALID_HANDLE = 400, NOT_FOUND = 500,
    ILLEGAL_ADDRESS = 700, NOT_SUPPORTED = 801,
};
#define R(x) ((CUresult)(x))
enum { MEMORY_UNIFIED = 4 };

enum { CONTEXT_MAGIC = 0x434f4e54, STREAM_MAGIC = 0x53545245, EVENT_MAGIC = 0x4556454e, ARRAY_MAGIC = 0x41525241 };

struct CUctx_st {
    int magic = CONTEXT_MAGIC;
    int card = 0;
    bool alive = true;
    int primary = 0; // count of cuDevicePrimaryCtxRetain
    unsigned int api = 12000;
    std::set<CUctx_st *> peers;
};
struct CUstream_st {
    int magic = STREAM_MAGIC;
    CUcontext context = nullptr;
};
struct CUevent_st {
    int magic = EVENT_MAGIC;
    CUcontext context = nullptr;
};
struct CUarray_st {
    int magic = ARRAY_MAGIC;
    CUcontext context = nullptr;
    size_t width = 0, height = 0, pitch = 0;
    CUarray_format format = CU_AD_FORMAT_UNSIGNED_INT8;
    unsigned int channels = 1;
    std::vector<unsigned char> data;
};

// A block of device memory. It ends at a page that cannot be touched, so that
// a kernel which writes behind it crashes instead of going on in silence.
struct Block {
    uintptr_t base = 0;
    size_t size = 0;
    void *map = nullptr;
    size_t map_size = 0;
    CUcontext context = nullptr;
    bool host = false;
};

extern std::mutex g_lock;
extern bool g_ready;

// cards.cpp
int visible_cards();           // how many this process sees
int physical_card(int device); // -1: no such device
void card_uuid(int card, unsigned char out[16]);

// counters.cpp
void count(int card, const char *key, long add);
CUresult misuse(int result, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool counting();
void mark_busy();

// context.cpp
CUcontext current();
CUresult need_context(const char *who, CUcontext *out);
CUresult check_stream(const char *who, CUcontext context, CUstream stream);
bool may_reach(CUcontext from, CUcontext to);

// memory.cpp
bool find_block(uintptr_t address, size_t length, Block *out);
void free_blocks_of(CUcontext context);
int bytes_of(CUarray_format format);

// start.cpp: what the system refuses that the driver needs, in words; null if nothing.
const char *refused_by_system();
