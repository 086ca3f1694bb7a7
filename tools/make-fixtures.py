#!/usr/bin/env python3
"""Makes the odd inputs that the tests feed to Clipsy, with the ffmpeg command line.

    tools/make-fixtures.py [--list] [--only NAME ...] [--jobs N]

The files land in .media/fixtures, which git ignores. TABLE below is the whole list: each entry is
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
  audio           whether there is sound to be heard
  tone_hz         the frequency of the sine that must be heard (of the default track)
  corners         colours of the upright picture's corners, each a quarter of its size:
                  top left, top right, bottom left, bottom right
  sync            a white flash and a 1 kHz beep, 0.1 s long, coincide every second
"""

import argparse
import functools
import hashlib
import inspect
import itertools
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

MEDIA = Path(__file__).resolve().parent.parent / ".media"
CLIPS = MEDIA / "clips"
FIXTURES = MEDIA / "fixtures"
INDEX = FIXTURES / "index.json"
RECIPES = FIXTURES / ".recipes.json"

# One thread each, because several ffmpeg run side by side, and the same bytes come out everywhere.
FFMPEG = ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-filter_threads", "1"]
REPRODUCIBLE = ["-fflags", "+bitexact", "-flags:a", "+bitexact"]
PROGRESSIVE = ["-flags:v", "+bitexact"]
INTERLACED = ["-flags:v", "+bitexact+ilme+ildct"]


class Fixture(NamedTuple):
    file: str
    recipe: "list[str] | Callable[[Path], None]"
    """Arguments of ffmpeg up to the output file, or what writes the file at the given path."""
    expect: dict[str, object]
    needs: str = ""
    """A fixture that has to be made first: the recipe reads it."""

    @property
    def name(self) -> str:
        return self.file.partition(".")[0]


class SkipFixture(Exception):
    """The ffmpeg at hand cannot make it."""


# --- what to expect ---------------------------------------------------------------------------


def ok(
    width: int, height: int, fps: str | None, duration: float | None, audio: bool = True, **more: object
) -> dict[str, object]:
    known = {"width": width, "height": height, "fps": fps, "duration": duration, "audio": audio}
    return {"expect": "ok", **{k: v for k, v in known.items() if v is not None}, **more}


def error(*codes: str) -> dict[str, object]:
    return {"expect": "error", "code": codes[0], "codes": list(codes)}


def either(expected: dict[str, object], *codes: str) -> dict[str, object]:
    return {**expected, "expect": "either", "code": codes[0], "codes": list(codes)}


# --- ffmpeg arguments -------------------------------------------------------------------------

X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
SPARSE_KEY_FRAMES = ["-g", "100", "-sc_threshold", "0"]
X265 = ["-c:v", "libx265", "-preset", "ultrafast"]
X265_PARAMS = "log-level=error:pools=none:frame-threads=1"
VPX = ["-deadline", "realtime", "-cpu-used", "8", "-b:v", "600k"]
AAC = ["-c:a", "aac", "-b:a", "96k"]
MP3 = ["-c:a", "libmp3lame", "-b:a", "128k", "-ar", "44100"]
PCM = ["-c:a", "pcm_s16le"]
FULL_HD_BITRATE = ["-b:v", "4M"]
FULL_CHROMA = ",format=yuv444p"
CORNER_COLOURS = ("red", "lime", "blue", "white")


def picture(size: str = "640x360", rate: str = "25", seconds: float = 4, more: str = "") -> list[str]:
    return lavfi(f"testsrc2=s={size}:r={rate}:d={seconds}{more}")


def tone(seconds: float = 4, hz: int = 440, rate: int = 48000) -> list[str]:
    return lavfi(f"sine=f={hz}:r={rate}:d={seconds}")


def flashes(seconds: float = 8, size: str = "320x180") -> list[str]:
    # The millisecond keeps rounding of `t` from moving a flash by one frame.
    flash = "drawbox=t=fill:c=white:enable='lt(mod(t+0.001,1),0.1)'"
    return lavfi(f"color=black:s={size}:r=25:d={seconds},{flash}")


def beeps(seconds: float = 8, starting_at: float = 0) -> list[str]:
    beep = f"0.5*sin(2*PI*1000*t)*lt(mod(t+{starting_at},1),0.1)"
    return lavfi(f"aevalsrc='{beep}':s=48000:d={seconds}")


def lavfi(graph: str) -> list[str]:
    return ["-f", "lavfi", "-i", graph]


def trailer(seconds: float = 6, size: str = "640:360") -> list[str]:
    start = ["-threads", "1", "-ss", "20", "-t", str(seconds), "-i", "{clips}/trailer_bbb.mp4"]
    return [*start, "-vf", f"scale={size},setsar=1"]


def corners() -> str:
    places = (("0", "0"), ("iw-iw/4", "0"), ("0", "ih-ih/4"), ("iw-iw/4", "ih-ih/4"))
    return ",".join(
        f"drawbox=x={x}:y={y}:w=iw/4:h=ih/4:t=fill:c={colour}"
        for (x, y), colour in zip(places, CORNER_COLOURS, strict=True)
    )


def colours(primaries: str, transfer: str, matrix: str) -> list[str]:
    """States the colour space wherever one of ffmpeg's versions looks for it."""
    params = f"setparams=color_primaries={primaries}:color_trc={transfer}:colorspace={matrix}"
    flags = ["-color_primaries", primaries, "-color_trc", transfer, "-colorspace", matrix]
    return ["-vf", f"format=yuv420p10le,{params}", "-color_range", "tv", *flags]


def graded_clip(transfer: str = "bt709") -> list[str]:
    """Four seconds of a film; in a high dynamic range, paper white of 203 cd/m2 as in BT.2408."""
    clip = ["-ss", "20", "-t", "4", "-i", "{clips}/trailer_bbb.mp4", "-an"]
    if transfer == "bt709":
        return [*clip, "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]
    grade = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709,zscale=t=linear:npl=203,format=gbrpf32le,"
        f"zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    )
    return [*clip, "-vf", grade, "-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc"]


def x265_colours(primaries: str, transfer: str, matrix: str, more: str = "") -> list[str]:
    said = f"colorprim={primaries}:transfer={transfer}:colormatrix={matrix}:{X265_PARAMS}{more}"
    return ["-x265-params", said]


# --- recipes that ffmpeg alone cannot follow ----------------------------------------------------


def ffmpeg(args: list[str], out: Path, stdout: "IO[bytes] | None" = None) -> None:
    flags = [] if "-flags:v" in args else PROGRESSIVE  # a second -flags:v would undo the first
    done = subprocess.run(
        [*FFMPEG, *(fill(arg) for arg in args), "-threads", "1", *REPRODUCIBLE, *flags, str(out)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
        check=False,
        # SVT-AV1 writes its banner past ffmpeg's log level.
        env={**os.environ, "SVT_LOG": "1"},
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RuntimeError("\n    ".join(["ffmpeg failed:", *lines[-4:]]))


def fill(arg: str) -> str:
    return arg.replace("{clips}", str(CLIPS)).replace("{fixtures}", str(FIXTURES))


def piped(args: list[str], out: Path) -> None:
    """ffmpeg cannot seek in a pipe, so it can write neither a duration nor an index."""
    with out.open("wb") as file:
        ffmpeg(args, Path("pipe:1"), stdout=file)


def joined(parts: list[list[str]], out: Path) -> None:
    """Transport streams may be joined byte by byte."""
    with tempfile.TemporaryDirectory(dir=FIXTURES, prefix=".parts-") as scratch, out.open("wb") as file:
        for number, args in enumerate(parts):
            part = Path(scratch) / f"{number}.ts"
            ffmpeg(args, part)
            file.write(part.read_bytes())


def rotated(degrees: int, out: Path) -> None:
    """A picture stored lying, and a track header that tells players to turn it clockwise.

    ffmpeg's own way to write that header differs between versions; the header itself does not."""
    upright = "640x360" if degrees == 180 else "360x640"
    lay_down = {90: "transpose=cclock", 180: "hflip,vflip", 270: "transpose=clock"}[degrees]
    source = [*picture(upright), *tone(), "-vf", f"{corners()},{lay_down}"]
    ffmpeg([*source, *X264, *AAC], out)

    # One row per column of the matrix in ISO/IEC 14496-12; the moves keep the picture in view.
    a, b, c, d, x, y = {
        90: (0, 1, -1, 0, 360, 0),
        180: (-1, 0, 0, -1, 640, 360),
        270: (0, -1, 1, 0, 0, 640),
    }[degrees]
    one, perspective_one = 1 << 16, 1 << 30
    rows = (a * one, b * one, 0, c * one, d * one, 0, x * one, y * one, perspective_one)

    content = bytearray(out.read_bytes())
    matrix, width = 40, 76
    for start, _ in boxes(content, ("moov", "trak", "tkhd")):
        if content[start] != 0:
            raise RuntimeError("the track header is not of version 0")
        if content[start + width : start + width + 4] != bytes(4):  # sound has no width
            struct.pack_into(">9i", content, start + matrix, *rows)
    out.write_bytes(content)


def boxes(
    content: bytearray, path: tuple[str, ...], start: int = 0, end: int | None = None
) -> Iterator[tuple[int, int]]:
    """Where the payloads of all MP4 boxes at `path` start and end."""
    end = len(content) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, start)
        if size < 8:
            raise RuntimeError(f"unexpected size of box {kind!r}")
        if kind == path[0].encode():
            if len(path) == 1:
                yield start + 8, start + size
            else:
                yield from boxes(content, path[1:], start + 8, start + size)
        start += size


def renamed_codec(source: str, out: Path) -> None:
    content = bytearray((FIXTURES / source).read_bytes())
    for start, end in boxes(content, ("moov", "trak", "mdia", "minf", "stbl", "stsd")):
        found = content.find(b"avc1", start, end)
        if found >= 0:
            content[found : found + 4] = b"zzz1"
            out.write_bytes(content)
            return
    raise RuntimeError(f"no avc1 in {source}")


def renamed_codec_id(source: str, out: Path) -> None:
    content = (FIXTURES / source).read_bytes()
    known, unknown = b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/ZZZ"
    if content.count(known) != 1:
        raise RuntimeError(f"expected one {known!r} in {source}")
    out.write_bytes(content.replace(known, unknown))


def zero_length_samples(source: str, out: Path) -> None:
    content = bytearray((FIXTURES / source).read_bytes())
    for start, end in boxes(content, ("moov", "trak", "mdia", "minf", "stbl", "stsz")):
        table = start + 12  # after version, common size and count
        content[table:end] = bytes(end - table)
    out.write_bytes(content)


def cut(source: str, share: float, out: Path) -> None:
    content = (FIXTURES / source).read_bytes()
    out.write_bytes(content[: int(len(content) * share)])


def cut_inside_packet(source: str, out: Path) -> None:
    content = (FIXTURES / source).read_bytes()
    packet = 188
    out.write_bytes(content[: len(content) * 6 // 10 // packet * packet + 100])


def holed(source: str, out: Path) -> None:
    content = bytearray((FIXTURES / source).read_bytes())
    size = 64 * 1024
    start = (len(content) - size) // 2
    content[start : start + size] = bytes(size)
    out.write_bytes(content)


def noise(out: Path) -> None:
    out.write_bytes(random.Random(20260101).randbytes(256 * 1024))


def text(content: str, out: Path) -> None:
    out.write_text(content)


def jpeg(out: Path) -> None:
    ffmpeg([*picture("640x360"), "-frames:v", "1", "-f", "mjpeg"], out)


def archive(out: Path) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        # A fixed date, so that the bytes are the same everywhere.
        bundle.writestr(zipfile.ZipInfo("video.mp4", (2020, 1, 1, 0, 0, 0)), b"not a video\n" * 64)


def playlist(target: str) -> str:
    return f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n{target}\n#EXT-X-ENDLIST\n"


def call(function: Callable[..., None], *args: object) -> Callable[[Path], None]:
    return functools.partial(function, *args)


# --- the table --------------------------------------------------------------------------------

NOT_MEDIA = ("unsupported_container", "no_video_stream", "corrupt_input")
TRAILER = ok(640, 360, "24/1", 6)
PART_OF_TRAILER = ok(640, 360, "24/1", None)
PICTURE = ok(640, 360, "25/1", 4)
SYNC = ok(320, 180, "25/1", 8, sync=True)

SVG = """\
<?xml version="1.0"?>
<!DOCTYPE svg [<!ENTITY file SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg" width="640" height="360"><text y="20">&file;</text></svg>
"""
MPD = """\
<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S"
     profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">
<Period><AdaptationSet mimeType="video/mp4">
<Representation id="1" bandwidth="1000" width="640" height="360" codecs="avc1.42c01e">
<BaseURL>http://127.0.0.1:9/video.mp4</BaseURL>
</Representation></AdaptationSet></Period>
</MPD>
"""
SDP = """\
v=0
o=- 0 0 IN IP4 127.0.0.1
s=x
c=IN IP4 127.0.0.1
t=0 0
m=video 9 RTP/AVP 96
a=rtpmap:96 H264/90000
"""


def rate(number: str, seconds: int = 12, name: str = "") -> Fixture:
    over, _, under = number.partition("/")
    frames = math.ceil(seconds * int(over) / int(under or 1))  # as the source makes them
    return Fixture(
        f"{name or 'rate-' + number.replace('/', '-')}.mp4",
        [*picture(rate=number, seconds=seconds), *tone(seconds), *X264, *AAC],
        ok(640, 360, f"{over}/{under or 1}", round(frames * int(under or 1) / int(over), 3), tone_hz=440),
    )


TABLE = (
    # Frame rates.
    *map(rate, ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")),
    rate("30000/1001", seconds=22, name="rate-30000-1001-long"),
    Fixture(
        "rate-120.mp4",
        [*picture(rate="120", seconds=3), *tone(3), *X264, *AAC],
        # The last picture falls between two of the slower rate.
        ok(640, 360, "60/1", None, duration_any=[3, 3.0167]),
    ),
    Fixture(
        "rate-variable.mp4",
        [
            *(*picture(rate="30", seconds=12), *tone(12)),
            *("-vf", "select='lt(mod(n*n+3*n,11),7)'", "-fps_mode", "vfr"),
            *(*X264, *AAC, "-video_track_timescale", "90000"),
        ],
        ok(640, 360, None, 12),
    ),
    Fixture(
        # Nothing new for 2.5 s, as screen recorders write it.
        "rate-variable-gap.mp4",
        [
            *(*picture(rate="30", seconds=8), *tone(8)),
            *("-vf", "select='not(between(t,2,4.5))'", "-fps_mode", "vfr"),
            *(*X264, *AAC, "-video_track_timescale", "90000"),
        ],
        ok(640, 360, None, 8),
    ),
    Fixture(
        "rate-1.mp4",
        [*picture(rate="1", seconds=8), *tone(8), *X264, *AAC],
        ok(640, 360, None, 8, tone_hz=440),
    ),
    Fixture(
        "rate-single-frame.mp4",
        [*picture(), "-frames:v", "1", *X264],
        ok(640, 360, None, 0.04, audio=False),
    ),
    # Containers and codecs.
    Fixture("media-h264.mp4", [*trailer(), *X264, *AAC], TRAILER),
    Fixture("media-h264-mov.mov", [*trailer(), *X264, *AAC], TRAILER),
    Fixture("media-h264-mkv.mkv", [*trailer(), *X264, *AAC], TRAILER),
    Fixture("media-h264-avi.avi", [*trailer(), *X264, "-bf", "0", *MP3], TRAILER),
    Fixture("media-h264-ts.ts", [*trailer(), *X264, *AAC], TRAILER),
    Fixture("media-h264-flv.flv", [*trailer(), *X264, *AAC, "-ar", "44100"], TRAILER),
    Fixture(
        "media-hevc.mp4",
        [*trailer(), *X265, "-pix_fmt", "yuv420p", "-x265-params", X265_PARAMS, "-tag:v", "hvc1", *AAC],
        TRAILER,
    ),
    Fixture(
        "media-hevc10.mkv",
        [*trailer(), *X265, "-pix_fmt", "yuv420p10le", "-x265-params", X265_PARAMS, "-c:a", "flac"],
        TRAILER,
    ),
    Fixture("media-vp8.webm", [*trailer(), "-c:v", "libvpx", *VPX, "-c:a", "libvorbis"], TRAILER),
    Fixture("media-vp9.webm", [*trailer(), "-c:v", "libvpx-vp9", *VPX, "-c:a", "libopus"], TRAILER),
    Fixture(
        "media-av1.mp4",
        [*trailer(2, "320:180"), "-c:v", "libsvtav1", "-preset", "10", "-pix_fmt", "yuv420p", *AAC],
        ok(320, 180, "24/1", 2),
    ),
    Fixture(
        "media-mpeg1.mpg",
        [*trailer(), "-c:v", "mpeg1video", "-b:v", "1500k", "-c:a", "mp2", "-f", "mpeg"],
        TRAILER,
    ),
    Fixture(
        "media-mpeg2-ps.mpg",
        [*trailer(), "-c:v", "mpeg2video", "-b:v", "1500k", "-c:a", "mp2", "-f", "vob"],
        TRAILER,
    ),
    Fixture(
        "media-mpeg2-vob.vob",
        [*trailer(), "-c:v", "mpeg2video", "-b:v", "1500k", "-c:a", "ac3", "-f", "vob"],
        TRAILER,
    ),
    Fixture(
        "media-mpeg2-ts.ts",
        [*trailer(), "-c:v", "mpeg2video", "-b:v", "1500k", "-c:a", "mp2"],
        TRAILER,
    ),
    Fixture(
        "media-mpeg4.avi",
        [*trailer(), "-c:v", "mpeg4", "-q:v", "5", "-tag:v", "XVID", *MP3],
        TRAILER,
    ),
    Fixture(
        "media-theora.ogv",
        [*trailer(), "-c:v", "libtheora", "-q:v", "6", "-c:a", "libvorbis"],
        TRAILER,
    ),
    Fixture(
        "media-prores422.mov",
        [*trailer(3), "-c:v", "prores_ks", "-profile:v", "2", "-pix_fmt", "yuv422p10le", *PCM],
        ok(640, 360, "24/1", 3),
    ),
    Fixture(
        "media-prores4444.mov",
        [
            *(*trailer(2), "-c:v", "prores_ks", "-profile:v", "4", "-pix_fmt", "yuva444p10le"),
            *("-alpha_bits", "8", "-q:v", "16", *PCM),
        ],
        ok(640, 360, "24/1", 2),
    ),
    Fixture(
        "media-mjpeg.avi",
        [*trailer(), "-c:v", "mjpeg", "-q:v", "5", "-pix_fmt", "yuvj420p", *PCM],
        TRAILER,
    ),
    Fixture(
        "media-wmv2.wmv",
        [*trailer(), "-c:v", "wmv2", "-b:v", "1M", "-c:a", "wmav2", "-ar", "44100"],
        TRAILER,
    ),
    Fixture("media-flv1.flv", [*trailer(), "-c:v", "flv", "-q:v", "5", *MP3], TRAILER),
    Fixture(
        # Cut from a clip, because few builds of ffmpeg can encode AMR.
        "media-h263-amr.3gp",
        ["-t", "6", "-i", "{clips}/demo.3gp", "-c", "copy"],
        ok(352, 288, "24/1", 6),
    ),
    Fixture(
        "media-dnxhd.mov",
        [*picture("1280x720", seconds=1), *tone(1), "-c:v", "dnxhd", "-b:v", "60M", "-pix_fmt", "yuv422p", *PCM],
        ok(1280, 720, "25/1", 1),
    ),
    Fixture(
        # Its later form, for any size and with another name, which GStreamer 1.22 does not know.
        "media-dnxhr.mov",
        [*trailer(2), "-c:v", "dnxhd", "-profile:v", "dnxhr_sq", "-pix_fmt", "yuv422p", *PCM],
        either(ok(640, 360, "24/1", 2), "unsupported_codec"),
    ),
    # Geometry.
    *(
        Fixture(
            f"geometry-rotate-{degrees}.mp4",
            call(rotated, degrees),
            ok(*size, "25/1", 4, corners=list(CORNER_COLOURS)),
        )
        for degrees, size in ((90, (360, 640)), (180, (640, 360)), (270, (360, 640)))
    ),
    Fixture(
        "geometry-portrait.mp4",
        [*picture("360x640"), *tone(), "-vf", corners(), *X264, *AAC],
        ok(360, 640, "25/1", 4, corners=list(CORNER_COLOURS)),
    ),
    *(
        Fixture(
            f"geometry-sar-{sar.replace('/', '-')}.mp4",
            [*picture(size, seconds=3), *tone(3), "-vf", f"{corners()},setsar={sar}", *X264, *AAC],
            ok(width, height, "25/1", 3, corners=list(CORNER_COLOURS)),
        )
        for size, sar, width, height in (
            ("720x576", "16/15", 768, 576),
            ("720x576", "64/45", 1024, 576),
            ("1440x1080", "4/3", 1920, 1080),
        )
    ),
    Fixture(
        # Chroma in full resolution is how H.264, and the source of the picture, can have odd sides.
        "geometry-odd-853x481.mp4",
        [*picture("853x481", more=FULL_CHROMA), *tone(), *X264, "-pix_fmt", "yuv444p", *AAC],
        ok(853, 481, "25/1", 4),
    ),
    Fixture(
        "geometry-odd-427x239.webm",
        [
            *(*picture("427x239", more=FULL_CHROMA), *tone()),
            *("-c:v", "libvpx-vp9", *VPX, "-pix_fmt", "yuv420p", "-c:a", "libopus"),
        ],
        ok(427, 239, "25/1", 4),
    ),
    *(
        Fixture(
            f"geometry-{width}x{height}.mp4",
            [*picture(f"{width}x{height}", seconds=seconds), *tone(seconds), *X264, *quality, *AAC],
            ok(width, height, "25/1", seconds),
        )
        for width, height, seconds, quality in (
            (64, 36, 4, []),
            (1280, 240, 4, []),
            (1440, 900, 3, FULL_HD_BITRATE),
            (1920, 1080, 3, FULL_HD_BITRATE),
            (3840, 2160, 1, ["-b:v", "12M", "-preset", "ultrafast"]),
        )
    ),
    # Interlacing. Renditions may have one frame for each field, or one for both.
    Fixture(
        "interlaced-576i25.mp4",
        [
            *(*picture("720x576", "50"), *tone()),
            *("-vf", "tinterlace=interleave_top,setfield=tff,setsar=16/15"),
            *(*X264, *INTERLACED, *AAC),
        ],
        ok(768, 576, None, 4, fps_any=["25/1", "50/1"]),
    ),
    Fixture(
        "interlaced-480i30.ts",
        [
            *(*picture("720x480", "60000/1001"), *tone()),
            *("-vf", "tinterlace=interleave_top,setfield=tff,setsar=8/9"),
            *("-c:v", "mpeg2video", "-b:v", "3M", *INTERLACED, "-c:a", "mp2"),
        ],
        ok(640, 480, None, 4, fps_any=["30000/1001", "60000/1001"]),
    ),
    # Pixel formats and colour.
    Fixture("pixel-420-10bit.mp4", [*picture(), *tone(), *X264, "-pix_fmt", "yuv420p10le", *AAC], PICTURE),
    Fixture("pixel-422.mp4", [*picture(), *tone(), *X264, "-pix_fmt", "yuv422p", *AAC], PICTURE),
    Fixture("pixel-444.mp4", [*picture(), *tone(), *X264, "-pix_fmt", "yuv444p", *AAC], PICTURE),
    Fixture(
        "pixel-full-range.mp4",
        [
            *(*picture(), *tone(), "-vf", "scale=out_range=full,format=yuvj420p"),
            *("-c:v", "libx264", "-preset", "veryfast", "-color_range", "pc", *AAC),
        ],
        PICTURE,
    ),
    Fixture(
        "pixel-rgb-h264.mp4",
        [*picture(), *tone(), "-c:v", "libx264rgb", "-preset", "veryfast", "-pix_fmt", "rgb24", *AAC],
        PICTURE,
    ),
    Fixture(
        "pixel-rgb-ffv1.mkv",
        [*picture(seconds=2), *tone(2), "-c:v", "ffv1", "-pix_fmt", "bgr0", "-c:a", "flac"],
        ok(640, 360, "25/1", 2),
    ),
    Fixture(
        "pixel-rgb-png.mov",
        [*picture("320x180", seconds=2), *tone(2), "-c:v", "png", "-pix_fmt", "rgb24", *PCM],
        ok(320, 180, "25/1", 2),
    ),
    Fixture(
        "pixel-hdr-pq.mp4",
        [
            *(*picture(), *tone(), *X265, *colours("bt2020", "smpte2084", "bt2020nc")),
            *x265_colours(
                "bt2020",
                "smpte2084",
                "bt2020nc",
                ":hdr10=1:repeat-headers=1:max-cll=1000,400"
                ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
            ),
            *("-tag:v", "hvc1", *AAC),
        ],
        PICTURE,
    ),
    Fixture(
        "pixel-hdr-hlg.mkv",
        [
            *(*picture(), *tone(), *X265, *colours("bt2020", "arib-std-b67", "bt2020nc")),
            *(*x265_colours("bt2020", "arib-std-b67", "bt2020nc"), *AAC),
        ],
        PICTURE,
    ),
    # The same four seconds as graded for a television of 1000 cd/m2, and as they were.
    Fixture("pixel-graded-sdr.mp4", [*graded_clip(), *X264], ok(1280, 720, "24/1", 4, audio=False)),
    Fixture(
        "pixel-graded-pq.mkv",
        [*graded_clip("smpte2084"), *X265, *x265_colours("bt2020", "smpte2084", "bt2020nc")],
        ok(1280, 720, "24/1", 4, audio=False),
    ),
    Fixture(
        "pixel-graded-hlg.mkv",
        [*graded_clip("arib-std-b67"), *X265, *x265_colours("bt2020", "arib-std-b67", "bt2020nc")],
        ok(1280, 720, "24/1", 4, audio=False),
    ),
    # Sound.
    Fixture("audio-none.mp4", [*picture(), *X264], {**PICTURE, "audio": False}),
    Fixture(
        "audio-mono-22050.mp4",
        [*picture(), *tone(rate=22050), *X264, *AAC],
        {**PICTURE, "tone_hz": 440},
    ),
    Fixture(
        # Each channel has its own tone, the low-frequency one a low tone.
        "audio-5-1.mp4",
        [
            *picture(),
            *lavfi(
                "aevalsrc='" + "|".join(f"0.2*sin(2*PI*{hz}*t)" for hz in (440, 550, 660, 60, 770, 880)) + "'"
                ":c=5.1:s=48000:d=4"
            ),
            *(*X264, "-c:a", "aac", "-b:a", "256k"),
        ],
        PICTURE,
    ),
    Fixture(
        "audio-two-tracks.mkv",
        [
            *(*picture(), *tone(hz=440), *tone(hz=880), "-map", "0:v", "-map", "1:a", "-map", "2:a"),
            *("-metadata:s:a:0", "language=eng", "-disposition:a:0", "0"),
            *("-metadata:s:a:1", "language=deu", "-disposition:a:1", "default"),
            *(*X264, *AAC),
        ],
        {**PICTURE, "tone_hz": 880, "other_tone_hz": 440},
    ),
    Fixture(
        "audio-longer.mp4",
        [*picture(seconds=6), *tone(10), *X264, *AAC],
        ok(640, 360, "25/1", None, duration_any=[6, 10], video_duration=6, audio_duration=10),
    ),
    Fixture(
        "audio-shorter.mp4",
        [*picture(seconds=8), *tone(4), *X264, *AAC],
        ok(640, 360, "25/1", 8, video_duration=8, audio_duration=4),
    ),
    Fixture(
        "audio-late.mp4",
        [*flashes(), "-itsoffset", "1.5", *beeps(6.5, starting_at=1.5), *X264, *AAC],
        {**SYNC, "audio_start": 1.5},
    ),
    Fixture(
        "audio-late-mkv.mkv",
        [*flashes(), "-itsoffset", "1.5", *beeps(6.5, starting_at=1.5), *X264, *AAC],
        {**SYNC, "audio_start": 1.5},
    ),
    Fixture("audio-pcm-8k.mov", [*picture(), *tone(rate=8000), *X264, *PCM], {**PICTURE, "tone_hz": 440}),
    Fixture("audio-ac3.mkv", [*picture(), *tone(), *X264, "-c:a", "ac3"], {**PICTURE, "tone_hz": 440}),
    Fixture(
        "audio-opus.mp4",
        [*picture(), *tone(), *X264, "-c:a", "libopus", "-strict", "-2"],
        {**PICTURE, "tone_hz": 440},
    ),
    # Timestamps.
    Fixture("time-ts-offset.ts", [*flashes(), *beeps(), *X264, *AAC, "-output_ts_offset", "100"], SYNC),
    Fixture(
        # The 33 bits of a time stamp run over 3.7 s after 95440 s.
        "time-ts-wrap.ts",
        [*flashes(), *beeps(), *X264, *AAC, "-muxdelay", "0", "-output_ts_offset", "95440"],
        SYNC,
    ),
    Fixture(
        "time-ts-jump.ts",
        call(
            joined,
            [
                [*flashes(4), *beeps(4), *X264, *AAC],
                [*flashes(4), *beeps(4), *X264, *AAC, "-output_ts_offset", "24"],
            ],
        ),
        # Whether the gap is kept, and how well sound finds its place after it, is up to the demuxer.
        ok(320, 180, "25/1", None),
    ),
    Fixture("time-mkv-offset.mkv", [*flashes(), *beeps(), *X264, *AAC, "-output_ts_offset", "5"], SYNC),
    Fixture("time-mkv-pipe.mkv", call(piped, [*flashes(), *beeps(), *X264, *AAC, "-f", "matroska"]), SYNC),
    Fixture(
        "time-fragmented.mp4",
        [*flashes(), *beeps(), *X264, "-g", "50", *AAC, "-movflags", "+frag_keyframe+empty_moov"],
        SYNC,
    ),
    Fixture("time-moov-last.mp4", [*flashes(), *beeps(), *X264, *SPARSE_KEY_FRAMES, *AAC], SYNC),
    Fixture(
        "time-moov-first.mp4",
        ["-i", "{fixtures}/time-moov-last.mp4", "-c", "copy", "-movflags", "+faststart"],
        SYNC,
        needs="time-moov-last",
    ),
    Fixture(
        # Key frames are 4 s apart, so the edit list has to hide the first 3 s of the pictures.
        "time-edit-list.mp4",
        ["-ss", "3", "-i", "{fixtures}/time-moov-last.mp4", "-c", "copy"],
        {**SYNC, "duration": 5},
        needs="time-moov-last",
    ),
    Fixture(
        "time-b-frames.mp4",
        [*flashes(), *beeps(), *X264, "-bf", "4", "-b_strategy", "0", "-x264-params", "b-pyramid=normal", *AAC],
        SYNC,
    ),
    Fixture(
        "time-raw.h264",
        [*picture(seconds=6), *X264, "-bf", "0"],
        either(ok(640, 360, "25/1", 6, audio=False), "unsupported_container"),
    ),
    Fixture(
        "time-raw-in-avi.avi",
        ["-r", "25", "-i", "{fixtures}/time-raw.h264", "-c", "copy"],
        ok(640, 360, "25/1", 6, audio=False),
        needs="time-raw",
    ),
    # Not a video, whatever the name says.
    Fixture("bad-empty.mp4", call(text, ""), error("corrupt_input", "unsupported_container")),
    Fixture("bad-noise.mp4", noise, error(*NOT_MEDIA)),
    Fixture("bad-text.mp4", call(text, "This is not a video.\n" * 200), error(*NOT_MEDIA)),
    Fixture("bad-jpeg.mp4", jpeg, error("no_video_stream", "unsupported_container")),
    Fixture("bad-svg.mp4", call(text, SVG), error(*NOT_MEDIA)),
    Fixture("bad-zip.mp4", archive, error(*NOT_MEDIA)),
    # Reads of other files and servers.
    Fixture("bad-playlist-file.mp4", call(text, playlist("file:///etc/passwd")), error(*NOT_MEDIA)),
    Fixture("bad-playlist-http.mp4", call(text, playlist("http://127.0.0.1:9/")), error(*NOT_MEDIA)),
    Fixture("bad-dash.mp4", call(text, MPD), error(*NOT_MEDIA)),
    Fixture("bad-sdp.mp4", call(text, SDP), error(*NOT_MEDIA)),
    Fixture("bad-concat.mp4", call(text, "ffconcat version 1.0\nfile /etc/passwd\n"), error(*NOT_MEDIA)),
    # Damage.
    Fixture(
        "bad-cut-moov-last.mp4",
        call(cut, "media-h264.mp4", 0.6),
        error("corrupt_input"),
        needs="media-h264",
    ),
    Fixture(
        "bad-whole-moov-first.mp4",
        ["-i", "{fixtures}/media-h264.mp4", "-c", "copy", "-movflags", "+faststart"],
        TRAILER,
        needs="media-h264",
    ),
    Fixture(
        "bad-cut-moov-first.mp4",
        call(cut, "bad-whole-moov-first.mp4", 0.6),
        either(PART_OF_TRAILER, "corrupt_input"),
        needs="bad-whole-moov-first",
    ),
    Fixture(
        "bad-cut.mkv",
        call(cut, "media-h264-mkv.mkv", 0.6),
        either(PART_OF_TRAILER, "corrupt_input"),
        needs="media-h264-mkv",
    ),
    Fixture(
        "bad-cut-ts.ts",
        call(cut_inside_packet, "media-h264-ts.ts"),
        PART_OF_TRAILER,
        needs="media-h264-ts",
    ),
    Fixture(
        "bad-hole.mp4",
        call(holed, "media-h264.mp4"),
        either(PART_OF_TRAILER, "corrupt_input"),
        needs="media-h264",
    ),
    Fixture(
        "bad-zero-length-samples.mp4",
        call(zero_length_samples, "media-h264.mp4"),
        error("corrupt_input", "no_video_stream"),
        needs="media-h264",
    ),
    Fixture(
        "bad-no-frames.mp4",
        [*picture(), "-vf", "select=0", *X264],
        error("no_video_stream", "corrupt_input"),
    ),
    Fixture(
        "bad-size-change.ts",
        call(
            joined,
            [
                [*picture("640x360", seconds=3), *tone(3), *X264, *AAC],
                [*picture("320x240", seconds=3), *tone(3), *X264, *AAC, "-output_ts_offset", "3"],
            ],
        ),
        ok(640, 360, "25/1", 6),
    ),
    # Nothing to show, or nothing that can be decoded.
    *(
        Fixture(f"bad-audio-only-{kind}.{kind}", [*tone(), *codec], error("no_video_stream"))
        for kind, codec in (
            ("mp4", AAC),
            ("mp3", MP3),
            ("flv", MP3),
            ("mkv", AAC),
            ("ogg", ["-c:a", "libvorbis"]),
        )
    ),
    Fixture(
        "bad-audio-with-cover.mp3",
        [
            *(*tone(), *picture("320x320", seconds=0.04), "-map", "0:a", "-map", "1:v"),
            *(*MP3, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-disposition:v", "attached_pic"),
        ],
        error("no_video_stream"),
    ),
    Fixture(
        "bad-unknown-codec.mp4",
        call(renamed_codec, "media-h264.mp4"),
        error("unsupported_codec"),
        needs="media-h264",
    ),
    Fixture(
        "bad-unknown-codec-mkv.mkv",
        call(renamed_codec_id, "media-h264-mkv.mkv"),
        error("unsupported_codec"),
        needs="media-h264-mkv",
    ),
    # More than a sane video has of something.
    Fixture(
        "limit-17-audio-tracks.mkv",
        [*picture("320x180", seconds=2), *tone(2), "-map", "0:v", *["-map", "1:a"] * 17, *X264, *AAC],
        error("limits_exceeded"),
    ),
    Fixture(
        "limit-38-megapixels.mp4",
        [*lavfi("color=gray:s=8192x4608:r=25"), "-frames:v", "1", *X264, "-preset", "ultrafast"],
        error("limits_exceeded"),
    ),
    Fixture(
        "limit-300-fps.mp4",
        [*picture("320x180", "300", 1), *X264],
        error("limits_exceeded"),
    ),
    Fixture(
        # Two frames, the second 13 hours after the first.
        "limit-13-hours.mp4",
        [
            *(*picture("320x180"), "-frames:v", "2"),
            *("-vf", "setpts='if(eq(N,0),0,46800/TB)'", "-fps_mode", "vfr", *X264, "-bf", "0"),
        ],
        error("limits_exceeded"),
    ),
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
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def recipe_text(recipe: Callable[..., None]) -> list[object]:
    """A function's arguments and source, with the source of all in this file that it calls."""
    args = list(recipe.args) if isinstance(recipe, functools.partial) else []
    first = recipe.func if isinstance(recipe, functools.partial) else recipe
    seen, waiting = {first.__name__: first}, [first]
    while waiting:
        for name in waiting.pop().__code__.co_names:
            called = globals().get(name)
            if inspect.isfunction(called) and called.__module__ == __name__ and name not in seen:
                seen[name] = called
                waiting.append(called)
    return [args, *(inspect.getsource(seen[name]) for name in sorted(seen))]


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
