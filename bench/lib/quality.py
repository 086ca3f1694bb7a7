"""How close a rendition is to its source: SSIM and bits spent."""

import math
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lib.measure import BenchError, run
from lib.media import count_frames, ffmpeg

SCALER = "lanczos+accurate_rnd"


@dataclass(frozen=True)
class Quality:
    frames: int
    key_frames: int
    video_kbps: float
    ssim: float
    luma_ssim_at_size: float

    @property
    def ssim_db(self):
        return decibels(self.ssim)

    @property
    def luma_at_size_db(self):
        return decibels(self.luma_ssim_at_size)


def judge(rendition, source):
    """Measures one rendition against the source it was made from.

    `ssim` is of all planes with the rendition scaled up to the source's size, which is what a
    viewer of a full window sees. `luma_ssim_at_size` is of luma with the source scaled down.
    """
    frames, video_bytes, key_frames = count_frames(rendition.playlist)
    if frames != source.frames:
        raise BenchError(
            f"{rendition.playlist}: {frames} frames, the source has {source.frames}: "
            "frames cannot be paired"
        )
    up, down = _ssim(rendition, source)
    for compared in (up, down):
        if len(compared) != frames:
            raise BenchError(f"{rendition.playlist}: {len(compared)} frames compared of {frames}")
    return Quality(
        frames=frames,
        key_frames=key_frames,
        video_kbps=float(video_bytes * 8 * source.fps / frames / 1000),
        ssim=_mean(up, "All"),
        luma_ssim_at_size=_mean(down, "Y"),
    )


def decibels(ssim):
    return math.inf if ssim >= 1 else -10 * math.log10(1 - ssim)


def _ssim(rendition, source):
    """Per-frame values at the source's size and at the rendition's, from one decode of each.

    Frames are paired by number: both sides get their count as timestamp.
    """
    number = "settb=1/1000,setpts=N,format=yuv420p"
    to_source = f"scale={source.width}:{source.height}:flags={SCALER}"
    to_rendition = f"scale={rendition.width}:{rendition.height}:flags={SCALER}"
    graph = (
        f"[0:v:0]{number},split[small0][small1];"
        f"[1:v:0]{number},split[big0][big1];"
        f"[small0]{to_source}[up];[big1]{to_rendition}[down];"
        "[up][big0]ssim=stats_file=up.log[a];"
        "[small1][down]ssim=stats_file=down.log[b]"
    )
    with tempfile.TemporaryDirectory() as scratch:
        run(
            f"SSIM of {rendition.name}",
            ffmpeg(
                "-i", rendition.playlist.resolve(), "-i", source.path.resolve(),
                "-filter_complex", graph,
                "-map", "[a]", "-map", "[b]", "-fps_mode", "passthrough", "-f", "null", "-",
            ),
            cwd=scratch,
        )
        return tuple(
            Path(scratch, name).read_text(encoding="ascii").splitlines() for name in ("up.log", "down.log")
        )


def _mean(lines, plane):
    values = [float(re.search(rf"\b{plane}:([\d.]+)", line)[1]) for line in lines]
    return sum(values) / len(values)
