#!/usr/bin/env python3
"""Damages small files of each container and has Clipsy open them.

    tools/fuzz.py [--minutes M] [--seed N] [--clipsy PROGRAM]

Most go through `clipsy probe`, some through a whole transcode in the sandbox, as a child of the service does it. What
crashes, hangs or takes too much memory is kept in target/fuzz with the name of its seed, and the run fails: mend the
cause, and make the file a fixture (tools/fixtures/bad.py) or a test. The same seed damages the same bytes.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / ".media/fixtures"
KEPT = ROOT / "target/fuzz"
# The smallest files of each kind are damaged: more of them in the same time.
SEEDS_OF_A_KIND = 12
MOST_SEED_BYTES = 400_000
# Sides, counts and lengths at which arithmetic goes wrong.
ODD = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF]
PROBE_SECONDS = 60
JOB_SECONDS = 120
MOST_PROBE_MB = 600
MOST_JOB_MB = 1536


def seeds():
    kinds = {}
    for path in sorted(FIXTURES.iterdir(), key=lambda path: path.stat().st_size):
        kind = kinds.setdefault(path.suffix, [])
        if path.suffix != ".json" and 0 < path.stat().st_size < MOST_SEED_BYTES and len(kind) < SEEDS_OF_A_KIND:
            kind.append(path)
    return [path for kind in kinds.values() for path in kind]


def damaged(content, chance):
    """Headers lie at both ends, so these are hit most."""
    content = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4, 16, 64])):
        reach = chance.choice([256, 4096, len(content)])
        at = min(len(content) - 1, chance.randrange(max(1, min(reach, len(content)))))
        if chance.random() < 0.3:
            at = len(content) - 1 - at
        match chance.randrange(7):
            case 0:
                content[at] ^= 1 << chance.randrange(8)
            case 1:
                content[at] = chance.randrange(256)
            case 2:
                width = chance.choice([1, 2, 4, 8])
                value = chance.choice(ODD) & ((1 << 8 * width) - 1)
                content[at : at + width] = value.to_bytes(width, chance.choice(["big", "little"]))
            case 3:
                del content[at : at + chance.choice([1, 4, 188, 1000])]
            case 4:
                length = chance.choice([1, 4, 188, 1000])
                content[at:at] = content[at : at + length] * chance.choice([1, 1, 2, 100])
            case 5:
                other = chance.randrange(len(content))
                length = chance.choice([4, 16, 188])
                content[at : at + length] = content[other : other + length]
            case 6:
                if len(content) > 1000 and chance.random() < 0.2:
                    del content[at:]
        if not content:
            return b"\0"
    return bytes(content)


def run(command, seconds, job=None, **options):
    """How it ended, in words if it ended badly, and the most memory that it had, in MB."""
    log = tempfile.TemporaryFile()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL if job is None else subprocess.PIPE, stderr=log, **options
    )
    deadline = time.monotonic() + seconds
    if job is not None:
        answer(process, job, deadline)
    else:
        process.stdin.close()
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            process.kill()
            os.wait4(process.pid, 0)
            process.returncode = -9
            return "hangs", 0
        time.sleep(0.005)
    process.returncode = os.waitstatus_to_exitcode(status)
    log.seek(0)
    text = log.read().decode(errors="replace")
    ending = None
    if process.returncode < 0:
        ending = f"signal {-process.returncode}"
    elif process.returncode == 101 or "panicked at" in text:
        ending = "panic"
    return ending, usage.ru_maxrss // 1024


def answer(process, job, deadline):
    """Tells the child its job, and that x264 works when it asks."""
    process.stdin.write(json.dumps(job).encode() + b"\n")
    process.stdin.flush()
    os.set_blocking(process.stdout.fileno(), False)
    waiting = b""
    while time.monotonic() < deadline:
        try:
            piece = os.read(process.stdout.fileno(), 1 << 16)
        except BlockingIOError:
            time.sleep(0.005)
            continue
        if not piece:
            return
        waiting += piece
        *lines, waiting = waiting.split(b"\n")
        for line in lines:
            if line.startswith(b'{"prove"'):
                process.stdin.write(json.dumps({"Ok": {"works": ["x264enc"]}}).encode() + b"\n")
                process.stdin.flush()


def probe(clipsy, path):
    ending, most = run([clipsy, "probe", "--json", path], PROBE_SECONDS)
    return ending or (f"{most} MB" if most > MOST_PROBE_MB else None)


def transcode(clipsy, path, ladder, folder):
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    job = {
        "parent": os.getpid(),
        "input": str(path),
        "output": str(folder / "out"),
        "scratch": str(folder),
        "plugins": [],
        "ladder": ladder,
        "encoders": None,
        "decoders": None,
        "limits": {},
        "encoder": "software",
        "decoder": "software",
        "stall_timeout_s": 30,
        "sandbox": "require",
        "bounds": {"memory_bytes": MOST_JOB_MB << 20, "cpu_s": JOB_SECONDS * 4, "threads": 1024},
        "card": {"nodes": [], "variables": [], "render_node": None},
    }
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "tmp"),
        "TMPDIR": str(folder / "tmp"),
        "XDG_RUNTIME_DIR": str(folder / "tmp"),
        "GST_REGISTRY": str(KEPT / "registry.bin"),
    }
    ending, most = run([clipsy, "child"], JOB_SECONDS, job, env=environment, cwd=folder)
    return ending or (f"{most} MB" if most > MOST_JOB_MB else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="where to begin (default: by the clock)")
    parser.add_argument("--clipsy", default=str(ROOT / "target/release/clipsy"), help="the program to try")
    options = parser.parse_args()
    options.clipsy = str(Path(options.clipsy).resolve())
    number = options.seed if options.seed is not None else int(time.time()) * 1000
    ladder = tomllib.loads((ROOT / "pipelines/ladder.toml").read_text())
    files = seeds()
    if not files:
        sys.exit("there are no fixtures: run `make media` first")
    KEPT.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + options.minutes * 60
    tried, bad = 0, []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        while time.monotonic() < end:
            chance = random.Random(number)
            seed = files[number % len(files)]
            path = folder / f"{number}{seed.suffix}"
            path.write_bytes(damaged(seed.read_bytes(), chance))
            if chance.random() < 0.2:
                fault = transcode(options.clipsy, path, ladder, folder / str(number))
            else:
                fault = probe(options.clipsy, path)
            if fault:
                kept = KEPT / f"{seed.stem}-{path.name}"
                kept.write_bytes(path.read_bytes())
                bad.append(f"{kept.relative_to(ROOT)}: {fault}")
                print(bad[-1], flush=True)
            path.unlink()
            tried += 1
            number += 1
    print(f"{tried} files tried, {len(bad)} bad; the next seed is {number}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
