"""Test sources and HLS output: making the one, reading the other."""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from lib.measure import BenchError, run


@dataclass(frozen=True)
class Source:
    path: Path
    width: int
    height: int
    fps: Fraction
    frames: int
    seconds: float
    has_audio: bool

    @property
    def short_side(self):
        return min(self.width, self.height)


@dataclass(frozen=True)
class Rendition:
    """One finished rung, as found on disk."""

    short_side: int
    width: int
    height: int
    playlist: Path
    segments: int
    seconds: float
    segment_bytes: int

    @property
    def name(self):
        return f"{self.short_side}p"

    @property
    def segment_kbps(self):
        return self.segment_bytes * 8 / self.seconds / 1000


def make_source(clip, seconds, cache):
    """A 1080p24 H.264 + AAC file made from a 720p clip, the same bytes on every run.

    Sharpening and a little moving noise give the upscaled picture the fine detail of real
    1080p, which a plain upscale lacks. The noise filter and x264 both depend on the number of
    threads, so both numbers are fixed.
    """
    if not clip.is_file():
        raise BenchError(f"no clip at {clip}: fetch the test media, or name a file with --source")
    picture = (
        "fps=24,scale=1920:1080:flags=lanczos+accurate_rnd,unsharp=5:5:0.6:5:5:0,"
        "noise=all_seed=7:alls=2:allf=t,format=yuv420p"
    )
    recipe = [
        "-filter_threads", "1", "-ss", "2", "-t", f"{seconds:g}", "-i", clip,
        "-map", "0:v:0", "-map", "0:a:0", "-vf", picture,
        "-c:v", "libx264", "-preset", "fast", "-crf", "16", "-threads", "4",
        "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709",
        "-c:a", "aac", "-b:a", "160k", "-ac", "2", "-ar", "48000",
        "-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart",
    ]
    known_by = json.dumps([str(word) for word in recipe if word is not clip] + [clip.stat().st_size])
    digest = hashlib.sha256(known_by.encode()).hexdigest()[:10]
    made = cache / f"source-1080p24-{seconds:g}s-{digest}.mp4"
    if not made.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        part = made.with_suffix(".part.mp4")
        run("making the source", ffmpeg(*recipe, part))
        os.replace(part, made)
    return made


def ffmpeg(*words):
    return ["ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y", *words]


def probe(path):
    found = _ffprobe(path, "-show_streams", "-show_format")
    video = next((s for s in found["streams"] if s["codec_type"] == "video"), None)
    if video is None:
        raise BenchError(f"{path}: no video in it")
    width, height = video["width"], video["height"]
    if any(abs(int(d.get("rotation", 0))) % 180 == 90 for d in video.get("side_data_list", [])):
        width, height = height, width
    return Source(
        path=path,
        width=width,
        height=height,
        fps=Fraction(video["avg_frame_rate"]),
        frames=count_frames(path)[0],
        seconds=float(found["format"]["duration"]),
        has_audio=any(s["codec_type"] == "audio" for s in found["streams"]),
    )


def count_frames(path):
    """Number of coded pictures, their bytes without any container, and how many are key frames."""
    packets = _ffprobe(path, "-select_streams", "v:0", "-show_entries", "packet=size,flags")["packets"]
    return (
        len(packets),
        sum(int(packet["size"]) for packet in packets),
        sum("K" in packet["flags"] for packet in packets),
    )


def renditions(out, expected=None):
    """The renditions below `out`, largest first. Refuses an output that is not finished."""
    master = out / "master.m3u8"
    found = []
    resolution = None
    for line in _lines(master):
        if line.startswith("#EXT-X-STREAM-INF:"):
            resolution = re.search(r"RESOLUTION=(\d+)x(\d+)", line)
        elif line and not line.startswith("#") and resolution:
            width, height = int(resolution[1]), int(resolution[2])
            found.append(_rendition(out / line, width, height))
            resolution = None
    found.sort(key=lambda rendition: -rendition.short_side)
    if not found:
        raise BenchError(f"{master}: names no variant with a RESOLUTION")
    sides = [rendition.short_side for rendition in found]
    if expected is not None and sides != expected:
        raise BenchError(f"{master}: rungs are {sides}, expected {expected}")
    return found


def x264_options(playlist):
    """The settings x264 wrote into the stream, or none where another encoder made it."""
    first = playlist.parent / _segments(playlist)[0][1]
    words = ffmpeg("-i", first, "-map", "0:v:0", "-c", "copy", "-frames:v", "1", "-f", "h264")
    stream = first.with_suffix(".h264.tmp")
    try:
        run("reading an encoder's settings", [*words, stream])
        raw = stream.read_bytes()
    finally:
        stream.unlink(missing_ok=True)
    said = re.search(rb"x264 - core (\d+)[^\0]*?options: ([ -~]*)", raw)
    if not said:
        return {}
    pairs = (word.partition("=") for word in said[2].decode("ascii").split())
    return {"core": said[1].decode("ascii"), **{key: value for key, _, value in pairs}}


def _rendition(playlist, width, height):
    if "#EXT-X-ENDLIST" not in _lines(playlist):
        raise BenchError(f"{playlist}: has no end: the rung is not finished")
    segments = _segments(playlist)
    return Rendition(
        short_side=min(width, height),
        width=width,
        height=height,
        playlist=playlist,
        segments=len(segments),
        seconds=sum(seconds for seconds, _ in segments),
        segment_bytes=sum((playlist.parent / name).stat().st_size for _, name in segments),
    )


def _segments(playlist):
    segments, seconds = [], None
    for line in _lines(playlist):
        if line.startswith("#EXTINF:"):
            seconds = float(line[len("#EXTINF:"):].split(",")[0])
        elif line and not line.startswith("#") and seconds is not None:
            segments.append((seconds, line))
            seconds = None
    if not segments:
        raise BenchError(f"{playlist}: lists no segment")
    return segments


def _lines(playlist):
    try:
        return [line.strip() for line in playlist.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise BenchError(f"{playlist}: {error.strerror}") from error


def _ffprobe(path, *words):
    return json.loads(run("ffprobe", ["ffprobe", "-v", "error", "-of", "json", *words, path]).stdout)
