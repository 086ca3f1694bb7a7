"""What the tests share: running pipelines, clips, counters."""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import traceback

work = out = None
tests = []
LIBRARIES = ["cuda", "encode", "decode", "nvrtc"]


class Wrong(Exception):
    """A difference, in words."""


def test(function):
    tests.append(function)
    return function


def expect(condition, words):
    if not condition:
        raise Wrong(words)


def clean_env():
    gone = ("NV_EMULATOR_", "CUDA_", "LD_LIBRARY_PATH", "GST_")
    return {k: v for k, v in os.environ.items() if not k.startswith(gone)}


def driver_env(libraries=None, registry="registry", **switches):
    """The environment in which a program meets the emulated driver."""
    env = clean_env()
    env["LD_LIBRARY_PATH"] = ":".join(f"{out}/{name}" for name in libraries or LIBRARIES)
    env["GST_REGISTRY"] = f"{work}/{registry}.bin"
    env["NV_EMULATOR_CACHE"] = f"{work}/cache"
    env["NV_EMULATOR_COUNTERS"] = f"{work}/counters"
    for name, value in switches.items():
        env[name if name.startswith(("CUDA_", "GST_", "PATH")) else f"NV_EMULATOR_{name}"] = str(value)
    return env


class Run:
    """One program over the emulated driver, with its output and counters."""

    def __init__(self, command, limit=60, libraries=None, registry="registry", **switches):
        for old in glob.glob(f"{work}/counters/*"):
            os.unlink(old)
        env = driver_env(libraries, registry, **switches)
        try:
            done = subprocess.run(command, env=env, timeout=limit, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
            self.code, self.text = done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            self.code, self.text = None, (late.stdout or b"").decode(errors="replace")
        # The registry scanner is a process of its own and leaves a file too.
        self.files = []
        for name in sorted(glob.glob(f"{work}/counters/*")):
            with open(name) as file:
                text = file.read()
            if text:  # another process may be just about to write its first
                self.files.append(json.loads(text))
        main = [f for f in self.files if "scanner" not in f["program"]]
        self.all = main[0] if main else None
        self.counts = self.all["total"] if main else {}

    def good(self, what):
        expect(self.code == 0, f"{what}: ended with {self.code}:\n{self.text[-1500:]}")
        return self

    def bad(self, what):
        expect(self.code not in (0, None), f"{what}: should have failed, ended with {self.code}:\n{self.text[-800:]}")
        return self

    def want(self, **numbers):
        for key, value in numbers.items():
            expect(self.counts.get(key) == value, f"{key} is {self.counts.get(key)}, not {value}")
        return self

    def tidy(self):
        """Nothing left open, nothing misused."""
        expect(self.all["misuse_texts"] == [], f"misuse: {self.all['misuse_texts']}")
        left = {k: v for k, v in self.counts.items() if k.startswith("open_") and v}
        expect(not left, f"left open at exit: {left}")
        return self


def launch(pipeline, **how):
    return Run(["gst-launch-1.0", "-q"] + pipeline.split(), **how)


def features(**how):
    """The names of the elements that the plug-in registers."""
    run = Run(["gst-inspect-1.0", "nvcodec"], **how)
    return re.findall(r"^  (\w+): ", run.text, re.M)


def element(*names):
    for name in names:
        if name in basis_features():
            return name
    raise Wrong(f"none of {names} is registered")


_features = []


def basis_features():
    if not _features:
        _features.extend(features())
    return _features


def encoder():
    return element("nvcudah264enc", "nvh264enc")


def version():
    text = subprocess.run(["gst-inspect-1.0", "--version"], stdout=subprocess.PIPE, text=True, env=clean_env(), check=True).stdout
    return tuple(int(n) for n in re.search(r"(\d+)\.(\d+)\.(\d+)", text).groups())


def ffmpeg(arguments):
    done = subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-y"] + arguments, env=clean_env(), timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    expect(done.returncode == 0, f"ffmpeg {' '.join(arguments)}:\n{done.stdout[-1500:]}")
    return done.stdout


CLIPS = {
    "h264": ("mp4", "640x360", "-c:v libx264 -preset veryfast -bf 3 -g 25"),
    "h264-slices": ("mp4", "640x360", "-c:v libx264 -preset veryfast -bf 2 -b-pyramid normal -slices 4 -coder 0 -refs 4 -g 20"),
    "h264-interlaced": ("mp4", "640x360", "-c:v libx264 -preset veryfast -bf 2 -flags +ilme+ildct -g 20 -x264-params cqm=jvt"),
    "hevc": ("mp4", "640x360", "-c:v libx265 -preset fast -x265-params log-level=none:bframes=3:keyint=20:open-gop=1"),
    "hevc-tools": ("mp4", "640x360", "-c:v libx265 -preset fast -x265-params log-level=none:bframes=4:b-pyramid=1:scaling-list=default:weightb=1"),
    "hevc-slices": ("mp4", "640x360", "-c:v libx265 -preset fast -x265-params log-level=none:bframes=3:slices=3"),
    "hevc10": ("mp4", "640x360", "-c:v libx265 -pix_fmt yuv420p10le -preset fast -x265-params log-level=none:bframes=3"),
    "vp9": ("webm", "640x360", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 10 -b:v 1M -g 25"),
    "vp8": ("webm", "640x360", "-c:v libvpx -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 10 -b:v 1M -g 25"),
}
FRAMES = 50


def clip(name):
    kind, size, options = CLIPS[name]
    path = f"{work}/{name}.{kind}"
    if not os.path.exists(path):
        words = options.split()
        if "-pix_fmt" not in words:
            words = ["-pix_fmt", "yuv420p"] + words
        ffmpeg(["-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={FRAMES / 25}"] + words + [path])
    return path


def source(name, parser=False):
    """The part of a pipeline that decodes a clip into CUDA memory."""
    codec = re.match(r"(h264|hevc|vp9|vp8)", name).group(1)
    parse = {"h264": "h264parse ! ", "hevc": "h265parse ! ", "vp9": "vp9parse ! ", "vp8": ""}[codec]
    short = {"h264": "h264", "hevc": "h265", "vp9": "vp9", "vp8": "vp8"}[codec]
    decoder = element(f"nv{short}dec") if parser else element(f"nv{short}sldec", f"nv{short}dec")
    if parser and codec in ("h264", "hevc"):
        parse += f"video/x-{short},stream-format=byte-stream,alignment=au ! "
    demux = "qtdemux" if CLIPS[name][0] == "mp4" else "matroskademux"
    return f"filesrc location={clip(name)} ! {demux} ! {parse}{decoder}"


_properties = []


def name_of(*names):
    """The name that this version gives a property of the encoder."""
    if not _properties:
        _properties.extend(re.findall(r"^  ([a-z-]+) +: ", Run(["gst-inspect-1.0", encoder()]).text, re.M))
    for name in names:
        if name in _properties:
            return name
    raise Wrong(f"the encoder has no property {names}")


def settings(bframes=0):
    return f"bitrate=2500 max-bitrate=4000 gop-size=25 {name_of('b-frames', 'bframes')}={bframes}"


def ssim(made, clip_path, size):
    text = ffmpeg(["-i", made, "-i", clip_path, "-filter_complex", f"[1:v]scale={size.replace('x', ':')}:flags=bilinear,format=yuv420p[r];[0:v][r]ssim", "-f", "null", "-"])
    return float(re.search(r"All:([0-9.]+)", text).group(1)), int(re.findall(r"frame= *(\d+)", text)[-1])


def main(folder, words, _modules):
    global out, work
    out = os.path.abspath(folder)
    for name in ("cuda/libcuda.so.1", "encode/libnvidia-encode.so.1", "decode/libnvcuvid.so.1", "nvrtc/libnvrtc.so"):
        if not os.path.exists(f"{out}/{name}"):
            print(f"check: {out}/{name} is missing: run build {folder} first")
            return 1
    work = tempfile.mkdtemp(prefix="nv-emulator-check.")
    os.makedirs(f"{work}/counters")
    os.makedirs(f"{work}/cache")
    wrong = 0
    print(f"GStreamer {'.'.join(map(str, version()))}")
    for one in tests:
        if words and not any(word in one.__name__ for word in words):
            continue
        began = time.time()
        try:
            note = one()
            print(f"ok    {one.__name__}{': ' + note if note else ''} ({time.time() - began:.1f} s)", flush=True)
        except Wrong as words_:
            wrong += 1
            print(f"WRONG {one.__name__}: {words_}", flush=True)
        except Exception:  # a fault of the test itself is a failure too
            wrong += 1
            print(f"WRONG {one.__name__}:\n{traceback.format_exc()}", flush=True)
    if wrong:
        print(f"{wrong} went wrong; files are left in {work}")
        return 1
    shutil.rmtree(work)
    print("all well")
    return 0
