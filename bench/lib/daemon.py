"""A server under test: started, waited for, looked at from outside, and ended by its own number."""

import os
import signal
import socket
import subprocess
import time

from lib.measure import BenchError

START_S = 60
STOP_S = 40
LOG_TAIL_LINES = 25


class Daemon:
    """A running server. Use it with `with`: it ends with the block, however that ends."""

    def __init__(self, name, argv, log, *, env=None, cwd=None):
        self.name, self.log = name, log
        with open(log, "ab") as out:
            try:
                self.process = subprocess.Popen(
                    [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                    env=env, cwd=cwd, start_new_session=True,
                )
            except OSError as error:
                raise BenchError(f"{name}: cannot start {argv[0]}: {error.strerror}") from error
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_until(self, ready):
        """Waits until `ready()` is true; raises with the log's end if that takes too long."""
        deadline = time.monotonic() + START_S
        while True:
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended with {self.process.returncode} at its start\n{self._tail()}")
            if ready():
                return
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name} was not ready after {START_S} s\n{self._tail()}")
            time.sleep(0.05)

    def stop(self):
        """Asks it to end and waits for it. What does not listen is killed, with what it started."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            # It leads a session of its own, so this reaches nobody else.
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()

    def cpu_s(self):
        """CPU seconds so far of the process and all that live below it."""
        parents, ticks = {}, {}
        for name in os.listdir("/proc"):
            if name.isdigit() and (found := _stat(name)):
                parents[int(name)], ticks[int(name)] = found
        family, grown = {self.pid}, True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in family} - family
            family |= more
            grown = bool(more)
        return sum(ticks.get(pid, 0) for pid in family) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self):
        """Resident memory now, of this process alone, in 10⁶ bytes."""
        return self._status_mb("VmRSS")

    def peak_mb(self):
        """Highest resident memory since the start or the last `forget_peak`, as the kernel kept it."""
        return self._status_mb("VmHWM")

    def forget_peak(self):
        """Begins the peak anew at what is resident now (proc(5), clear_refs)."""
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def _status_mb(self, field):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024 / 1e6
        raise BenchError(f"{self.name}: the kernel tells no {field}")

    def _tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()[-LOG_TAIL_LINES:]
        return "\n".join("    " + line for line in lines) or "    (nothing in its log)"


def free_port():
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stat(pid):
    """Parent and CPU ticks; None if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return int(fields[1]), int(fields[11]) + int(fields[12])
