// Device memory, which is host memory between guard pages.
#include "state.h"
#include <deque>
#include <map>
#include <sys/mman.h>

static std::map<uintptr_t, Block> &blocks = *new std::map<uintptr_t, Block>;
// Freed blocks stay mapped without access for a while, so that a kernel which
// still uses one crashes instead of reading another picture.
static std::deque<Block> &freed = *new std::deque<Block>;
enum { PAGE = 4096, KEPT = 128 };

static bool find_locked(uintptr_t address, size_t length, Block *out)
{
    auto next = blocks.upper_bound(address);
    if (next == blocks.begin())
        return false;
    const Block &block = std::prev(next)->second;
    if (address - block.base > block.size || length > block.size - (address - block.base))
        return false;
    *out = block;
    return true;
}

bool find_block(uintptr_t address, size_t length, Block *out)
{
    std::lock_guard<std::mutex> hold(g_lock);
    return find_locked(address, length, out);
}

static CUresult allocate(const char *who, uintptr_t *out, size_t size, bool host)
{
    CUcontext context;
    if (CUresult r = need_context(who, &context))
        return r;
    mark_busy();
    if (size == 0 || size > ((size_t)1 << 34))
        return misuse(INVALID_VALUE, "%s of %zu bytes", who, size);
    if (!host && nv_on("NO_MEMORY", context->card))
        return R(OUT_OF_MEMORY);
    Block block;
    size_t room = (size + 511) / 512 * 512, pages = (room + PAGE - 1) / PAGE * PAGE;
    block.map_size = pages + 2 * PAGE;
    block.map = mmap(nullptr, block.map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block.map == MAP_FAILED)
        return R(OUT_OF_MEMORY);
    if (mprotect((char *)block.map + PAGE, pages, PROT_READ | PROT_WRITE) != 0) {
        munmap(block.map, block.map_size);
        return R(OUT_OF_MEMORY);
    }
    block.base = (uintptr_t)block.map + PAGE + pages - room;
    block.size = size;
    block.context = context;
    block.host = host;
    // Device memory is not empty on a real card either; a picture that nobody
    // wrote must not look like black by luck.
    memset((void *)block.base, 0xa5, room);
    std::lock_guard<std::mutex> hold(g_lock);
    blocks[block.base] = block;
    *out = block.base;
    if (host) {
        count(context->card, "open_host_blocks", 1);
    } else {
        count(context->card, "blocks_allocated", 1);
        count(context->card, "open_blocks", 1);
        count(context->card, "open_block_bytes", (long)size);
    }
    return R(OK);
}

static void release_locked(const Block &block)
{
    mmap(block.map, block.map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    freed.push_back(block);
    if (freed.size() > KEPT) {
        munmap(freed.front().map, freed.front().map_size);
        freed.pop_front();
    }
    int card = block.context->card;
    if (block.host) {
        count(card, "open_host_blocks", -1);
    } else {
        count(card, "open_blocks", -1);
        count(card, "open_block_bytes", -(long)block.size);
    }
}

static CUresult release(const char *who, uintptr_t address, bool host)
{
    // The real driver frees by address, whatever context is current, but wants one.
    if (CUresult r = need_context(who, nullptr))
        return r;
    std::lock_guard<std::mutex> hold(g_lock);
    auto found = blocks.find(address);
    if (found == blocks.end() || found->second.host != host)
        return misuse(INVALID_VALUE, "%s of 0x%lx, which is no live block", who, (unsigned long)address);
    Block block = found->second;
    blocks.erase(found);
    release_locked(block);
    return R(OK);
}

void free_blocks_of(CUcontext context)
{
    std::lock_guard<std::mutex> hold(g_lock);
    for (auto i = blocks.begin(); i != blocks.end();) {
        if (i->second.context != context) {
            ++i;
            continue;
        }
        Block block = i->second;
        i = blocks.erase(i);
        release_locked(block);
        if (!block.host)
            count(context->card, "blocks_lost_with_context", 1);
    }
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *out, size_t size)
{
    uintptr_t address = 0;
    CUresult r = allocate("cuMemAlloc", &address, size, false);
    *out = address;
    return r;
}
EXPORT CUresult cuMemAlloc(CUdeviceptr *out, size_t size) { return cuMemAlloc_v2(out, size); }
EXPORT CUresult cuMemAllocManaged(CUdeviceptr *out, size_t size, unsigned int) { return cuMemAlloc_v2(out, size); }

EXPORT CUresult cuMemAllocPitch_v2(CUdeviceptr *out, size_t *pitch, size_t width, size_t height, unsigned int element)
{
    if (element != 4 && element != 8 && element != 16)
        return misuse(INVALID_VALUE, "cuMemAllocPitch with elements of %u bytes", element);
    *pitch = (width + 511) / 512 * 512;
    return cuMemAlloc_v2(out, *pitch * height);
}
EXPORT CUresult cuMemAllocPitch(CUdeviceptr *out, size_t *pitch, size_t width, size_t height, unsigned int element)
{
    return cuMemAllocPitch_v2(out, pitch, width, height, element);
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr address) { return release("cuMemFree", address, false); }
EXPORT CUresult cuMemFree(CUdeviceptr address) { return cuMemFree_v2(address); }

EXPORT CUresult cuMemAllocHost_v2(void **out, size_t size) { return allocate("cuMemAllocHost", (uintptr_t *)out, size, true); }
EXPORT CUresult cuMemAllocHost(void **out, size_t size) { return cuMemAllocHost_v2(out, size); }
EXPORT CUresult cuMemHostAlloc(void **out, size_t size, unsigned int) { return cuMemAllocHost_v2(out, size); }
EXPORT CUresult cuMemFreeHost(void *address) { return release("cuMemFreeHost", (uintptr_t)address, true); }
EXPORT CUresult cuMemHostRegister_v2(void *, size_t, unsigned int) { return need_context("cuMemHostRegister", nullptr); }
EXPORT CUresult cuMemHostUnregister(void *) { return need_context("cuMemHostUnregister", nullptr); }

EXPORT CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total)
{
    if (CUresult r = need_context("cuMemGetInfo", nullptr))
        return r;
    *total = (size_t)8 << 30;
    *free_bytes = *total / 2;
    return R(OK);
}

EXPORT CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size, CUdeviceptr address)
{
    Block block;
    if (!find_block(address, 1, &block))
        return R(INVALID_VALUE);
    if (base)
        *base = block.base;
    if (size)
        *size = block.size;
    return R(OK);
}

// 1: context, 2: kind of memory, 9: device ordinal. The encoder asks for 1.
EXPORT CUresult cuPointerGetAttribute(void *out, int attribute, CUdeviceptr address)
{
    Block block;
    if (!find_block(address, 1, &block))
        return R(INVALID_VALUE);
    if (attribute == 1)
        *(CUcontext *)out = block.context;
    else if (attribute == 2)
        *(unsigned int *)out = block.host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
    else if (attribute == 9)
        *(int *)out = block.context->card;
    else
        return R(NOT_SUPPORTED);
    return R(OK);
}
