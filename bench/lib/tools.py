"""Programs that only benchmarks need: those of the host, or copies below target/bench/tools.

Copies are Debian's packages, downloaded and unpacked but not installed: nothing outside that folder
changes, and no service is started.
"""

import os
import shutil
import subprocess
from pathlib import Path

from lib.contest import say
from lib.measure import BenchError, run

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ROOT / "target" / "bench" / "tools"

# Program -> Debian packages that hold it and such of its libraries as a machine may lack.
PACKAGES = {
    "nginx": ["nginx"],
    "wrk": ["wrk", "libluajit-5.1-2"],
}


def find(name):
    """How `name` is started, as the first words of a command line."""
    for folder in ("/usr/sbin", "/usr/local/sbin"):
        if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:{folder}"):
            return [found]
    if not _unpacked(name):
        _fetch(name)
    path = _unpacked(name)
    libraries = ":".join(str(folder) for folder in sorted((TOOLS / "usr" / "lib").glob("*-linux-*")))
    argv = ["env", f"LD_LIBRARY_PATH={libraries}", str(path)]
    if not path or "not found" in _said([*argv, "-v"]):
        raise BenchError(f"{name} does not start: install it and run this again")
    return argv


def version(name, argv):
    """What the program calls itself, from whatever it prints first."""
    first = next(iter(_said([*argv, "-v"]).splitlines()), name)
    return first.removeprefix("nginx version: ").partition(" [")[0]


def _unpacked(name):
    for folder in ("usr/sbin", "usr/bin"):
        if (TOOLS / folder / name).is_file():
            return TOOLS / folder / name
    return None


def _fetch(name):
    by_hand = f"{name} is not installed, and it cannot be fetched: "
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise BenchError(by_hand + "this is not Debian; install it by hand")
    packages = PACKAGES[name]
    say(f"fetching {', '.join(packages)} into {TOOLS.relative_to(ROOT)} (unpacked there, not installed)")
    folder = TOOLS / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run("apt-get download", ["apt-get", "download", "-q", *packages], cwd=folder)
    except BenchError as error:
        # The lists of packages are missing or old; only root may fetch new ones.
        if os.geteuid() != 0:
            raise BenchError(f"{by_hand}run `apt-get update` as root, or install it\n{error}") from error
        run("apt-get update", ["apt-get", "update", "-q"])
        run("apt-get download", ["apt-get", "download", "-q", *packages], cwd=folder)
    for package in sorted(folder.glob("*.deb")):
        run("dpkg-deb", ["dpkg-deb", "-x", package, TOOLS])


def _said(argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr
