#!/usr/bin/env python3
"""Makes the samples with which decoders are proven: crates/pipeline/src/encoder/samples/*.mkv.

Each holds the eight pictures of crates/pipeline/src/builder/pattern.rs. They are committed, since encoders
differ from version to version; this is how they were made (ffmpeg 5.1).
"""

import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "crates/pipeline/src/encoder/samples"
WIDTH, HEIGHT, CELLS, PICTURES = 320, 240, 8, 8
CODECS = {
    "h264": ["libx264", "-crf", "20", "-bf", "2"],
    "h265": ["libx265", "-crf", "20", "-x265-params", "log-level=error:info=0:bframes=2"],
    "vp8": ["libvpx", "-crf", "10", "-b:v", "2M"],
    "vp9": ["libvpx-vp9", "-crf", "20", "-b:v", "0"],
    "av1": ["libaom-av1", "-crf", "20", "-cpu-used", "6"],
}


def colour(column: int, row: int, number: int) -> tuple[int, int, int]:
    n = column * 3 + row * 5 + number * 7
    return 48 + n * 53 % 160, 80 + n * 29 % 96, 80 + n * 71 % 96


def picture(number: int) -> bytes:
    planes = []
    for plane in range(3):
        width, height = (WIDTH, HEIGHT) if plane == 0 else (WIDTH // 2, HEIGHT // 2)
        for y in range(height):
            row = (colour(x * CELLS // width, y * CELLS // height, number)[plane] for x in range(width))
            planes.append(bytes(row))
    return b"".join(planes)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    raw = b"".join(picture(number) for number in range(PICTURES))
    source = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "pipe:0"]
    tags = ["-color_range", "tv", "-colorspace", "bt709", "-color_trc", "bt709", "-color_primaries", "bt709"]
    for name, codec in CODECS.items():
        command = ["ffmpeg", "-v", "error", "-y", *source, "-c:v", *codec, *tags, "-fflags", "+bitexact"]
        subprocess.run([*command, str(FOLDER / f"{name}.mkv")], input=raw, check=True)


if __name__ == "__main__":
    main()
