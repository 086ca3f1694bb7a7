"""Load on one address, made by wrk."""

import json
from pathlib import Path

from lib.measure import BenchError, run

SCRIPT = Path(__file__).resolve().with_name("wrk.lua")


def load(wrk, url, *, threads, connections, seconds, many=(), post=None):
    """Asks for `url` over `connections` kept-alive connections. Any failed request is an error.

    `many` are a path's beginning, a count and the path's end: then each request is for one of that
    many paths by chance, which are numbered with five digits. `post` is a file with JSON to post.
    """
    argv = [*wrk, f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", SCRIPT, url]
    argv += ["--", *many] if many else ["--", post] if post else []
    said = run(f"wrk {url}", argv, timeout_s=seconds + 60)
    last = said.stdout.strip().splitlines()[-1]
    found = json.loads(last)
    bad = {kind: count for kind, count in found["errors"].items() if count}
    if bad or not found["requests"]:
        raise BenchError(f"wrk {url}: of {found['requests']} requests some failed: {bad}")
    wall_s = found["duration_us"] / 1e6
    return {
        "requests": found["requests"],
        "gb": found["bytes"] / 1e9,
        "rps": found["requests"] / wall_s,
        "mb_s": found["bytes"] / 1e6 / wall_s,
        "p50_ms": found["p50_us"] / 1e3,
        "p99_ms": found["p99_us"] / 1e3,
        "client_cpu_s": said.cpu_s,
    }
