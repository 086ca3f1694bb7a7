"""Rounds in which contestants take turns, what is held against a target, and where results go."""

import json
import sys
from dataclasses import asdict, dataclass
from statistics import median

from lib import report


@dataclass(frozen=True)
class Verdict:
    what: str
    target: str
    measured: str
    spread: str
    passed: bool


def turns(names, rounds):
    """(round from 1, name): all names in each round, and each round starts with the next one."""
    names = list(names)
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            yield turn + 1, name


def middle(rounds):
    """The medians of what was measured in several rounds; texts and the like are left out."""
    numbers = [key for key, value in rounds[0].items() if isinstance(value, (int, float))]
    return {key: median(measured[key] for measured in rounds) for key in numbers}


def ratio(runs, key, ours, theirs):
    """Ratio of medians, and the range of the ratios within each round as a measure of noise."""
    whole = median(r[key] for r in runs[ours]) / median(r[key] for r in runs[theirs])
    each = [a[key] / b[key] for a, b in zip(runs[ours], runs[theirs], strict=True)]
    return whole, min(each), max(each)


def at_least(what, runs, key, ours, theirs, limit, digits=2):
    """The verdict on a ratio that must not be below `limit`."""
    whole, low, high = ratio(runs, key, ours, theirs)
    return Verdict(what, f"≥ {limit:g} ×", f"{whole:.{digits}f} ×", f"{low:.{digits}f}–{high:.{digits}f}",
                   whole >= limit)


def verdict_table(found):
    head = ("target", "limit", "measured", "range over rounds", "")
    rows = [(v.what, v.target, v.measured, v.spread, "PASS" if v.passed else "MISS") for v in found]
    return report.table(head, rows)


def as_json(found):
    return [asdict(verdict) for verdict in found]


def host_line(host, date):
    return (f"{date} · {host['cpu']}, {host['cores']} cores, {host['memory_gb']} GB, Linux {host['linux']}, "
            f"load {host['load_at_start']} at start  ")


def publish(title, text, result, json_path, results_path=None):
    """Prints the report, keeps every figure, and writes the report beside the script if asked to."""
    print(text)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if results_path:
        results_path.write_text(f"# {title}\n\n{text}\n", encoding="utf-8")


def say(line):
    print(line, file=sys.stderr, flush=True)
