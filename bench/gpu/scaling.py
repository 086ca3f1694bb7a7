#!/usr/bin/env python3
"""How well the card scales pictures down, beside the CPU. Part of bench/gpu/run-bundle.

Luma of a zone plate and of pictures of a clip, against pictures scaled by numpy: by the mean of the area
that a pixel covers, by Lanczos (3 lobes) and by Catmull-Rom, which is what `clipsyscale` does.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

WIDTH, HEIGHT = 1920, 1080
PICTURES, EVERY = 20, 12
SIZES = [(1280, 720), (854, 480), (640, 360)]
HALFWAY = (1280, 720)
STARTED = time.monotonic()
TIMEOUT_S = 60
DEADLINE_S = 170  # after this nothing new is begun


def main():
    bundle, scratch = Path(sys.argv[1]), Path(sys.argv[2])
    launch = bundle / "gst-launch-1.0"
    sources = {"zone plate": [zone_plate()], "clip": pictures(launch, bundle / "clips" / "h264.mp4")}
    result = {"sources": {}, "failed": {}}
    for source, lumas in sources.items():
        if not lumas:
            result["failed"][source] = "no pictures"
            continue
        path = scratch / "source.nv12"
        path.write_bytes(b"".join(nv12(luma) for luma in lumas))
        result["sources"][source] = [compare(launch, path, scratch, lumas, size, result) for size in SIZES]
        path.unlink()
    result["borders"] = borders(launch, scratch)
    json.dump(result, sys.stdout, indent=1)
    print(render(result), file=sys.stderr)


def compare(launch, path, scratch, lumas, size, result):
    references = {name: scaled(lumas, size, kernel) for name, kernel in KERNELS.items()}
    ways = {"card": cuda(size), "CPU, bilinear (videoconvertscale)": cpu(size, "bilinear"),
            "CPU, Lanczos (videoconvertscale)": cpu(size, "lanczos")}
    if size != HALFWAY:
        ways["card, by way of 720p"] = cuda(HALFWAY, size)
        ways["CPU, bilinear, by way of 720p"] = cpu(HALFWAY, "bilinear") + cpu(size, "bilinear")
    rows = {"Catmull-Rom (as clipsyscale)": judged(references["catmull-rom"], references)}
    for way, elements in ways.items():
        try:
            if time.monotonic() > STARTED + DEADLINE_S:
                raise RuntimeError("the time is used up")
            made = through(launch, path, scratch / "scaled.raw", elements, size)
            if len(made) != len(lumas):
                raise RuntimeError(f"{len(made)} of {len(lumas)} pictures")
            rows[way] = judged(made, references)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            result["failed"].setdefault(way, str(error))
    return {"size": f"{size[0]}x{size[1]}", "ways": rows}


def judged(made, references):
    facts = {}
    for name in ("area", "lanczos"):
        pairs = list(zip(made, references[name]))
        squares = np.mean([np.mean((a - b) ** 2) for a, b in pairs])
        facts[f"psnr_{name}"] = round(float(10 * np.log10(255**2 / squares)), 2) if squares else None
        facts[f"ssim_{name}"] = round(float(np.mean([ssim(a, b) for a, b in pairs])), 5)
    return facts


# --- pipelines -------------------------------------------------------------------------------------

def cuda(*sizes):
    words = ["!", "cudaupload"]
    for width, height in sizes:
        words += ["!", "cudaconvertscale", "add-borders=false", "!",
                  f"video/x-raw(memory:CUDAMemory),format=NV12,width={width},height={height},pixel-aspect-ratio=1/1"]
    return [*words, "!", "cudadownload"]


def cpu(size, method):
    return ["!", "videoconvertscale", f"method={method}", "add-borders=false", "!",
            f"video/x-raw,format=NV12,width={size[0]},height={size[1]},pixel-aspect-ratio=1/1"]


def through(launch, path, made, elements, size):
    """Luma of all pictures of the file, behind these elements."""
    made.unlink(missing_ok=True)
    words = [launch, "-q", "filesrc", f"location={path}", f"blocksize={WIDTH * HEIGHT * 3 // 2}", "!", "rawvideoparse",
             "format=nv12", f"width={WIDTH}", f"height={HEIGHT}", "framerate=24/1", *elements,
             # The copy gives rows the usual length; luma stays as it is.
             "!", "videoconvert", "chroma-mode=none", "dither=none", "!", "video/x-raw,format=I420",
             "!", "filesink", f"location={made}"]
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=TIMEOUT_S,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(" ".join(done.stderr.split())[:300] or f"exit status {done.returncode}")
    data = np.fromfile(made, dtype=np.uint8)
    made.unlink()
    width, height = size
    stride = (width + 3) // 4 * 4
    whole = stride * height * 3 // 2
    data = data[: len(data) // whole * whole].reshape(-1, whole)
    return [p[: stride * height].reshape(height, stride)[:, :width].astype(np.float32) for p in data]


def borders(launch, scratch):
    """Whether 854x480, which is not quite 16:9, gets black columns or rows by default."""
    path = scratch / "white.nv12"
    path.write_bytes(nv12(np.full((HEIGHT, WIDTH), 235, np.uint8)))
    words = [word for word in cuda((854, 480)) if not word.startswith("add-borders")]
    try:
        white = through(launch, path, scratch / "scaled.raw", words, (854, 480))[0]
    except (OSError, RuntimeError, IndexError, subprocess.TimeoutExpired) as error:
        return f"not tried: {str(error)[:120]}"
    columns, rows = (white.mean(axis=0) < 200).sum(), (white.mean(axis=1) < 200).sum()
    return f"{columns} black columns, {rows} black rows"


def pictures(launch, clip):
    words = [launch, "-q", "filesrc", f"location={clip}", "!", "qtdemux", "!", "h264parse", "!", "avdec_h264", "!",
             "videoconvert", "!", f"video/x-raw,format=I420,width={WIDTH},height={HEIGHT}", "!", "fdsink", "fd=1"]
    found = []
    with subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL) as child:
        for i in range(PICTURES * EVERY):
            data = child.stdout.read(WIDTH * HEIGHT * 3 // 2)
            if len(data) < WIDTH * HEIGHT * 3 // 2:
                break
            if i % EVERY == 0:
                found.append(np.frombuffer(data, np.uint8)[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH))
        child.kill()
    return found


def zone_plate():
    """Rings that get finer up to one pixel at the left and right edge."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    square = (x - (WIDTH - 1) / 2) ** 2 + (y - (HEIGHT - 1) / 2) ** 2
    return np.rint(125.5 + 109.5 * np.cos(square * np.pi / WIDTH)).astype(np.uint8)


def nv12(luma):
    return luma.tobytes() + b"\x80" * (WIDTH * HEIGHT // 2)


# --- numpy -----------------------------------------------------------------------------------------

def lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def catmull_rom(x):
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


KERNELS = {"area": (None, 0.5), "lanczos": (lanczos, 3), "catmull-rom": (catmull_rom, 2)}


def taps(before, after, kernel, lobes):
    """For each of `after` samples: which of `before` count, and how much."""
    ratio = before / after
    reach = int(np.ceil(lobes * ratio)) + 1
    centre = (np.arange(after)[:, None] + 0.5) * ratio - 0.5
    at = np.rint(centre).astype(int) + np.arange(-reach, reach + 1)
    if kernel is None:
        w = np.clip(np.minimum(at + 0.5, centre + ratio / 2) - np.maximum(at - 0.5, centre - ratio / 2), 0, None)
    else:
        w = kernel((at - centre) / ratio)
    w = np.where((at >= 0) & (at < before), w, 0)
    return np.clip(at, 0, before - 1), (w / w.sum(axis=1, keepdims=True)).astype(np.float32)


def scaled(lumas, size, kernel):
    across, down = taps(WIDTH, size[0], *kernel), taps(HEIGHT, size[1], *kernel)
    return [np.clip(np.rint(rows(rows(luma.astype(np.float32), *down).T, *across).T), 0, 255) for luma in lumas]


def rows(picture, at, weight):
    picture = np.ascontiguousarray(picture)
    return sum(weight[:, k, None] * picture[at[:, k]] for k in range(at.shape[1]) if weight[:, k].any())


def ssim(a, b):
    """Mean over windows of 8x8 pixels, 4 apart."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    height, width = a.shape[0] // 4 * 4, a.shape[1] // 4 * 4

    def window(x):
        cells = x[:height, :width].reshape(height // 4, 4, width // 4, 4).sum(axis=(1, 3))
        return (cells[:-1, :-1] + cells[1:, :-1] + cells[:-1, 1:] + cells[1:, 1:]) / 64

    ma, mb = window(a), window(b)
    va, vb, both = window(a * a) - ma * ma, window(b * b) - mb * mb, window(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return np.mean((2 * ma * mb + c1) * (2 * both + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2)))


def render(result):
    lines = []
    for source, sizes in result["sources"].items():
        for entry in sizes:
            lines.append(f"{source} to {entry['size']}:  PSNR, SSIM against area mean | against Lanczos")
            for way, facts in entry["ways"].items():
                lines.append("  {:<36} {} dB {:.4f} | {} dB {:.4f}".format(
                    way, facts["psnr_area"], facts["ssim_area"], facts["psnr_lanczos"], facts["ssim_lanczos"]))
    lines += [f"{way}: failed: {why}" for way, why in result["failed"].items()]
    lines.append(f"854x480 on the card with default settings: {result['borders']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
