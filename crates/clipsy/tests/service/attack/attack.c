// A parser that has been taken over: as soon as it gets the first bytes of a video it does what an
// attacker would do. It stands for any parser or decoder, since it runs where they do, after the
// process has locked itself in.
//
// What it tries is said in GST_ATTACK, on whom in other variables of that beginning. How each trial
// went, as "name errno", is written to attacks.txt in the folder of the process.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <gst/gst.h>
#include <linux/limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *report;

// Notes the result of a call that gives -1 if it fails.
static void note(const char *name, long result)
{
    fprintf(report, "%s %d\n", name, result == -1 ? errno : 0);
    fflush(report);
}

#define TRY(name, call) do { errno = 0; note(name, (long)(call)); } while (0)

static long write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0)
        return -1;
    long written = write(fd, text, strlen(text));
    close(fd);
    return written;
}

static void reach_the_server(void)
{
    pid_t server = getppid();
    struct rlimit few = {3, 3};
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    struct sched_param param = {0};
    char byte = 0;
    struct { void *base; size_t len; } piece = {&byte, 1};

    TRY("prlimit64", syscall(SYS_prlimit64, server, RLIMIT_NOFILE, &few, NULL));
    TRY("setpriority", syscall(SYS_setpriority, PRIO_PROCESS, server, 19));
    TRY("setpriority-user", syscall(SYS_setpriority, PRIO_USER, 0, 19));
    TRY("setpriority-group", syscall(SYS_setpriority, PRIO_PGRP, getpgid(server), 19));
    TRY("sched_setaffinity", syscall(SYS_sched_setaffinity, server, sizeof one, &one));
    TRY("sched_setscheduler", syscall(SYS_sched_setscheduler, server, SCHED_IDLE, &param));
    TRY("sched_setparam", syscall(SYS_sched_setparam, server, &param));
    TRY("ioprio_set", syscall(SYS_ioprio_set, 1, server, 3 << 13));
    TRY("kill", syscall(SYS_kill, server, SIGSTOP));
    TRY("kill-all", syscall(SYS_kill, -1, SIGSTOP));
    TRY("kill-group", syscall(SYS_kill, 0, 0));
    TRY("tkill", syscall(SYS_tkill, server, SIGSTOP));
    TRY("tgkill", syscall(SYS_tgkill, server, server, SIGSTOP));
    TRY("pidfd_open", syscall(SYS_pidfd_open, server, 0));
    TRY("ptrace", ptrace(PTRACE_SEIZE, server, 0, 0));
    TRY("process_vm_readv", syscall(SYS_process_vm_readv, server, &piece, 1, &piece, 1, 0));
    TRY("migrate_pages", syscall(SYS_migrate_pages, server, 0, NULL, NULL));
    TRY("setpgid", syscall(SYS_setpgid, 0, 0));
    TRY("setsid", syscall(SYS_setsid));
    int null = open("/dev/null", O_RDONLY);
    TRY("fcntl-owner", fcntl(null, F_SETOWN, server));
    TRY("fcntl-signal", fcntl(null, F_SETSIG, SIGKILL));
    TRY("fcntl-lease", fcntl(null, F_SETLEASE, F_RDLCK));
    int owner = server;
    TRY("ioctl-owner", ioctl(null, 0x8901, &owner));
    TRY("ioctl-typing", ioctl(0, TIOCSTI, "x"));
}

static void reach_files(void)
{
    const char *database = getenv("GST_ATTACK_DATABASE");
    const char *folder = getenv("GST_ATTACK_FOLDER");
    struct timespec times[2] = {{0, 0}, {0, 0}};
    TRY("read", open(database, O_RDONLY));
    TRY("write", open(database, O_WRONLY));
    TRY("list", open(folder, O_RDONLY | O_DIRECTORY));
#ifdef SYS_chmod
    TRY("chmod", syscall(SYS_chmod, database, 0666));
    TRY("chown", syscall(SYS_chown, database, 65534, 65534));
    TRY("lchown", syscall(SYS_lchown, database, 65534, 65534));
    TRY("utime", syscall(SYS_utime, database, NULL));
    TRY("utimes", syscall(SYS_utimes, database, NULL));
#endif
    TRY("fchmodat", syscall(SYS_fchmodat, AT_FDCWD, database, 0666));
    TRY("fchmodat2", syscall(452, AT_FDCWD, database, 0666, 0));
    TRY("fchownat", syscall(SYS_fchownat, AT_FDCWD, database, 65534, 65534, 0));
    TRY("utimensat", syscall(SYS_utimensat, AT_FDCWD, database, times, 0));
    TRY("setxattr", syscall(SYS_setxattr, database, "user.x", "x", 1, 0));
    TRY("lsetxattr", syscall(SYS_lsetxattr, database, "user.x", "x", 1, 0));
    TRY("removexattr", syscall(SYS_removexattr, database, "user.x"));
    TRY("truncate", syscall(SYS_truncate, database, 0));
    TRY("rename", rename(database, "stolen"));
    TRY("link", linkat(AT_FDCWD, database, AT_FDCWD, "stolen", 0));
    TRY("symlink", symlinkat(database, AT_FDCWD, "stolen"));
    TRY("mknod", mknodat(AT_FDCWD, "pipe", S_IFIFO | 0600, 0));
    int own = open("own", O_CREAT | O_RDWR, 0600);
    TRY("fchmod", syscall(SYS_fchmod, own, 06777));
    TRY("fsetxattr", syscall(SYS_fsetxattr, own, "user.x", "x", 1, 0));
}

static void reach_others(void)
{
    struct sockaddr_un named = {AF_UNIX, ""};
    strncpy(named.sun_path, getenv("GST_ATTACK_SOCKET"), sizeof named.sun_path - 1);
    int pair[2] = {-1, -1};
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    TRY("sendto", sendto(pair[0], "x", 1, 0, (struct sockaddr *)&named, sizeof named));
    struct iovec text = {"x", 1};
    struct msghdr message = {&named, sizeof named, &text, 1, NULL, 0, 0};
    TRY("sendmsg", sendmsg(pair[0], &message, 0));
    struct mmsghdr messages = {message, 0};
    TRY("sendmmsg", sendmmsg(pair[0], &messages, 1, 0));
    TRY("connect", connect(pair[0], (struct sockaddr *)&named, sizeof named));
    TRY("bind", bind(pair[0], (struct sockaddr *)&named, sizeof named));
    TRY("socket-inet", socket(AF_INET, SOCK_STREAM, 0));
    TRY("socket-unix", socket(AF_UNIX, SOCK_DGRAM, 0));
    TRY("socket-netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    TRY("shmget", syscall(SYS_shmget, IPC_PRIVATE, 4096, 0600));
    TRY("semget", syscall(SYS_semget, IPC_PRIVATE, 1, 0600));
    TRY("msgget", syscall(SYS_msgget, IPC_PRIVATE, 0600));
    TRY("mq_open", syscall(SYS_mq_open, "clipsy", O_CREAT, 0600, NULL));
    TRY("keyctl", syscall(SYS_keyctl, 0, -3, 1));
}

static void leave(void)
{
    char *arguments[] = {"/bin/true", NULL};
    TRY("execve", execv(arguments[0], arguments));
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    note("fork", child);
    TRY("clone-process", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    TRY("clone3", syscall(SYS_clone3, NULL, 0));
    TRY("unshare", unshare(CLONE_NEWUSER));
    TRY("mount", syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
    TRY("pdeathsig", prctl(PR_SET_PDEATHSIG, 0));
    TRY("dumpable", prctl(PR_SET_DUMPABLE, 1));
    TRY("ptracer", prctl(PR_SET_PTRACER, getppid()));
    TRY("oom_score_adj", write_text("/proc/self/oom_score_adj", "0"));
    TRY("oom_score_adj-thread", write_text("/proc/thread-self/oom_score_adj", "0"));
    TRY("seccomp", syscall(SYS_seccomp, 1, 0, NULL));
    TRY("io_uring", syscall(SYS_io_uring_setup, 1, NULL));
    TRY("bpf", syscall(SYS_bpf, 0, NULL, 0));
    TRY("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    TRY("userfaultfd", syscall(SYS_userfaultfd, 0));
    TRY("personality", syscall(SYS_personality, 0));
    TRY("setuid", syscall(SYS_setuid, 0));
    TRY("newest-call", syscall(470));
    TRY("no-call", syscall(9999));
#ifdef __x86_64__
    TRY("x32-getpid", syscall(0x40000000 | SYS_getpid));
    TRY("x32-prlimit64", syscall(0x40000000 | SYS_prlimit64, getppid(), 7, NULL, NULL));
    TRY("modify_ldt", syscall(SYS_modify_ldt, 0, NULL, 0));
    TRY("iopl", syscall(SYS_iopl, 3));
#endif
}

static void take(void)
{
    void *memory = mmap(NULL, 64UL << 30, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    note("map-private", memory == MAP_FAILED ? -1 : 0);
    memory = mmap(NULL, 64UL << 30, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    note("map-shared", memory == MAP_FAILED ? -1 : 0);
    TRY("memfd", syscall(SYS_memfd_create, "x", 0));
    struct rlimit more = {1 << 20, 1 << 20};
    TRY("more-files", setrlimit(RLIMIT_NOFILE, &more));
    struct rlimit much = {RLIM_INFINITY, RLIM_INFINITY};
    TRY("more-memory", setrlimit(RLIMIT_DATA, &much));
    int opened[4096], count = 0, fd = 0;
    while (count < 4096 && (fd = open("/dev/null", O_RDONLY)) >= 0)
        opened[count++] = fd;
    note("open-files", fd);
    while (count > 0)
        close(opened[--count]);
}

static void flood_memory(void)
{
    for (;;) {
        char *piece = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED)
            pause();
        memset(piece, 1, 16 << 20);
    }
}

static int idle(void *unused)
{
    (void)unused;
    for (;;)
        syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
    return 0;
}

static void flood_threads(void)
{
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    for (int i = 0; i < 4000; i++) {
        char *stack = malloc(16384);
        clone(idle, stack + 16384, flags, NULL);
    }
    pause();
}

static void flood_files(void)
{
    char name[64];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "file-%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    pause();
}

// Warnings without end on all pipes to the server: one of them is that for events.
static void flood_texts(void)
{
    static char text[100000];
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 60; i++)
        for (int fd = 1; fd < 16; fd++) {
            dprintf(fd, "{\"event\":\"warning\",\"code\":\"damaged_input\",\"message\":\"%s\"}\n", text);
            dprintf(fd, "{\"event\":\"encoder_fallback\",\"from\":\"a\",\"to\":\"b\",\"reason\":\"%s\"}\n", text);
            dprintf(fd, "{\"event\":\"no_such_event\",\"text\":\"%s\"}\n", text);
        }
    // A line that never ends.
    for (int i = 0; i < 100; i++)
        for (int fd = 1; fd < 16; fd++)
            dprintf(fd, "%s", text);
    _exit(1);
}

static void attack(void)
{
    const char *what = getenv("GST_ATTACK");
    report = fopen("attacks.txt", "w");
    if (!what || !report)
        return;
    if (!strcmp(what, "calls")) {
        reach_the_server();
        reach_files();
        reach_others();
        leave();
        take();
        note("done", 0);
        pause();
    } else if (!strcmp(what, "memory")) {
        flood_memory();
    } else if (!strcmp(what, "threads")) {
        flood_threads();
    } else if (!strcmp(what, "files")) {
        flood_files();
    } else if (!strcmp(what, "texts")) {
        flood_texts();
    }
}

typedef struct { GstElement parent; GstPad *sink, *source; } Attack;
typedef struct { GstElementClass parent; } AttackClass;
GType attack_get_type(void);
G_DEFINE_TYPE(Attack, attack, GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-h264"));
static GstStaticPadTemplate source_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS("video/x-h264, parsed = (boolean) true"));

static GstFlowReturn chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
    (void)pad;
    attack();
    return gst_pad_push(((Attack *)parent)->source, buffer);
}

static void attack_class_init(AttackClass *klass)
{
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &source_template);
    gst_element_class_set_static_metadata(element, "Attack", "Codec/Parser/Video", "Attacks", "x");
}

static void attack_init(Attack *self)
{
    self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
    self->source = gst_pad_new_from_static_template(&source_template, "src");
    gst_pad_set_chain_function(self->sink, chain);
    gst_element_add_pad(GST_ELEMENT(self), self->sink);
    gst_element_add_pad(GST_ELEMENT(self), self->source);
}

static gboolean plugin_init(GstPlugin *plugin)
{
    return gst_element_register(plugin, "attackparse", GST_RANK_PRIMARY + 100, attack_get_type());
}

#define PACKAGE "attack"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, attack, "Attacks", plugin_init, "1",
                  "unknown", PACKAGE, "none")
