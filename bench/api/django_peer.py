"""The peer: its database, and gunicorn."""

import os
from pathlib import Path

from lib.daemon import Daemon
from lib.measure import run

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"


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
