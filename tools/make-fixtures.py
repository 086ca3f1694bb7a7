#!/usr/bin/env python3
"""Makes the odd inputs that the tests feed to Clipsy, with the ffmpeg command line.

    tools/make-fixtures.py [--list] [--only NAME ...] [--jobs N]

The files land in .media/fixtures, which git ignores. The modules in tools/fixtures list them: each entry is
a file name, the recipe that makes it, and what Clipsy is expected to do with it. A fixture is made
again only when its recipe changed. ffmpeg shares no code with the GStreamer demuxers, and the
expectations are worked out from the recipe, not read back from the file.

.media/fixtures/index.json tells the tests what to expect, by name:

  file            the file's name in that folder
  expect          "ok": must be transcoded · "error": must be refused · "either": may be refused, or
                  played as far as it goes · "skip": not made here, see `reason`
  code, codes     of a refusal: the failure code that fits best, and all that are acceptable
  width, height   of the picture as a viewer sees it: upright, square pixels, before evening
  fps             the frame rate that renditions must have; `fps_any` where several are right
  duration        in seconds, of the presentation; `duration_any` where several are right
  shortest, longest  in seconds, where it is not known better
  exact           the number of pictures
  warnings        the codes that must be warned of, and `may_warn` those that may be; no other is right
  hdr             "pq" or "hlg", if it is of high dynamic range

  What is seen, of those that show the chart of tools/fixtures/source.py:

  chart           `rate` by which its pictures are numbered, `band` of the picture in which it lies,
                  `until` which second it can be read
  pictures        pairs of a time in seconds and the number of the picture shown from then on; without
                  it number N is shown at N / rate. `video_start` and `still_from` bound the pictures
                  in a longer sound, `offset_any`: the clock may begin anywhere, `in_order`: each once,
                  though times jitter, `loose_edges`: a picture more or less at begin and end
  patches         colours of the chart, `patches_within` how far they may be off (6 of 255)
  corners         colours of the upright picture's corners, each a quarter of its size:
                  top left, top right, bottom left, bottom right
  damaged         some pictures and beeps are gone
  still           there is one picture only

  What is heard:

  audio           whether there is sound to be heard; `audio_start`, `audio_duration` where it is not
                  as long as the picture
  sync            a 1 kHz beep begins with each of the chart's flashes, or at the seconds `beeps`;
                  `sync_within` so many seconds (0.010 where pictures keep their rate, and one of the
                  result's pictures more elsewhere)
  levels          of the beeps `left` and `right` in dB, none for silence; `level_within` (0.5)
  channels        the same for each second, in which one channel beeps after the other
  panned_hz       the tone that is left only, and that which is right only
  tone_hz         the frequency of the sine that must be heard (of the default track), and
                  `other_tone_hz` that must not

  undeclared      a header names streams that are not there, so that ffprobe is no judge of `probe`
"""

import argparse
import functools
import hashlib
import inspect
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn

from fixtures import audio, bad, geometry, media, pixels, rates, times, tracks
from fixtures.base import CLIPS, FFMPEG, FIXTURES, PROGRESSIVE, REPRODUCIBLE, Fixture, SkipFixture, ffmpeg

INDEX = FIXTURES / "index.json"
RECIPES = FIXTURES / ".recipes.json"

TABLE = (
    *rates.TABLE,
    *media.TABLE,
    *geometry.TABLE,
    *pixels.TABLE,
    *audio.TABLE,
    *times.TABLE,
    *tracks.TABLE,
    *bad.TABLE,
)


# --- making them --------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the test inputs in .media/fixtures.")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="make only these")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 8), metavar="N")
    options = parser.parse_args()

    by_name = {fixture.name: fixture for fixture in TABLE}
    if len(by_name) != len(TABLE):
        fail("two fixtures have the same name")
    if options.list:
        print("\n".join(by_name))
        return
    unknown = [name for name in options.only or () if name not in by_name]
    if unknown:
        fail(f"no such fixture: {' '.join(unknown)}")

    FIXTURES.mkdir(parents=True, exist_ok=True)
    made = read_json(RECIPES)
    hashes = {name: recipe_hash(fixture, by_name) for name, fixture in by_name.items()}
    wanted = [
        fixture
        for fixture in with_needs(options.only or list(by_name), by_name)
        if made.get(fixture.name) != hashes[fixture.name] or not (FIXTURES / fixture.file).exists()
    ]
    skipped, failed = make_all(wanted, options.jobs) if wanted else ({}, {})

    for fixture in wanted:
        made.pop(fixture.name, None)
        if fixture.name not in skipped and fixture.name not in failed:
            made[fixture.name] = hashes[fixture.name]
    made = {name: value for name, value in made.items() if name in by_name}
    write_json(RECIPES, made)
    write_json(INDEX, index(made, skipped))

    for name, reason in skipped.items():
        say(f"skipped {name}: {reason}")
    for name, reason in failed.items():
        say(f"could not make {name}: {reason}")
    if failed:
        sys.exit(1)


def with_needs(names: list[str], by_name: dict[str, Fixture]) -> list[Fixture]:
    """Those fixtures and what they need, in the order of the table, which has needs first."""
    wanted: set[str] = set()
    for name in names:
        while name and name not in wanted:
            wanted.add(name)
            name = by_name[name].needs
    return [fixture for fixture in by_name.values() if fixture.name in wanted]


def make_all(wanted: list[Fixture], jobs: int) -> tuple[dict[str, str], dict[str, str]]:
    """Makes them side by side; answers which were skipped and which failed, and why."""
    if not shutil.which("ffmpeg"):
        fail("ffmpeg is missing; `tools/setup.sh test` installs it")
    if not (CLIPS / "trailer_bbb.mp4").exists():
        fail("the clips are missing; `tools/fetch-media.py` fetches them")
    encoders = known_encoders()
    say(f"making {len(wanted)} fixtures")

    tasks: dict[str, Future[None]] = {}
    skipped, failed = {}, {}
    with ThreadPoolExecutor(jobs) as pool:
        for fixture in wanted:
            # The pool starts tasks in this order, so what a task waits for has always started.
            tasks[fixture.name] = pool.submit(make, fixture, encoders, tasks.get(fixture.needs))
        for name, task in tasks.items():
            try:
                task.result()
            except SkipFixture as reason:
                skipped[name] = str(reason)
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as reason:
                failed[name] = str(reason)
    return skipped, failed


def make(fixture: Fixture, encoders: set[str], needed: "Future[None] | None") -> None:
    if needed:
        needed.result()
    out = FIXTURES / fixture.file
    temporary = FIXTURES / f".{os.getpid()}-{fixture.file}"
    try:
        if callable(fixture.recipe):
            fixture.recipe(temporary)
        else:
            lacking = encoders_of(fixture.recipe) - encoders
            if lacking:
                raise SkipFixture(f"this ffmpeg lacks the encoder {', '.join(sorted(lacking))}")
            ffmpeg(fixture.recipe, temporary)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def encoders_of(args: list[str]) -> set[str]:
    named = {value for option, value in itertools.pairwise(args) if option in ("-c:v", "-c:a")}
    return named - {"copy"}


def known_encoders() -> set[str]:
    listing = subprocess.run(
        ["ffmpeg", "-hide_banner", "-encoders"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    ).stdout
    return {line.split()[1] for line in listing.splitlines() if len(line.split()) > 2}


def index(made: dict[str, str], skipped: dict[str, str]) -> dict[str, object]:
    before = read_json(INDEX)
    entries: dict[str, object] = {}
    for fixture in TABLE:
        if fixture.name in made:
            entries[fixture.name] = {"file": fixture.file, **fixture.expect}
        elif fixture.name in skipped:
            reason = skipped[fixture.name]
            entries[fixture.name] = {"file": fixture.file, "expect": "skip", "reason": reason}
        elif before.get(fixture.name, {}).get("expect") == "skip":
            entries[fixture.name] = before[fixture.name]
    return entries


def recipe_hash(fixture: Fixture, by_name: dict[str, Fixture]) -> str:
    parts: list[object] = [fixture.file]
    if callable(fixture.recipe):
        parts += recipe_text(fixture.recipe)
    else:
        parts += [FFMPEG, REPRODUCIBLE, PROGRESSIVE, fixture.recipe]
    if fixture.needs:
        parts.append(recipe_hash(by_name[fixture.needs], by_name))
    return hashlib.sha256(json.dumps(parts, default=repr).encode()).hexdigest()


def recipe_text(recipe: Callable[..., None]) -> list[object]:
    """A function's arguments and source, with the source of all of the fixtures' code that it calls."""
    args = list(recipe.args) if isinstance(recipe, functools.partial) else []
    first = recipe.func if isinstance(recipe, functools.partial) else recipe
    functions = [first, *(arg for arg in args if callable(arg))]
    seen = {function.__name__: function for function in functions}
    waiting = list(functions)
    while waiting:
        function = waiting.pop()
        for name in names_in(function.__code__):
            called = function.__globals__.get(name)
            ours = getattr(called, "__module__", "").startswith("fixtures")
            if ours and (inspect.isfunction(called) or inspect.isclass(called)) and name not in seen:
                seen[name] = called
                if inspect.isfunction(called):
                    waiting.append(called)
    said = [arg.__name__ if callable(arg) else arg for arg in args]
    return [said, *(inspect.getsource(seen[name]) for name in sorted(seen))]


def names_in(code: CodeType) -> set[str]:
    """All names that a function uses, those in its inner functions as well."""
    inner = (names_in(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)


def read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def write_json(path: Path, content: dict[str, Any]) -> None:
    written = json.dumps(content, indent=2) + "\n"
    if path.exists() and path.read_text() == written:
        return
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    temporary.write_text(written)
    temporary.replace(path)


def say(message: str) -> None:
    print(f"make-fixtures: {message}", file=sys.stderr, flush=True)


def fail(message: str) -> NoReturn:
    say(message)
    sys.exit(1)


if __name__ == "__main__":
    main()
