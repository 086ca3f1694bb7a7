#!/usr/bin/env python3
"""Runs every fixture, and more inputs if there are any, through a built `clipsy transcode`, measures
what comes out, and compares that with what was recorded: one line each.

    tools/corpus.py [--record] [--binary FILE] [--cases FOLDER ...] [--root FOLDER] [--only NAME ...]

`--cases` names folders of further inputs. `--root` names the root of another system, such as a
Debian 13 with its own GStreamer (CONTRIBUTING.md says how one is made): the binary runs in it, and
what is measured is compared with a table of its own. The tables are tools/corpus/gstreamer-*.tsv.

Measured are the smallest rendition's pictures and its sound, by ffmpeg alone:

  result    ok, or the failure code
  form      size, rate, seconds and number of pictures
  lag       of each picture's number behind its time at the chart's rate, least and most, in ms;
            how many cannot be read, come twice, or are missing between the first and the last
  sync      of each beep behind its flash, least and most, in ms
  colour    the largest difference of a patch to what was drawn
  level     of the beeps, left and right, in dB
  warnings  their codes
"""

import argparse
import array
import json
import math
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).resolve().parent.parent
FIXTURES = REPOSITORY / ".media" / "fixtures"
TABLES = REPOSITORY / "tools" / "corpus"
COLUMNS = ("name", "result", "form", "lag", "sync", "colour", "level", "warnings")
# How far numbers of a column may be from what was recorded: encoders differ a little by the machine.
NEAR = {"form": 0.05, "lag": 3, "sync": 3, "colour": 2, "level": 0.3}
PATCHES = ((128, 128, 128), (200, 30, 30), (30, 160, 60), (40, 60, 200), (220, 200, 40), (210, 160, 130))
BANDS = {"whole": (0, 96), "middle": (24, 48), "low": (72, 24)}
SIDE, BITS, HEARD_HZ = 96, 12, 16000


class Input(NamedTuple):
    name: str
    path: Path
    facts: dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compares what comes out of all inputs with a recorded table.")
    parser.add_argument("--record", action="store_true", help="write the table instead of comparing with it")
    parser.add_argument("--binary", type=Path, default=REPOSITORY / "target" / "release" / "clipsy")
    parser.add_argument("--cases", type=Path, nargs="*", default=[], metavar="FOLDER", help="further inputs")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="run in the system whose root this is")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these inputs, which are not recorded")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2), metavar="N")
    options = parser.parse_args()

    inputs = [each for each in find_inputs(options.cases) if not options.only or each.name in options.only]
    if not inputs:
        sys.exit("corpus: there are no inputs; `make media` makes the fixtures")
    version = gstreamer_version(options.binary, options.root)
    table = TABLES / f"gstreamer-{version}.tsv"
    recorded = read_table(table)

    def run(each: Input) -> dict[str, str]:
        with tempfile.TemporaryDirectory(prefix="clipsy-corpus-") as scratch:
            try:
                return {"name": each.name, **measure(each, Path(scratch), options.binary, options.root)}
            except Exception as problem:  # noqa: BLE001: one input must not end the run of all
                return {"name": each.name, "result": f"cannot be measured: {problem}"}

    found, different = {}, 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for row in pool.map(run, inputs):
            found[row["name"]] = row
            print("  ".join(row.get(column, "") or "-" for column in COLUMNS), flush=True)
            if not options.record:
                different += compare(recorded.get(row["name"]), row)
    if options.record and not options.only:
        # Rows of cases that are not here now stay as they are.
        kept = {name: row for name, row in recorded.items() if name.startswith("case:") and not options.cases}
        write_table(table, {**kept, **found})
        print(f"corpus: recorded {len(found)} inputs in {table.relative_to(REPOSITORY)}")
        return
    missing = [name for name in recorded if name not in found and not name.startswith("case:")]
    if missing and not options.only:
        different += len(missing)
        print(f"corpus: recorded but not here: {' '.join(missing)}")
    print(f"corpus: {len(found)} inputs on GStreamer {version}, {different} differ from {table.name}")
    sys.exit(1 if different else 0)


def find_inputs(folders: list[Path]) -> list[Input]:
    index = json.loads((FIXTURES / "index.json").read_text()) if FIXTURES.exists() else {}
    fixtures = [Input(n, FIXTURES / f["file"], f) for n, f in sorted(index.items()) if f["expect"] != "skip"]
    cases = [
        Input(f"case:{path.name}", path.resolve(), {"chart": {"band": "whole"}, "patches": PATCHES})
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]
    return [*fixtures, *cases]


# --- running ----------------------------------------------------------------------------------


def command(binary: Path, root: Path | None, args: list[str], visible: list[Path]) -> list[str]:
    """`binary` with these arguments, in the other system if there is one; the paths are the same there."""
    line = [str(binary.resolve()), *args]
    if root is None:
        return line
    inside = shlex.quote(str(root.resolve()))
    steps = [f"mount --rbind /{name} {inside}/{name}" for name in ("dev", "proc")]
    for path in {binary.resolve().parent, *visible}:
        place = f"{inside}{shlex.quote(str(path))}"
        steps.append(f"mkdir -p {place} && mount --bind {shlex.quote(str(path))} {place}")
    run = f"exec chroot {inside} {shlex.join(line)}"
    # Mounts in a namespace of their own are gone with the program.
    alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    return [*alone, "bash", "-ec", "\n".join([*steps, run])]


def gstreamer_version(binary: Path, root: Path | None) -> str:
    done = subprocess.run(
        command(binary, root, ["doctor", "--json"], []), capture_output=True, text=True, check=False
    )
    version = re.search(r"\b1\.\d+\.\d+", done.stdout)
    if not version:
        sys.exit(f"corpus: `{binary} doctor` does not tell the version of GStreamer: {done.stderr.strip()[-300:]}")
    return ".".join(version[0].split(".")[:2])


def measure(each: Input, scratch: Path, binary: Path, root: Path | None) -> dict[str, str]:
    out = scratch / "out"
    args = ["transcode", str(each.path), "--out", str(out), "--json"]
    started = command(binary, root, args, [each.path.parent, scratch])
    done = subprocess.run(started, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    last = events[-1] if events else {}
    warnings = sorted(event["code"] for event in events if event["event"] == "warning")
    row = {"warnings": " ".join(warnings)}
    if last.get("event") == "failed":
        return {**row, "result": last["failure"]["code"]}
    if last.get("event") != "finished":
        return {**row, "result": f"ended with {done.returncode}"}
    summary = last["summary"]
    rendition = summary["renditions"][-1]
    sizes = " ".join(each_one["resolution"] for each_one in summary["renditions"])
    form = f"{sizes} {summary['frame_rate']} {summary['duration_s']:.2f} s {rendition['frames']}"
    rate = Fraction(summary["frame_rate"])
    playlist = out / rendition["playlist_path"]
    return {**row, "result": "ok", "form": form, **look_and_listen(each.facts, playlist, rate)}


# --- measuring --------------------------------------------------------------------------------


def look_and_listen(facts: dict[str, Any], playlist: Path, rate: Fraction) -> dict[str, str]:
    row: dict[str, str] = {}
    flashes: list[float] = []
    if facts.get("chart"):
        numbers, flash, patches = look(playlist, facts["chart"]["band"])
        row["lag"] = lag(numbers, rate, Fraction(facts["chart"].get("rate", rate)))
        lit = [index for index, is_lit in enumerate(flash) if is_lit and not (index and flash[index - 1])]
        flashes = [float(index / rate) for index in lit]
        if facts.get("patches") and patches:
            parts = zip(patches, facts["patches"], strict=True)
            row["colour"] = str(max(abs(a - b) for found, drawn in parts for a, b in zip(found, drawn, strict=True)))
    if streams(playlist, "a"):
        beeps, levels = listen(playlist, len(facts.get("channels", [])))
        pairs = [(min(beeps, key=lambda beep: abs(beep - flash)) - flash) * 1000 for flash in flashes if beeps]
        near = [off for off in pairs if abs(off) < 500]
        row["sync"] = f"{min(near):.0f}..{max(near):.0f} of {len(near)}" if near else ""
        row["level"] = levels
    return row


def look(playlist: Path, band: str) -> tuple[list[int | None], list[bool], list[tuple[int, ...]]]:
    """Each picture's number and whether its flash is lit; the patches as most pictures show them."""
    wide = any(s.get("color_primaries") in ("bt2020", "smpte432") for s in streams(playlist, "v"))
    seen_as = "zscale=p=709:t=709:m=709:r=limited,format=yuv444p," if wide else ""
    scale = f"{seen_as}scale={SIDE}:{SIDE}:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp,format=rgb24"
    args = ["-map", "0:v:0", "-fps_mode", "passthrough", "-vf", scale, "-f", "rawvideo"]
    content = ffmpeg(playlist, args)
    size = SIDE * SIDE * 3
    top, height = BANDS[band]
    numbers, flash, patches = [], [], []
    for start in range(0, len(content) - size + 1, size):

        def at(x: int, y: int, start: int = start) -> bytes:
            return content[start + (y * SIDE + x) * 3 :][:3]

        bits = [sum(at(bit * 8 + 4, top + height * 7 // 8)) // 3 for bit in range(BITS)]
        sure = all(bit <= 75 or bit >= 180 for bit in bits)
        numbers.append(sum(1 << place for place, bit in enumerate(bits) if bit >= 180) if sure else None)
        flash.append(sum(at(70, top + height * 5 // 8)) > 3 * 128)
        patches.append([tuple(at(n * 16 + 8, top + height // 4)) for n in range(6)])
    middle = [tuple(int(statistics.median(part)) for part in zip(*each, strict=True)) for each in zip(*patches, strict=True)]
    return numbers, flash, middle


def lag(numbers: list[int | None], rate: Fraction, drawn: Fraction) -> str:
    lags, first = [], {}
    for index, number in enumerate(numbers):
        if number is not None and number not in first:
            first[number] = index
            lags.append(float(index / rate - number / drawn) * 1000)
    if not lags:
        return ""
    read = [number for number in numbers if number is not None]
    missing = max(read) - min(read) + 1 - len(first)
    text = f"{min(lags):.0f}..{max(lags):.0f}"
    faults = ((len(numbers) - len(read), "unread"), (len(read) - len(first), "twice"), (missing, "missing"))
    return " ".join([text, *(f"{count} {what}" for count, what in faults if count)])


def listen(playlist: Path, channels: int) -> tuple[list[float], str]:
    """When beeps begin, in seconds of the video, and how loud they are left and right; or how loud
    each second is, of a source in which one channel after the other beeps."""
    starts = {s["codec_type"]: float(s.get("start_time", 0)) for s in streams(playlist, "")}
    begins = starts.get("audio", 0) - starts.get("video", 0)
    samples = array.array("f")
    samples.frombytes(ffmpeg(playlist, ["-map", "0:a:0", "-ac", "2", "-ar", str(HEARD_HZ), "-f", "f32le"]))
    left, right = samples[0::2], samples[1::2]
    loudness = [max(abs(a), abs(b)) for a, b in zip(left, right, strict=True)]
    threshold, last, found = max(0.3 * max(loudness, default=0), 0.01), -HEARD_HZ, []
    for at, loud in enumerate(loudness):
        if loud > threshold:
            if at - last > HEARD_HZ // 10:
                found.append(at)
            last = at

    def level(side: "array.array[float]", at: int) -> float:
        part = side[at + HEARD_HZ // 50 : at + HEARD_HZ // 50 * 4]
        return 10 * math.log10(max(1e-6, sum(s * s for s in part) / max(1, len(part))))

    if channels:
        offset = -begins * HEARD_HZ
        each = [[level(side, max(0, int(n * HEARD_HZ + offset))) for side in (left, right)] for n in range(channels)]
        heard = " ".join("/".join(f"{max(-60.0, side):.1f}" for side in sides) for sides in each)
        return [at / HEARD_HZ + begins for at in found], heard
    sides = [[level(side, at) for at in found] for side in (left, right)]
    text = " ".join(f"{statistics.median(side):.1f}" for side in sides) if found else "silent"
    return [at / HEARD_HZ + begins for at in found], text


def streams(path: Path, kind: str) -> list[dict[str, Any]]:
    chosen = ["-select_streams", kind] if kind else []
    line = ["ffprobe", "-v", "quiet", "-of", "json", *chosen, "-show_streams", str(path)]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return list(json.loads(done.stdout or "{}").get("streams", []))


def ffmpeg(path: Path, args: list[str]) -> bytes:
    line = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-i", str(path), *args, "pipe:1"]
    return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout


# --- the table --------------------------------------------------------------------------------


def read_table(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    rows = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}


def write_table(path: Path, rows: dict[str, dict[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    head = "# Written by `make corpus RECORD=1`; tools/corpus.py explains the columns.\n# " + "\t".join(COLUMNS)
    body = ["\t".join(rows[name].get(column, "") for column in COLUMNS) for name in sorted(rows)]
    path.write_text("\n".join([head, *body]) + "\n")


def compare(before: dict[str, str] | None, now: dict[str, str]) -> int:
    if before is None:
        print("    was not recorded")
        return 1
    differences = [c for c in COLUMNS if not alike(before[c], now.get(c, ""), NEAR.get(c, 0))]
    for column in differences:
        print(f"    {column} was {before[column] or '-'}, is {now.get(column) or '-'}")
    return 1 if differences else 0


def alike(before: str, now: str, near: float) -> bool:
    """The same but for numbers that are near enough."""
    number = re.compile(r"-?\d+(?:\.\d+)?")
    if number.sub("#", before) != number.sub("#", now):
        return False
    pairs = zip(number.findall(before), number.findall(now), strict=True)
    return all(abs(float(a) - float(b)) <= near for a, b in pairs)


if __name__ == "__main__":
    main()
