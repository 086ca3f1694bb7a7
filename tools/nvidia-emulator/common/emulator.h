// What the emulated libraries share: the switches and the private entry
// points by which the other libraries talk to the emulated libcuda.
#pragma once
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>

// Exported names only; everything else is hidden by -fvisibility=hidden.
#define EXPORT extern "C" __attribute__((visibility("default")))

// A switch for one card: NV_EMULATOR_FAIL_AFTER_0 goes before NV_EMULATOR_FAIL_AFTER.
static inline const char *nv_text(const char *name, int card = -1)
{
    std::string full = std::string("NV_EMULATOR_") + name;
    if (card >= 0) {
        const char *own = getenv((full + "_" + std::to_string(card)).c_str());
        if (own && *own)
            return own;
    }
    const char *value = getenv(full.c_str());
    return value && *value ? value : nullptr;
}

static inline long nv_number(const char *name, int card, long otherwise)
{
    const char *value = nv_text(name, card);
    return value ? atol(value) : otherwise;
}

static inline bool nv_on(const char *name, int card = -1)
{
    return nv_number(name, card, 0) != 0;
}

// The private functions of the emulated libcuda. Over a real driver they are
// missing; then nothing is counted and everything else still works.
struct NvPrivate {
    void (*count)(int card, const char *key, long add);
    void (*quiet)(int on); // this thread's copies are not the product's copies
    int (*busy)();         // has this process used the card yet?
    void (*misuse)(const char *text);
    int (*card_of_context)(void *context);
    void (*flush)(); // the counters into their file
};

static inline NvPrivate nv_private(void *libcuda)
{
    NvPrivate p = {};
    if (nv_on("PLAIN")) // as over a real driver, for the test of that
        return p;
    p.count = (void (*)(int, const char *, long))dlsym(libcuda, "nv_emulator_count");
    p.quiet = (void (*)(int))dlsym(libcuda, "nv_emulator_quiet");
    p.busy = (int (*)())dlsym(libcuda, "nv_emulator_busy");
    p.misuse = (void (*)(const char *))dlsym(libcuda, "nv_emulator_misuse");
    p.card_of_context = (int (*)(void *))dlsym(libcuda, "nv_emulator_card_of_context");
    p.flush = (void (*)())dlsym(libcuda, "nv_emulator_flush");
    return p;
}
