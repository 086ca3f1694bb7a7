// What the real driver (580.159) asks of the system before it starts: it lists the devices, names a
// thread of its own, and listens on a Unix socket. A sandbox that refuses one of these makes cuInit
// fail with CUDA_ERROR_OPERATING_SYSTEM.
#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>

#include "state.h"

static bool lists_devices()
{
    DIR *folder = opendir("/dev");
    if (folder)
        closedir(folder);
    return folder != nullptr;
}

static bool names_thread()
{
    bool done = false;
    std::thread thread([&done] {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%ld/comm", syscall(SYS_gettid));
        // "w" cuts off what is there, which is a right of its own.
        if (FILE *file = fopen(path, "w")) {
            done = fputs("cuda-emulated", file) >= 0;
            fclose(file);
        }
    });
    thread.join();
    return done;
}

static bool listens()
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    // A name outside the file system.
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "nv-emulator-%d-%d",
        int(getpid()), fd);
    socklen_t size = socklen_t(offsetof(sockaddr_un, sun_path) + 1 + length);
    bool done = bind(fd, reinterpret_cast<sockaddr *>(&address), size) == 0 && listen(fd, 1) == 0;
    close(fd);
    return done;
}

const char *refused_by_system()
{
    if (!lists_devices())
        return "list /dev";
    if (!names_thread())
        return "name a thread";
    if (!listens())
        return "listen";
    return nullptr;
}
