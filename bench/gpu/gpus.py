"""Which GPUs this host has, and how busy one is while a command runs."""

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import mean

VENDORS = {"0x10de": "NVIDIA", "0x8086": "Intel", "0x1002": "AMD"}
ALL_FIELDS = ("utilization.gpu", "utilization.decoder", "utilization.encoder", "memory.used")
OLD_FIELDS = ("utilization.gpu", "memory.used")  # what older drivers can be asked for
SAMPLE_MS = 200


def find():
    """Names of the GPUs here. Render nodes of virtual machines' display adapters do not count."""
    if listed := _smi("--query-gpu=name,driver_version", "--format=csv,noheader"):
        return [line.strip().replace(", ", ", driver ") for line in listed.splitlines()]
    nodes = sorted(Path("/sys/class/drm").glob("renderD*/device/vendor"))
    known = [(node.parent.parent.name, VENDORS.get(node.read_text(encoding="ascii").strip())) for node in nodes]
    found = [f"{vendor} GPU at /dev/dri/{name}" for name, vendor in known if vendor]
    if not found and list(Path("/dev").glob("nvidia[0-9]")):
        found = ["NVIDIA GPU (nvidia-smi does not answer)"]
    return found


def fields():
    """What this host's nvidia-smi can report; empty without one."""
    for asked in (ALL_FIELDS, OLD_FIELDS):
        if _smi("-i", "0", f"--query-gpu={','.join(asked)}", "--format=csv,noheader,nounits"):
            return asked
    return ()


@contextmanager
def watched(asked, gpu):
    """Samples GPU number `gpu` while the block runs; the dictionary it gives is filled at its end."""
    load = {}
    if not asked:
        yield load
        return
    with tempfile.TemporaryFile("w+") as log:
        sampler = subprocess.Popen(
            ["nvidia-smi", "-i", str(gpu), f"--query-gpu={','.join(asked)}",
             "--format=csv,noheader,nounits", "-lms", str(SAMPLE_MS)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.DEVNULL,
        )
        try:
            yield load
        finally:
            sampler.terminate()
            sampler.wait()
        log.seek(0)
        samples = [line.split(",") for line in log.read().splitlines()]
        for i, field in enumerate(asked):
            values = [float(s[i]) for s in samples if len(s) == len(asked) and _is_number(s[i])]
            if values:
                load[field] = {"mean": mean(values), "max": max(values)}


def _smi(*words):
    try:
        done = subprocess.run(["nvidia-smi", *words], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _is_number(text):
    return text.strip().replace(".", "", 1).isdigit()
