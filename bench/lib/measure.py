"""Runs one command and measures its whole process tree: wall time, CPU seconds, peak memory."""

import mmap
import os
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

SAMPLE_MS = 50
DISCOVER_EVERY = 10  # look for new descendants every so many samples
TIMEOUT_S = 15 * 60
STDERR_TAIL_LINES = 25


class BenchError(Exception):
    """A benchmark cannot go on; the message is for the person who runs it."""


@dataclass(frozen=True)
class Usage:
    wall_s: float
    cpu_s: float
    peak_mb: float
    stdout: str
    stderr: str


def run(label, argv, *, timeout_s=TIMEOUT_S, cwd=None, env=None):
    """Runs `argv` to its end. Raises `BenchError` unless it exits 0 within `timeout_s`."""
    argv = [str(word) for word in argv]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        try:
            child = subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            raise BenchError(f"{label}: cannot start {argv[0]}: {error.strerror}") from error
        tree = _Tree(child.pid)
        timed_out = False
        try:
            timed_out = not _watch(child.pid, tree, began + timeout_s)
        finally:
            # After a normal exit the root is a zombie and this kills only what it left behind.
            tree.kill()
            _, status, rusage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - began
        stdout, stderr = _text(out), _text(err)

    if timed_out or child.returncode != 0:
        how = f"ran past {timeout_s:.0f} s" if timed_out else _exit_words(child.returncode)
        tail = "\n".join("    " + line for line in stderr.splitlines()[-STDERR_TAIL_LINES:])
        raise BenchError(f"{label}: {how}\n{tail or '    (nothing on stderr)'}")

    # wait4 counts descendants that were waited for. Should a process have left one behind,
    # the samples saw more than wait4 did, and the larger figure is the honest one.
    return Usage(
        wall_s=wall_s,
        cpu_s=max(rusage.ru_utime + rusage.ru_stime, tree.cpu_s()),
        peak_mb=max(rusage.ru_maxrss * 1024, tree.peak_pss) / 1e6,
        stdout=stdout,
        stderr=stderr,
    )


def touch_memory(size):
    """Uses so much free memory once, and gives it back.

    A virtual machine may have handed memory that it does not use back to its host, and gets it again page
    by page: who fills the page cache then takes three times as long as the next one. Done before each
    contestant, it is alike for all.
    """
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


def _watch(pid, tree, deadline):
    """Samples the tree until `pid` exits (true) or the deadline passes (false)."""
    pidfd = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        tick = 0
        while not poll.poll(SAMPLE_MS):
            if time.monotonic() > deadline:
                return False
            if tick % DISCOVER_EVERY == 0:
                tree.discover()
            tree.sample()
            tick += 1
        return True
    finally:
        os.close(pidfd)


class _Tree:
    """A process and its descendants, sampled from /proc.

    A lone process needs no sampling of its memory: `ru_maxrss` is exact. For several, the sum
    of their proportional set sizes counts shared pages once. Reading that walks page tables
    and would slow down what is being measured, so it is read only when the cheap sum of
    resident sizes reaches a new peak.
    """

    def __init__(self, root):
        self.root = root
        self.started = {}  # pid -> start time, which tells a reused pid from the one we know
        self.ticks = {}  # (pid, start time) -> CPU ticks last seen, kept after the process ended
        self.peak_rss = 0
        self.peak_pss = 0
        stat = _stat(root)
        if stat:
            self.started[root] = stat.started

    def discover(self):
        everyone = {int(name): _stat(name) for name in os.listdir("/proc") if name.isdigit()}
        grown = True
        while grown:
            grown = False
            for pid, stat in everyone.items():
                if stat and pid not in self.started and stat.parent in self.started:
                    self.started[pid] = stat.started
                    grown = True

    def sample(self):
        rss = 0
        for pid, stat in self._living():
            self.ticks[pid, stat.started] = stat.ticks
            rss += stat.rss
        if len(self.started) > 1 and rss > self.peak_rss * 1.01:
            self.peak_rss = rss
            self.peak_pss = max(self.peak_pss, sum(_pss(pid) for pid in self.started))

    def cpu_s(self):
        return sum(self.ticks.values()) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        for pid, _ in self._living():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.killpg(self.root, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

    def _living(self):
        living = []
        for pid, started in list(self.started.items()):
            stat = _stat(pid)
            if stat and stat.started == started:
                living.append((pid, stat))
            else:
                del self.started[pid]
        return living


@dataclass(frozen=True)
class _Stat:
    parent: int
    ticks: int
    started: int
    rss: int


def _stat(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # The command name may hold spaces and brackets: count fields after its last ')'.
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return _Stat(
        parent=int(fields[1]),
        ticks=int(fields[11]) + int(fields[12]),
        started=int(fields[19]),
        rss=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
    )


def _pss(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _text(file):
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")


def _exit_words(code):
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"
