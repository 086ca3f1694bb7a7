"""`clipsy serve` under test, in a state folder of its own."""

import json
import os
import sqlite3
import subprocess
import time
from contextlib import closing

from lib import http
from lib.daemon import Daemon, free_port
from lib.measure import BenchError

USER, PASSWORD = "admin", "admin123"  # what a demonstration begins with


class Clipsy:
    """A running server; use it with `with`."""

    def __init__(self, binary, state, *flags):
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        argv = [binary, "serve", "--listen", f"127.0.0.1:{port}", "--state-dir", state, *flags]
        # Only what is given here sets it up. Servers of before do not know the variable.
        env = {name: value for name, value in os.environ.items() if not name.startswith("CLIPSY_")}
        if "--admin-password-file" not in flags:
            env["CLIPSY_DEMO"] = "true"
        self.daemon = Daemon("clipsy", argv, state.with_suffix(".log"), env=env)
        try:
            self.daemon.wait_until(lambda: http.answers(self.base + "/readyz"))
        except BaseException:
            self.daemon.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.stop()

    def sign_in(self):
        """An access token of the first account."""
        status, body = http.ask(self.base + "/api/auth/login/", method="POST",
                                body={"username": USER, "password": PASSWORD})
        if status != 200:
            raise BenchError(f"signing in: {status} {body[:200]!r}")
        return json.loads(body)["access"]


def need(binary):
    """Raises unless `binary` is there and has a service in it."""
    if not binary.is_file():
        raise BenchError(f"no {binary}: run `make build`, or name the binary with --clipsy")
    asked = subprocess.run([binary, "serve", "--help"], capture_output=True, check=False, timeout=60)
    if asked.returncode != 0:
        raise BenchError(f"{binary} has no `serve`: it is older than this benchmark, run `make build`")


def seed(binary, state, videos):
    """Makes a state folder with `videos` that are ready, as rows only.

    A first start makes the tables and the first account; then, with the server stopped, the rows
    go straight into its SQLite file, since the way through uploads would encode every video. Each
    video is a dict: title, description, duration_s, width, height, fps, views, created_ms and
    renditions, a list of dicts: rung, width, height, bitrate, file_size.
    """
    with Clipsy(binary, state):
        pass
    with closing(sqlite3.connect(state / "clipsy.db")) as db, db:
        (owner,) = db.execute("SELECT id FROM users WHERE username = ?", (USER,)).fetchone()
        for number, video in enumerate(videos, 1):
            _add_video(db, owner, number, video)
        # The next start derives from the titles what lists are sorted and searched by.
        db.execute("DELETE FROM marks WHERE name LIKE 'texts folded%'")


def _add_video(db, owner, number, video):
    title, description, made = video["title"], video["description"], video["created_ms"]
    asset = _insert(db, "assets", {
        "id": number, "owner_id": owner, "title": title, "title_key": title.lower(),
        "description": description, "search_text": f"{title}\n{description}".lower(),
        "visibility": "public", "state": "ready", "playable": 1,
        "source_key": f"videos/originals/bench{number}.mp4", "source_name": f"bench{number}.mp4",
        "source_type": "video/mp4", "source_bytes": 1, "duration_s": video["duration_s"],
        "width": video["width"], "height": video["height"], "fps": video["fps"], "views": video["views"],
        "output_attempt": 1, "has_thumbnail": 1, "has_storyboard": 1,
        "created_at": made, "updated_at": made,
    })
    _insert(db, "jobs", {
        "asset_id": asset, "state": "done", "priority": 0, "attempt": 1, "failures": 0,
        "run_after": made, "created_at": made, "started_at": made, "finished_at": made,
    })
    for rendition in video["renditions"]:
        _insert(db, "renditions", {
            "asset_id": asset, **rendition, "codecs": "avc1.640028,mp4a.40.2", "encoder": "x264",
            "percent": 100.0, "done": 1,
        })


def _insert(db, table, row):
    places = ", ".join("?" * len(row))
    made = db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))
    return made.lastrowid


def wait_for(what, done, seconds=120):
    """Waits until `done()` gives something that is true, and gives that back."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        if time.monotonic() > deadline:
            raise BenchError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.1)
    return found
