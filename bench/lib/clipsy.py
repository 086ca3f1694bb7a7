"""What the benchmarks know about Clipsy's command line."""

import json

from lib.measure import BenchError, run


def doctor(clipsy):
    """What works on this host, in Clipsy's own words."""
    said = run("clipsy doctor", [clipsy, "doctor", "--json"]).stdout
    try:
        return json.loads(said)
    except json.JSONDecodeError as error:
        raise BenchError(f"clipsy doctor --json did not print one JSON document: {error}") from error


def summary(stdout):
    """The summary that ends the JSON lines of a finished transcode."""
    lines = stdout.strip().splitlines()
    try:
        last = json.loads(lines[-1]) if lines else {}
    except json.JSONDecodeError:
        last = {}
    if not isinstance(last, dict) or last.get("event") != "finished":
        raise BenchError(f"clipsy transcode --json did not end with a finished event: {lines[-1:]}")
    return last.get("summary") or {}


def names_under(value, key):
    """Every text stored under `key`, however deep, each once and in order."""
    found = []
    if isinstance(value, dict):
        if isinstance(value.get(key), str):
            found.append(value[key])
        for inner in value.values():
            found += names_under(inner, key)
    elif isinstance(value, list):
        for inner in value:
            found += names_under(inner, key)
    return list(dict.fromkeys(found))
