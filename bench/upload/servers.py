"""The two servers: how each is started, asked for an upload, checked and tidied."""

import json
import shutil
import tempfile
from pathlib import Path

import send
from lib import http, report
from lib.contest import say
from lib.daemon import Daemon, free_port
from lib.measure import BenchError, run
from lib.service import Clipsy, wait_for

HERE = Path(__file__).resolve().parent
PACKAGES = ("@tus/server", "@tus/file-store")


class Ours:
    """Clipsy with a state folder of its own; use it with `with`."""

    def __init__(self, binary, work):
        state = Path(tempfile.mkdtemp(dir=work)) / "clipsy"
        self.service = Clipsy(binary, state)
        self.daemon = self.service.daemon
        self.originals = state / "media/videos/originals"

    def __enter__(self):
        try:
            self.token = self.service.sign_in()
        except BaseException:
            self.daemon.stop()
            raise
        self.headers = {"Authorization": f"Bearer {self.token}"}
        return self

    def __exit__(self, *_):
        self.daemon.stop()

    def create(self, size):
        return send.create(self.service.base + "/api/uploads/", size, self.headers)

    def check_and_forget(self, size, count):
        """Each upload is a video with all bytes. Their jobs fail, since the bytes are random; then they go."""
        sizes = [file.stat().st_size for file in self.originals.iterdir()]
        if sizes != [size] * count:
            raise BenchError(f"stored were files of {sizes} bytes")
        wait_for("the jobs to fail", lambda: all(v["status"] == "failed" for v in self.videos()))
        for video in self.videos():
            url = f"{self.service.base}/api/videos/{video['id']}/"
            status, body = http.ask(url, method="DELETE", token=self.token)
            if status != 204:
                raise BenchError(f"deleting a video: {status} {body[:200]!r}")
        wait_for("the originals to be deleted", lambda: not any(self.originals.iterdir()))

    def videos(self):
        return json.loads(http.get(self.service.base + "/api/videos/", self.token))


class Peer:
    """@tus/server with @tus/file-store; use it with `with`."""

    headers = {}

    def __init__(self, work):
        self.folder = Path(tempfile.mkdtemp(dir=work))
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}/files"
        self.daemon = Daemon("@tus/server", ["node", HERE / "peer.mjs", port, self.folder], work / "peer.log")

    def __enter__(self):
        try:
            self.daemon.wait_until(self._listens)
        except BaseException:
            self.daemon.stop()
            raise
        return self

    def __exit__(self, *_):
        self.daemon.stop()

    def create(self, size):
        return send.create(self.endpoint, size, self.headers)

    def check_and_forget(self, size, count):
        files = list(self.folder.iterdir())
        sizes = [file.stat().st_size for file in files if file.suffix != ".json"]
        if sizes != [size] * count:
            raise BenchError(f"stored were files of {sizes} bytes")
        for file in files:
            file.unlink()

    def _listens(self):
        try:
            send.connect(self.endpoint).close()
        except OSError:
            return False
        return True


def install_peer():
    """Installs the peer's packages beside this file, unless they are there."""
    if not shutil.which("node"):
        raise BenchError("node is not installed")
    stamp = HERE / "node_modules" / ".package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= (HERE / "package-lock.json").stat().st_mtime:
        return
    say("installing the peer's packages into bench/upload")
    run("npm ci", ["npm", "ci", "--prefix", HERE, "--no-audit", "--no-fund", "--loglevel", "error"])
    # npm keeps the times of an unpacked file; the test above needs the time of the install.
    stamp.touch()


def peer_versions():
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    found = {name: f"{name} {lock[f'node_modules/{name}']['version']}" for name in PACKAGES}
    return {**found, "node": f"node {report.first_line(['node', '--version'])}"}
