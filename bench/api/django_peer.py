"""The peer: its own Python environment, its database, and gunicorn."""

import os
import subprocess
import sys
from pathlib import Path

from lib.contest import say
from lib.daemon import Daemon
from lib.measure import BenchError, run

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
INSTALL_S = 10 * 60


def environment(folder):
    """A virtual environment with the peer's packages, made once; its python."""
    python, stamp = folder / "bin" / "python", folder / "made-for.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    say(f"making {folder}")
    run("venv", [sys.executable, "-m", "venv", "--clear", folder], timeout_s=INSTALL_S)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        run("pip", [*pip, "-r", REQUIREMENTS], timeout_s=INSTALL_S)
    except BenchError:
        names = [line.partition("==")[0] for line in wanted.split()]
        say(f"the original's versions do not suit this Python: taking the newest of {', '.join(names)}")
        run("pip", [*pip, *names], timeout_s=INSTALL_S)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def versions(python):
    """Name -> version of the packages."""
    names = [line.partition("==")[0] for line in REQUIREMENTS.read_text(encoding="utf-8").split()]
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    found = run("versions", [python, "-c", code, *names]).stdout.split()
    said = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout
    return {"python": said.strip(), **{name: f"{name} {v}" for name, v in zip(names, found, strict=True)}}


def fill(python, database, listed):
    """Makes the peer's database of the list in the file `listed`."""
    run("filling the peer's database", [python, "-m", "peer.load", listed], cwd=HERE, env=_env(database))


def start(python, database, port, worker_class, log):
    """gunicorn with two workers, like the original's."""
    argv = [python, "-m", "gunicorn", "peer.wsgi", "--workers", "2", "--worker-class", worker_class,
            "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    if worker_class == "gthread":
        argv += ["--threads", "4"]
    return Daemon("gunicorn", argv, log, cwd=HERE, env=_env(database))


def _env(database):
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "peer.settings",
        "PEER_DATABASE": str(database),
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",  # keeps compiled files out of the source folders
    }
