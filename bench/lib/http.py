"""Requests that set things up or check them. What is measured is sent by other programs."""

import json
import urllib.error
import urllib.request

from lib.measure import BenchError


def ask(url, *, method="GET", token=None, body=None):
    """(status, bytes) of one request; `body` is sent as JSON. An answer with an error is one, too."""
    headers = {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body).encode()
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        raise BenchError(f"{method} {url}: {error}") from error


def get(url, token=None):
    """The bytes at `url`; anything but 200 is an error."""
    status, body = ask(url, token=token)
    if status != 200:
        raise BenchError(f"GET {url}: {status} {body[:200]!r}")
    return body


def answers(url):
    """True if there is a 200 at `url` now."""
    try:
        return ask(url)[0] == 200
    except BenchError:
        return False
