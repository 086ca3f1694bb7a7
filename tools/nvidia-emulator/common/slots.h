// Sessions that are counted over processes: one file a slot in the folder
// NV_EMULATOR_STATE, held by flock. A killed process frees its slots, for the
// kernel drops its locks.
#pragma once
#include "emulator.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NV_SLOTS = 64 };

static inline std::string nv_slot_path(const char *folder, const char *kind, int card, int slot)
{
    return std::string(folder) + "/card" + std::to_string(card) + "." + kind + std::to_string(slot);
}

// Gives a file descriptor that holds a slot, -1 when all `limit` slots are
// taken, -2 when there is no folder (the caller then counts by itself).
static inline int nv_slot_take(const char *kind, int card, long limit)
{
    const char *folder = nv_text("STATE");
    if (!folder)
        return -2;
    bool opened = false;
    // All files are made at once by the first who may: in a sandbox they can
    // perhaps be read only, which is enough for a lock.
    for (int slot = 0; slot < NV_SLOTS; slot++) {
        int fd = open(nv_slot_path(folder, kind, card, slot).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd >= 0)
            close(fd);
        else if (slot == 0)
            break;
    }
    // NVML's look at a slot holds it for a moment: so more than one try.
    for (int n = 0; n < 5 * limit && n < 5 * NV_SLOTS; n++) {
        int slot = n % (int)(limit < (long)NV_SLOTS ? limit : (long)NV_SLOTS);
        if (n > 0 && slot == 0)
            usleep(2000);
        std::string path = nv_slot_path(folder, kind, card, slot);
        int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
        bool writable = fd >= 0;
        if (!writable)
            fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        opened = true;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            std::string pid = std::to_string(getpid()) + "\n";
            if (writable && ftruncate(fd, 0) == 0 && pwrite(fd, pid.data(), pid.size(), 0) < 0)
                fprintf(stderr, "nv-emulator: cannot write a slot file\n");
            return fd;
        }
        close(fd);
    }
    if (!opened && limit > 0) {
        fprintf(stderr, "nv-emulator: cannot open slot files in %s: %s\n", folder, strerror(errno));
        return -2;
    }
    return -1;
}

// How many slots are held, by any process. Tries each lock for a moment only.
static inline int nv_slots_held(const char *kind, int card, int *pids = nullptr)
{
    const char *folder = nv_text("STATE");
    int held = 0;
    for (int slot = 0; folder && slot < NV_SLOTS; slot++) {
        int fd = open(nv_slot_path(folder, kind, card, slot).c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        // A shared lock is refused while a session holds the slot.
        if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
            char text[32] = "";
            if (pread(fd, text, sizeof(text) - 1, 0) > 0 && pids)
                pids[held] = atoi(text);
            held++;
        }
        close(fd);
    }
    return held;
}
