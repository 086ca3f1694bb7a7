// The emulated NVRTC: compiles kernels by g++ into shared libraries which are
// kept in a folder. Its "PTX" is a small text with the library's path.
#include "../common/emulator.h"
#include "source.h"
#include <errno.h>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// The build script turns shim.h and texture.h into strings.
extern const char nv_shim_text[], nv_texture_text[];

enum { NVRTC_OK = 0, NVRTC_INVALID_INPUT = 3, NVRTC_INVALID_PROGRAM = 4, NVRTC_COMPILATION = 6 };

struct Program {
    std::string source, log, result;
};

static std::string folder()
{
    const char *given = nv_text("CACHE");
    std::string path = given ? given : "/tmp/nv-emulator-cache-" + std::to_string(getuid());
    mkdir(path.c_str(), 0755);
    return path;
}

// FNV-1a, twice with different beginnings: 128 bits are enough for file names.
static std::string hash(const std::string &text)
{
    unsigned long long a = 0xcbf29ce484222325ull, b = 0x9ae16a3b2f90404full;
    for (unsigned char c : text) {
        a = (a ^ c) * 0x100000001b3ull;
        b = (b ^ c) * 0x100000001b3ull + (b >> 29);
    }
    char out[40];
    snprintf(out, sizeof(out), "%016llx%016llx", a, b);
    return out;
}

static bool compile(const std::string &code, const std::vector<std::string> &options, const std::string &path, std::string *log)
{
    std::string work = path + "." + std::to_string(getpid()) + "." + std::to_string((unsigned long)time(nullptr));
    std::string source = work + ".cpp", made = work + ".so", words = work + ".log";
    FILE *file = fopen(source.c_str(), "w");
    if (!file) {
        *log = "the kernel is not in the cache, and " + source + " cannot be written: " + strerror(errno);
        return false;
    }
    bool whole = fwrite(code.data(), 1, code.size(), file) == code.size();
    whole = fclose(file) == 0 && whole;
    std::vector<std::string> command = { "g++", "-std=c++17", "-O2", "-fPIC", "-shared", "-w", "-fpermissive", "-o", made };
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(source);
    std::vector<char *> argv;
    for (auto &one : command)
        argv.push_back((char *)one.c_str());
    argv.push_back(nullptr);
    pid_t child = whole ? fork() : -1;
    if (child == 0) {
        int out = open(words.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
        dup2(out, 1);
        dup2(out, 2);
        // g++ itself needs no emulated driver, and no library of the product's.
        unsetenv("LD_LIBRARY_PATH");
        execvp("g++", argv.data());
        _exit(127);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    bool good = child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && rename(made.c_str(), path.c_str()) == 0;
    if (!good) {
        *log = "the kernel is not in the cache, and g++ did not compile it";
        FILE *in = fopen(words.c_str(), "r");
        char part[2000];
        size_t n = in ? fread(part, 1, sizeof(part) - 1, in) : 0;
        part[n] = 0;
        if (in)
            fclose(in);
        *log += std::string(": ") + part;
    }
    if (good || !nv_on("KEEP"))
        unlink(source.c_str());
    unlink(words.c_str());
    unlink(made.c_str());
    return good;
}

EXPORT int nvrtcVersion(int *major, int *minor)
{
    *major = 12;
    *minor = 2;
    return NVRTC_OK;
}

EXPORT const char *nvrtcGetErrorString(int result) { return result == NVRTC_OK ? "NVRTC_SUCCESS" : "NVRTC_ERROR"; }

EXPORT int nvrtcCreateProgram(Program **out, const char *source, const char *, int, const char **, const char **)
{
    if (!out || !source)
        return NVRTC_INVALID_INPUT;
    *out = new Program;
    (*out)->source = source;
    return NVRTC_OK;
}

EXPORT int nvrtcDestroyProgram(Program **program)
{
    if (!program || !*program)
        return NVRTC_INVALID_PROGRAM;
    delete *program;
    *program = nullptr;
    return NVRTC_OK;
}

EXPORT int nvrtcCompileProgram(Program *program, int n, const char **options)
{
    if (!program)
        return NVRTC_INVALID_PROGRAM;
    // Only definitions matter to g++; the architecture and the like do not.
    std::vector<std::string> kept;
    for (int i = 0; i < n; i++)
        if (strncmp(options[i], "-D", 2) == 0)
            kept.push_back(options[i]);
        else if (strncmp(options[i], "--define-macro=", 15) == 0)
            kept.push_back(std::string("-D") + (options[i] + 15));
    Kernel kernel = read_kernel(program->source);
    std::string code = std::string(nv_texture_text) + nv_shim_text + kernel.code, key = code;
    for (auto &one : kept)
        key += "\n" + one;
    std::string path = folder() + "/" + hash(key) + ".so";
    static std::mutex &one_at_a_time = *new std::mutex;
    std::lock_guard<std::mutex> hold(one_at_a_time);
    if (access(path.c_str(), R_OK) != 0 && !compile(code, kept, path, &program->log)) {
        fprintf(stderr, "nv-emulator: NVRTC: %s\n", program->log.c_str());
        return NVRTC_COMPILATION;
    }
    program->result = "//nv-emulator\n" + path + "\n";
    for (size_t i = 0; i < kernel.numbers.size(); i++)
        program->result += (i ? " " : "") + kernel.numbers[i];
    program->result += "\n";
    return NVRTC_OK;
}

static int give_size(Program *program, const std::string Program::*text, size_t *size)
{
    if (!program)
        return NVRTC_INVALID_PROGRAM;
    *size = (program->*text).size() + 1;
    return NVRTC_OK;
}
static int give(Program *program, const std::string Program::*text, char *out)
{
    if (!program)
        return NVRTC_INVALID_PROGRAM;
    memcpy(out, (program->*text).c_str(), (program->*text).size() + 1);
    return NVRTC_OK;
}
EXPORT int nvrtcGetPTXSize(Program *p, size_t *size) { return give_size(p, &Program::result, size); }
EXPORT int nvrtcGetPTX(Program *p, char *out) { return give(p, &Program::result, out); }
EXPORT int nvrtcGetCUBINSize(Program *p, size_t *size) { return give_size(p, &Program::result, size); }
EXPORT int nvrtcGetCUBIN(Program *p, char *out) { return give(p, &Program::result, out); }
EXPORT int nvrtcGetProgramLogSize(Program *p, size_t *size) { return give_size(p, &Program::log, size); }
EXPORT int nvrtcGetProgramLog(Program *p, char *out) { return give(p, &Program::log, out); }
