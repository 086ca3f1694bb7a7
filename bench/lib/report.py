"""What a report needs: tables that read well as text and as Markdown, and facts about the host."""

import datetime
import os
import platform
import shutil
import subprocess


def table(head, rows):
    """A Markdown table, padded so that it reads well in a terminal too. Numbers go right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    right = [i > 0 for i in range(len(head))]

    def line(row):
        padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right))
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right)) + "|"
    return "\n".join([line(cells[0]), rule, *(line(row) for row in cells[1:])])


def number(value, digits=1, unit=""):
    return "–" if value is None else f"{value:.{digits}f}{unit}"


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def host():
    load = os.getloadavg()[0]
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "linux": ".".join(platform.release().split(".")[:2]),
        "load_at_start": round(load, 2),
    }


def versions(clipsy=None):
    """First line that each tool prints about itself; tools that are not there are left out."""
    asked = {
        "clipsy": [str(clipsy), "--version"] if clipsy else None,
        "ffmpeg": ["ffmpeg", "-version"],
        "gstreamer": ["gst-inspect-1.0", "--version"],
    }
    return {name: said for name, argv in asked.items() if argv and (said := first_line(argv))}


def first_line(argv):
    if not shutil.which(argv[0]):
        return None
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    line = next(iter(done.stdout.splitlines()), "")
    return line.partition(" Copyright")[0].strip() or None


def _cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()
