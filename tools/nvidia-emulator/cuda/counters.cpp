// Counters, and the file PID.json in which they are left.
#include "state.h"
#include <chrono>
#include <fcntl.h>
#include <map>
#include <stdarg.h>
#include <unistd.h>

namespace {
// Present from the start, so that a test may read each of them as 0.
const char *const KEYS[] = {
    "host_to_device", "host_to_device_bytes", "host_to_device_pictures", "host_to_device_picture_bytes",
    "device_to_host", "device_to_host_bytes", "device_to_host_pictures", "device_to_host_picture_bytes",
    "device_to_device", "device_to_device_bytes", "memsets", "kernel_launches", "modules_loaded",
    "encode_sessions_opened", "encode_sessions_refused", "encode_sessions_used", "open_encode_sessions",
    "most_open_encode_sessions", "pictures_encoded", "idr_pictures", "decoders_opened", "open_decoders",
    "most_open_decoders", "pictures_decoded", "pictures_mapped", "contexts_created", "open_contexts",
    "most_open_contexts", "blocks_allocated", "open_blocks", "most_open_blocks", "open_block_bytes",
    "most_open_block_bytes", "blocks_lost_with_context", "open_host_blocks", "open_streams", "open_textures",
    "misuse",
};

typedef std::map<std::string, long> Numbers;
// The objects live for ever: the file is written from a destructor, when
// static objects may be gone already.
std::recursive_mutex &lock = *new std::recursive_mutex;
std::map<int, Numbers> &cards = *new std::map<int, Numbers>;
Numbers &total = *new Numbers;
std::vector<std::string> &texts = *new std::vector<std::string>;
long events = 0;
std::chrono::steady_clock::time_point written;
int file = -1;
pid_t owner = 0;
bool busy_now = false;
thread_local int quiet = 0;

void open_file()
{
    const char *folder = nv_text("COUNTERS");
    if (!folder || (file >= 0 && owner == getpid()))
        return;
    owner = getpid();
    file = -1;
    // Process numbers repeat, in a sandbox above all: never write over another's file.
    for (int n = 0; n < 1000 && file < 0; n++) {
        std::string name = std::string(folder) + "/" + std::to_string(owner);
        name += (n ? "-" + std::to_string(n) : "") + ".json";
        file = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (file < 0 && errno != EEXIST) {
            fprintf(stderr, "nv-emulator: cannot write %s: %s\n", name.c_str(), strerror(errno));
            return;
        }
    }
}

void put(std::string &out, const Numbers &numbers)
{
    Numbers all = numbers;
    for (const char *key : KEYS)
        all[key];
    bool first = true;
    for (auto &one : all) {
        out += (first ? "\n    \"" : ",\n    \"") + one.first + "\": " + std::to_string(one.second);
        first = false;
    }
}

void write_file(bool ended)
{
    open_file();
    if (file < 0)
        return;
    std::string out = "{\n  \"pid\": " + std::to_string(getpid()) + ",\n  \"ended\": " + (ended ? "true" : "false");
    char program[256] = "";
    FILE *self = fopen("/proc/self/comm", "r");
    if (self) {
        if (!fgets(program, sizeof(program), self))
            program[0] = 0;
        fclose(self);
        program[strcspn(program, "\n\"\\")] = 0;
    }
    out += std::string(",\n  \"program\": \"") + program + "\",\n  \"total\": {";
    put(out, total);
    out += "\n  },\n  \"cards\": {";
    bool first = true;
    for (auto &card : cards) {
        out += (first ? "\n  \"" : ",\n  \"") + std::to_string(card.first) + "\": {";
        put(out, card.second);
        out += "\n  }";
        first = false;
    }
    out += "\n  },\n  \"misuse_texts\": [";
    for (size_t i = 0; i < texts.size(); i++)
        out += (i ? ",\n    \"" : "\n    \"") + texts[i] + "\"";
    out += "\n  ]\n}\n";
    // Never shorter than before: a reader meets whole JSON at any time.
    static size_t longest = 0;
    longest = out.size() > longest ? out.size() : longest;
    out.resize(longest, ' ');
    if (pwrite(file, out.data(), out.size(), 0) < 0)
        fprintf(stderr, "nv-emulator: cannot write the counters: %s\n", strerror(errno));
    written = std::chrono::steady_clock::now();
}

void add_to(Numbers &numbers, const std::string &key, long add)
{
    long now = numbers[key] += add;
    if (key.compare(0, 5, "open_") == 0) {
        long &most = numbers["most_" + key];
        if (now > most)
            most = now;
    }
}

// The file is opened when the library is loaded, for a sandbox may forbid it later.
const bool begun = (write_file(false), true); // behind all the objects above
__attribute__((destructor)) void end()
{
    std::lock_guard<std::recursive_mutex> hold(lock);
    if (owner == getpid())
        write_file(true);
}
} // namespace

void count(int card, const char *key, long add)
{
    std::lock_guard<std::recursive_mutex> hold(lock);
    add_to(total, key, add);
    if (card >= 0)
        add_to(cards[card], key, add);
    // A killed process leaves what was written last: every 100 events, and
    // whenever a second has gone by.
    if (++events % 100 == 0 || std::chrono::steady_clock::now() - written > std::chrono::seconds(1))
        write_file(false);
}

CUresult misuse(int result, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "nv-emulator: misuse: %s\n", text);
    std::lock_guard<std::recursive_mutex> hold(lock);
    if (texts.size() < 20) {
        for (char *c = text; *c; c++)
            if (*c == '"' || *c == '\\' || (unsigned char)*c < 32)
                *c = '\'';
        texts.push_back(text);
    }
    count(-1, "misuse", 1);
    write_file(false);
    return R(result);
}

bool counting() { return quiet == 0; }
void mark_busy() { busy_now = true; }

EXPORT void nv_emulator_count(int card, const char *key, long add) { count(card, key, add); }
EXPORT void nv_emulator_quiet(int on) { quiet += on ? 1 : -1; }
EXPORT int nv_emulator_busy() { return busy_now; }
EXPORT void nv_emulator_misuse(const char *text) { misuse(0, "%s", text); }
EXPORT void nv_emulator_flush()
{
    std::lock_guard<std::recursive_mutex> hold(lock);
    write_file(false);
}
