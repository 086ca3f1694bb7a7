"""One encoder against another at equal rate, and a decoder's buffer."""

import json
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lib.measure import BenchError, run
from lib.media import ffmpeg
from lib.quality import SCALER, decibels

# How much of its buffer a decoder has when it starts, which is x264's default.
START = 0.9


@dataclass(frozen=True)
class Rung:
    name: str
    kbps: float
    ssim_db: float
    lowest: float
    """Least that was left in a decoder's buffer, over its size; below zero it ran empty."""
    peak: float
    """Most bits in any two seconds, over what the cap allows in them."""
    types: str


def gain(first, second, tried):
    """Decibels of `tried` above `first` at the rate of `tried`, by a line through `first` and `second`."""
    apart = abs(first.kbps - second.kbps) > 1
    slope = (first.ssim_db - second.ssim_db) / math.log(first.kbps / second.kbps) if apart else 0.0
    return tried.ssim_db - (first.ssim_db + slope * math.log(tried.kbps / first.kbps))


def judge(found, source):
    """SSIM of the brightness of each rung at its own size against the source scaled down, in decibels."""
    number = "settb=1/1000,setpts=N,format=yuv420p"
    count = len(found)
    graph = [f"[0:v:0]{number},split={count}" + "".join(f"[s{i}]" for i in range(count))]
    inputs, maps = ["-i", source.path.resolve()], []
    for i, rendition in enumerate(found):
        inputs += ["-i", rendition.playlist.resolve()]
        graph.append(f"[s{i}]scale={rendition.width}:{rendition.height}:flags={SCALER}[d{i}]")
        graph.append(f"[{i + 1}:v:0]{number}[r{i}]")
        graph.append(f"[r{i}][d{i}]ssim=stats_file={i}.log[o{i}]")
        maps += ["-map", f"[o{i}]"]
    with tempfile.TemporaryDirectory() as scratch:
        words = ffmpeg(*inputs, "-filter_complex", ";".join(graph), *maps, "-fps_mode", "passthrough", "-f", "null", "-")
        run("SSIM", words, cwd=scratch)
        values = []
        for i in range(count):
            lines = Path(scratch, f"{i}.log").read_text(encoding="ascii").splitlines()
            if len(lines) != source.frames:
                raise BenchError(f"{found[i].name}: {len(lines)} pictures compared of {source.frames}")
            each = [float(word.removeprefix("Y:")) for line in lines for word in line.split() if word.startswith("Y:")]
            values.append(decibels(sum(each) / len(each)))
        return values


def look_at(rendition, source, cap_kbps, ssim_db):
    words = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-of", "json"]
    said = run("ffprobe", [*words, "-show_entries", "packet=size", rendition.playlist]).stdout
    bits = [int(packet["size"]) * 8 for packet in json.loads(said)["packets"]]
    said = run("ffprobe", [*words, "-show_entries", "frame=pict_type", rendition.playlist]).stdout
    types = "".join(frame["pict_type"] for frame in json.loads(said)["frames"])
    per_picture = cap_kbps * 1000 / float(source.fps)
    window = round(2 * float(source.fps))
    sums = [sum(bits[i:i + window]) for i in range(max(1, len(bits) - window + 1))]
    return Rung(
        name=rendition.name,
        kbps=sum(bits) / 1000 * float(source.fps) / len(bits),
        ssim_db=ssim_db,
        lowest=lowest(bits, per_picture, 2 * cap_kbps * 1000),
        peak=max(sums) / (2 * cap_kbps * 1000),
        types=types,
    )


def lowest(bits, per_picture, size):
    """What a decoder's buffer holds at the least, with pictures in the order in which they are decoded."""
    fill, least = START * size, size
    for picture in bits:
        fill -= picture
        least = min(least, fill)
        fill = min(size, fill + per_picture)
    return least / size
