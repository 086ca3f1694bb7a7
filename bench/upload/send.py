"""A client that costs next to nothing: the kernel hands the file to the socket (sendfile)."""

import os
import resource
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from lib.measure import BenchError

TIMEOUT_S = 600
ANSWER_BYTES = 1 << 16


@dataclass(frozen=True)
class Sent:
    wall_s: float
    cpu_s: float


def all_at_once(urls, source, size, headers):
    """Sends the first `size` bytes of `source` to each upload, in one PATCH and one connection each.
    The time begins before the first byte and ends with the last answer."""
    failures = []
    ready = threading.Barrier(len(urls) + 1)

    def one(url):
        try:
            with open(source, "rb") as file, connect(url) as connection:
                ready.wait()
                offset = patch(connection, url, file, size, headers)
                if offset != size:
                    raise BenchError(f"{url} has {offset} of {size} bytes")
        except (BenchError, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    before = resource.getrusage(resource.RUSAGE_SELF)
    ready.wait(TIMEOUT_S)
    began = time.monotonic()
    for thread in threads:
        thread.join(TIMEOUT_S)
    wall_s = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    if failures:
        raise BenchError(f"{len(failures)} of {len(urls)} uploads failed; the first: {failures[0]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sent(wall_s, cpu_s)


def create(endpoint, size, headers):
    """The address of a new upload of `size` bytes."""
    with connect(endpoint) as connection:
        connection.sendall(head("POST", endpoint, {"Upload-Length": size, "Content-Length": 0,
                                                   "Upload-Metadata": "filename YmVuY2gubXA0", **headers}))
        status, fields = answer(connection)
    if status != 201 or "location" not in fields:
        raise BenchError(f"POST {endpoint} was answered with {status}")
    location = fields["location"]
    if location.startswith("/"):
        parts = urlsplit(endpoint)
        location = f"{parts.scheme}://{parts.netloc}{location}"
    return location


def patch(connection, url, file, size, headers):
    """Sends the bytes and gives the offset that is answered."""
    connection.sendall(head("PATCH", url, {"Upload-Offset": 0, "Content-Length": size,
                                           "Content-Type": "application/offset+octet-stream", **headers}))
    sent = 0
    while sent < size:
        sent += os.sendfile(connection.fileno(), file.fileno(), sent, size - sent)
    status, fields = answer(connection)
    if status != 204:
        raise BenchError(f"PATCH {url} was answered with {status}")
    return int(fields["upload-offset"])


def connect(url):
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port))
    # A timeout would make the socket one that does not block, and sendfile of half a buffer cost more calls.
    return connection


def head(method, url, fields):
    parts = urlsplit(url)
    lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Tus-Resumable: 1.0.0"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(connection):
    """(status, fields by lower-case name) of what comes next."""
    came = b""
    while b"\r\n\r\n" not in came:
        more = connection.recv(ANSWER_BYTES)
        if not more:
            raise BenchError(f"the connection ended in the middle of an answer: {came[:200]!r}")
        came += more
    first, *lines = came.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    fields = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    return int(first.split()[1]), fields
