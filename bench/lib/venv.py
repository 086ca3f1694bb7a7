"""Python environments with packages from PyPI, each made once."""

import subprocess
import sys

from lib.contest import say
from lib.measure import BenchError, run

INSTALL_S = 10 * 60


def environment(folder, requirements):
    """A virtual environment with those packages, made once; its python."""
    python, stamp = folder / "bin" / "python", folder / "made-for.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    say(f"making {folder}")
    run("venv", [sys.executable, "-m", "venv", "--clear", folder], timeout_s=INSTALL_S)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        run("pip", [*pip, "-r", requirements], timeout_s=INSTALL_S)
    except BenchError:
        names = [line.partition("==")[0] for line in wanted.split()]
        say(f"the pinned versions do not suit this Python: taking the newest of {', '.join(names)}")
        run("pip", [*pip, *names], timeout_s=INSTALL_S)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def versions(python, requirements):
    """Name -> version of the packages."""
    names = [line.partition("==")[0] for line in requirements.read_text(encoding="utf-8").split()]
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    found = run("versions", [python, "-c", code, *names]).stdout.split()
    said = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout
    return {"python": said.strip(), **{name: f"{name} {v}" for name, v in zip(names, found, strict=True)}}
