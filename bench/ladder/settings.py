"""What every contestant is asked to make: read in one place, used by all."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    preset: str
    crf: float
    vbv_ms: int
    caps_kbps: dict  # short side of a rung -> its cap in kbit/s
    key_frame_seconds: int
    segment_seconds: int
    audio_kbps: int


@dataclass(frozen=True)
class Rung:
    short_side: int
    width: int
    height: int
    cap_kbps: int
    buffer_kbits: int

    @property
    def name(self):
        return f"{self.short_side}p"


def add_flags(parser):
    group = parser.add_argument_group("encoding (of the ffmpeg runs; keep equal to Clipsy's own)")
    group.add_argument("--preset", default="veryfast", help="x264 preset (%(default)s)")
    group.add_argument("--crf", type=float, default=23, help="x264 quality (%(default)s)")
    group.add_argument("--vbv-ms", type=int, default=2000, help="rate buffer at the cap, in ms (%(default)s)")
    group.add_argument(
        "--caps", type=_caps, default="1080:5000,720:2500,480:1200,360:700", metavar="RUNG:KBPS,…",
        help="rungs by short side and their caps (%(default)s)",
    )


def settings(args):
    return Settings(
        preset=args.preset,
        crf=args.crf,
        vbv_ms=args.vbv_ms,
        caps_kbps=args.caps,
        key_frame_seconds=2,
        segment_seconds=10,
        audio_kbps=128,
    )


def plan(source, wanted):
    """The rungs of a source, by Clipsy's rule: never upscale, and no source without a rung."""
    kept = [side for side in sorted(wanted.caps_kbps, reverse=True) if side <= source.short_side]
    above = [side for side in sorted(wanted.caps_kbps) if side > source.short_side]
    rungs = [_rung(source, side, wanted.caps_kbps[side], wanted) for side in kept]
    if above and (not kept or source.short_side > kept[0] * 1.15):
        rungs.insert(0, _rung(source, source.short_side, wanted.caps_kbps[above[0]], wanted))
    return rungs


def _rung(source, side, cap_kbps, wanted):
    def even(length):
        return 2 * round(length * side / source.short_side / 2)

    width, height = even(source.width), even(source.height)
    return Rung(min(width, height), width, height, cap_kbps, cap_kbps * wanted.vbv_ms // 1000)


def _caps(text):
    if not re.fullmatch(r"\d+:\d+(,\d+:\d+)*", text):
        raise ValueError(text)
    return {int(side): int(kbps) for side, kbps in (pair.split(":") for pair in text.split(","))}
