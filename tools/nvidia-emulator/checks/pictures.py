"""Pictures and copies: decoding, the zero-copy ladder, uploads and downloads."""
import hashlib
import re
import subprocess

from . import basis
from .basis import FRAMES, Run, Wrong, clip, element, encoder, expect, ffmpeg, launch, name_of, settings, source, ssim, test


@test
def features():
    have = basis.basis_features()
    encoder()
    for name in ("cudaupload", "cudadownload", "cudaconvertscale", "nvh264dec", "nvh265dec", "nvvp9dec"):
        expect(name in have, f"{name} is not registered; there are {have}")
    return f"{len(have)} elements"


def frames(path, size):
    """One hash a picture."""
    data = open(path, "rb").read()
    return [hashlib.md5(data[i:i + size]).hexdigest() for i in range(0, len(data), size)]


def same_pictures(name, parser=False):
    """Every picture as ffmpeg decodes it, bit for bit."""
    ten = name.endswith("10")
    form, size = ("p010le", 640 * 360 * 3) if ten else ("nv12", 640 * 360 * 3 // 2)
    made, wanted = f"{basis.work}/made.raw", f"{basis.work}/wanted.raw"
    run = launch(f"{source(name, parser)} ! cudadownload ! video/x-raw,format={'P010_10LE' if ten else 'NV12'} ! filesink location={made}")
    run.good("decoding").tidy()
    expect(run.counts["pictures_decoded"] >= FRAMES, f"only {run.counts['pictures_decoded']} pictures decoded")  # VP9 has hidden ones
    ffmpeg(["-i", clip(name), "-f", "rawvideo", "-pix_fmt", form, wanted])
    ours, theirs = frames(made, size), frames(wanted, size)
    expect(len(ours) == len(theirs), f"{len(ours)} pictures, not {len(theirs)}")
    other = [i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b]
    expect(not other, f"pictures {other[:10]} differ from ffmpeg's")
    expect(run.counts["device_to_host_pictures"] >= FRAMES, "the downloads were not counted")


def _add(name):
    def one():
        try:
            clip(name)
        except Wrong:
            if name != "hevc-slices":
                raise
            return "this libx265 crashes with slices; left out"
        same_pictures(name)
    one.__name__ = f"decode_{name.replace('-', '_')}"
    test(one)


for _name in basis.CLIPS:
    _add(_name)


@test
def decode_by_parser():
    if basis.version() >= (1, 24):
        return "GStreamer 1.24 and later have no such elements; left out"
    for name in ("h264", "hevc", "vp9", "vp8"):
        same_pictures(name, True)


SIZES = ["640x360", "480x270", "320x180", "256x144"]
LEAST = [0.97, 0.96, 0.95, 0.94]  # the kernel takes 2x2 points, ffmpeg an area


def ladder(name, bframes=0, **how):
    rungs = ""
    for i, size in enumerate(SIZES):
        w, h = size.split("x")
        rungs += (f" t. ! queue ! cudaconvertscale ! video/x-raw(memory:CUDAMemory),width={w},height={h},interlace-mode=progressive ! "
                  f"{encoder()} {settings(bframes)} ! h264parse ! video/x-h264,stream-format=byte-stream ! filesink location={basis.work}/rung{i}.h264")
    return launch(f"{source(name)} ! tee name=t{rungs}", **how)


def _add_ladder(name):
    def one():
        run = ladder(name).good("the ladder").tidy()
        run.want(pictures_mapped=FRAMES, pictures_encoded=4 * FRAMES, host_to_device_pictures=0, device_to_host_pictures=0, most_open_encode_sessions=4)
        expect(run.counts["kernel_launches"] >= 3 * FRAMES, f"only {run.counts['kernel_launches']} kernels")
        values = []
        for i, size in enumerate(SIZES):
            value, n = ssim(f"{basis.work}/rung{i}.h264", clip(name), size)
            expect(n == FRAMES, f"{n} pictures at {size}, not {FRAMES}")
            expect(value >= LEAST[i], f"SSIM {value} at {size}, under {LEAST[i]}")
            values.append(f"{value:.3f}")
        return f"0 pictures copied, SSIM {' '.join(values)}"
    one.__name__ = f"ladder_{name.replace('-', '_')}"
    test(one)


for _name in ("h264", "hevc", "vp9", "h264-slices"):
    _add_ladder(_name)


RAW = "videotestsrc num-buffers=30 ! video/x-raw,format=NV12,width=320,height=240,framerate=25/1"


@test
def upload():
    """From system memory by cudaupload: one upload a plane and picture is counted."""
    run = launch(f"{RAW} ! cudaupload ! {encoder()} {settings()} ! fakesink").good("upload").tidy()
    expect(run.counts["host_to_device_pictures"] >= 30, f"{run.counts['host_to_device_pictures']} uploads counted")
    run.want(pictures_encoded=30)


@test
def system_memory_into_the_encoder():
    run = launch(f"{RAW} ! {encoder()} {settings()} ! fakesink").good("encoding").tidy()
    expect(run.counts["host_to_device_pictures"] >= 30, f"{run.counts['host_to_device_pictures']} uploads counted")


@test
def conversion():
    """RGB to NV12 by a kernel, compared with what videotestsrc means."""
    made = f"{basis.work}/rgb.h264"
    launch(f"videotestsrc num-buffers=10 pattern=red ! video/x-raw,format=RGBA,width=320,height=240,framerate=25/1 ! cudaupload ! cudaconvertscale ! "
           f"video/x-raw(memory:CUDAMemory),format=NV12,width=256,height=192 ! {encoder()} {settings()} ! h264parse ! video/x-h264,stream-format=byte-stream ! filesink location={made}").good("RGB").tidy()
    ffmpeg(["-i", made, "-vf", "scale=1:1:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24", f"{basis.work}/one.raw"])
    red, green, blue = open(f"{basis.work}/one.raw", "rb").read()[:3]
    expect(red > 200 and green < 60 and blue < 60, f"red came out as {red}, {green}, {blue}")


@test
def ten_bits_to_nv12():
    run = launch(f"{source('hevc10')} ! cudaconvertscale ! video/x-raw(memory:CUDAMemory),format=NV12,width=320,height=180 ! {encoder()} {settings()} ! "
                 f"h264parse ! video/x-h264,stream-format=byte-stream ! filesink location={basis.work}/ten.h264").good("10 bits").tidy()
    run.want(host_to_device_pictures=0, device_to_host_pictures=0)
    value, _ = ssim(f"{basis.work}/ten.h264", clip("hevc10"), "320x180")
    expect(value > 0.95, f"SSIM {value}")
    return f"SSIM {value:.3f}"


@test
def bitrates():
    """The caps of the rate control have an effect."""
    sizes = []
    for rate in (300, 3000):
        made = f"{basis.work}/rate.h264"
        launch(f"{source('h264')} ! {encoder()} bitrate={rate} max-bitrate={rate} {name_of('rate-control', 'rc-mode')}=cbr gop-size=25 ! h264parse ! video/x-h264,stream-format=byte-stream ! filesink location={made}").good("encoding")
        sizes.append(len(open(made, "rb").read()) * 8 / (FRAMES / 25) / 1000)
    expect(sizes[0] < 500 and sizes[1] > 2 * sizes[0], f"kbit/s: {sizes}")
    return f"{sizes[0]:.0f} and {sizes[1]:.0f} kbit/s"


@test
def gop_and_headers():
    made = f"{basis.work}/gop.h264"
    launch(f"{source('h264')} ! {encoder()} {settings()} repeat-sequence-header=true ! h264parse ! video/x-h264,stream-format=byte-stream ! filesink location={made}").good("encoding")
    kinds = [byte[0] & 31 for byte in re.findall(rb"\x00\x00\x01(.)", open(made, "rb").read(), re.S)]
    expect(kinds.count(5) == 2, f"{kinds.count(5)} IDR pictures, not 2")
    expect(kinds.count(7) == 2 and kinds.count(8) == 2, f"{kinds.count(7)} SPS and {kinds.count(8)} PPS, not 2")


@test
def b_frames():
    """NV_ENC_ERR_NEED_MORE_INPUT and unfilled buffers, as from the driver."""
    run = launch(f"{source('h264')} ! {encoder()} {settings(2)} ! fakesink", limit=15)
    if basis.version() == (1, 22, 0):
        expect(run.code != 0, "1.22.0 is known to fail with B-frames, and did not")
        return "1.22.0 fails, as it should"
    run.good("B-frames").tidy().want(pictures_encoded=FRAMES)


@test
def kernel_cache():
    """A filled cache is enough where g++ cannot run, for other sizes too."""
    launch(f"{source('h264')} ! cudaconvertscale ! video/x-raw(memory:CUDAMemory),width=320,height=180 ! fakesink").good("filling the cache")
    path = f"{basis.work}/bin"
    subprocess.run(["mkdir", "-p", path], check=True)
    subprocess.run(["ln", "-sf", subprocess.run(["which", "gst-launch-1.0"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip(), path], check=True)
    other = f"{source('h264')} ! cudaconvertscale ! video/x-raw(memory:CUDAMemory),width=200,height=112 ! fakesink"
    launch(other, PATH=path).good("a new size without g++").tidy()
    empty = f"{basis.work}/empty"
    subprocess.run(["mkdir", "-p", empty], check=True)
    launch(other, PATH=path, CACHE=empty).bad("an empty cache without g++")


@test
def without_nvrtc():
    have = basis.features(libraries=["cuda", "encode", "decode"], registry="without-nvrtc")
    run = Run(["gst-launch-1.0", "-q"] + f"{source('h264')} ! cudaconvertscale ! video/x-raw(memory:CUDAMemory),width=320,height=180 ! fakesink".split(),
              libraries=["cuda", "encode", "decode"], registry="without-nvrtc")
    expect(run.code != 0, "scaling worked without NVRTC")
    return "no cudaconvertscale" if "cudaconvertscale" not in have else "cudaconvertscale is there and fails"


@test
def without_single_libraries():
    have = basis.features(libraries=["cuda", "decode", "nvrtc"], registry="without-encode")
    expect("nvh264dec" in have and not any("h264enc" in name for name in have), f"without the encode library: {have}")
    have = basis.features(libraries=["cuda", "encode", "nvrtc"], registry="without-decode")
    expect("nvh264dec" not in have and any("h264enc" in name for name in have), f"without the decode library: {have}")
