"""What every contestant is asked to make: read in one place, used by all."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"


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
    group = parser.add_argument_group("encoding (of the ffmpeg runs; what pipelines/*.toml say unless given)")
    group.add_argument("--preset", help="x264 preset")
    group.add_argument("--crf", type=float, help="x264 quality")
    group.add_argument("--vbv-ms", type=int, help="rate buffer at the cap, in ms")
    group.add_argument("--caps", type=_caps, metavar="RUNG:KBPS,…", help="rungs by short side and their caps")


def settings(args):
    ladder = tomllib.loads((PIPELINES / "ladder.toml").read_text())
    encoders = tomllib.loads((PIPELINES / "encoders.toml").read_text())["encoder"]
    x264 = next(e for e in encoders if e["id"] == "software")["variant"][0]["properties"]
    video = ladder["video"]
    return Settings(
        preset=args.preset or x264["speed-preset"],
        crf=args.crf or video["quality"],
        vbv_ms=args.vbv_ms or video["vbv_ms"],
        caps_kbps=args.caps or {r["short_side"]: r["max_kbps"] for r in ladder["rung"]},
        key_frame_seconds=video["gop_s"],
        segment_seconds=video["segment_s"],
        audio_kbps=ladder["audio"]["bitrate_kbps"],
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
