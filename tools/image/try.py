#!/usr/bin/env python3
"""Uses a server as a client does: signs in, uploads a video, waits for it and fetches its first segment.

    try.py URL PASSWORD FOLDER    FOLDER is where the video to send is made
    try.py URL --there NUMBER     only looks whether the video is ready
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

PATIENCE_S = 240


def main():
    base, what, argument = sys.argv[1:4]
    if what == "--there":
        video = json.loads(ask(base, f"/api/videos/{argument}/"))
        assert video["status"] == "ready", video
        return
    signed_in = ask(base, "/api/auth/login/", json.dumps({"username": "admin", "password": what}).encode(),
                    {"Content-Type": "application/json"})
    token = json.loads(signed_in)["access"]
    number = upload(base, token, clip(Path(argument)))
    until = time.monotonic() + PATIENCE_S
    while (video := json.loads(ask(base, f"/api/videos/{number}/")))["status"] not in ("ready", "failed"):
        assert time.monotonic() < until, video
        time.sleep(0.5)
    assert video["status"] == "ready", video
    playlist = video["qualities"][0]["playlist_path"]
    lines = ask(base, playlist).decode().splitlines()
    first = next(line for line in lines if line and not line.startswith("#"))
    segment = ask(base, playlist.rsplit("/", 1)[0] + "/" + first)
    # A transport stream: whole packets, each with its sync byte.
    assert len(segment) % 188 == 0 and set(segment[::188]) == {0x47}, len(segment)


def upload(base, token, path):
    boundary = uuid.uuid4().hex
    head = (f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nimage\r\n--{boundary}\r\n'
            f'Content-Disposition: form-data; name="visibility"\r\n\r\npublic\r\n--{boundary}\r\n'
            'Content-Disposition: form-data; name="video_file"; filename="clip.mp4"\r\n\r\n')
    body = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    answer = ask(base, "/api/videos/", body, {"Authorization": f"Bearer {token}",
                                              "Content-Type": f"multipart/form-data; boundary={boundary}"})
    return json.loads(answer)["id"]


def clip(folder):
    path = folder / "clip.mp4"
    if not path.exists():
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=3", "-f", "lavfi", "-i",
                        "sine=440:d=3", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac",
                        path], check=True)
    return path


def ask(base, path, body=None, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(base + path, body, headers or {}), timeout=30) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: {error.code} {error.read()[:300]!r}")


if __name__ == "__main__":
    main()
