"""Each switch has its effect."""
import fcntl
import os
import signal
import subprocess
import sys
import time

from . import basis
from .basis import FRAMES, Run, clip, encoder, expect, ffmpeg, launch, name_of, settings, source, ssim, test
from .pictures import RAW, ladder


def encode(**how):
    return launch(f"{source('h264')} ! {encoder()} {settings()} ! h264parse ! video/x-h264,stream-format=byte-stream ! "
                  f"filesink location={basis.work}/made.h264", **how)


def encode_raw(**how):
    return launch(f"{RAW} ! cudaupload ! {encoder()} {settings()} ! fakesink", **how)


@test
def fail_open():
    # 1.26 opens a second time behind its own error, and gst-launch then waits for ever.
    run = encode(limit=10, FAIL_OPEN=1).want(encode_sessions_refused=1)
    expect(run.code != 0 and "Failed to open session" in run.text, f"the first open: ended with {run.code}:\n{run.text}")
    encode(FAIL_OPEN=2).good("only the second open would fail")
    run = ladder("h264", limit=10, FAIL_OPEN=3).want(encode_sessions_refused=1)
    expect(run.code != 0, "the third of four was not refused")
    encode(FAIL_OPEN="all").bad("all opens")


@test
def fail_after():
    encode_raw(FAIL_AFTER=10).bad("after 10 pictures").want(pictures_encoded=10)
    encode_raw(FAIL_AFTER=0).bad("at once").want(pictures_encoded=0)
    run = encode(FAIL_AFTER=10).want(pictures_encoded=10)
    # The decoders of both versions take the encoder's error for a broken
    # picture of their own and go on: this is GStreamer, not the emulator.
    return f"behind a decoder the same fault ends with {run.code}"


@test
def hang_after():
    run = encode(limit=8, HANG_AFTER=10)
    expect(run.code is None, f"did not hang, ended with {run.code}")
    expect(not run.all["ended"], "the process ended")
    run.want(pictures_encoded=10)


@test
def decode_fails_and_hangs():
    run = encode(limit=20, DECODE_FAIL_AFTER=10)
    expect(run.counts["pictures_decoded"] == 10, f"{run.counts['pictures_decoded']} pictures decoded, not 10")
    run = encode(limit=8, DECODE_HANG_AFTER=10)
    expect(run.code is None, f"did not hang, ended with {run.code}")
    run.want(pictures_decoded=10)


@test
def ignore_idr():
    split = (f"{source('h264')} ! {encoder()} bitrate=2500 gop-size=-1 ! h264parse ! "
             f"splitmuxsink send-keyframe-requests=true max-size-time=500000000 location={basis.work}/part%02d.mp4")

    # 1.26's splitmuxsink sometimes hangs at the end, when the encoder is long gone.
    run = launch(split, limit=8).want(open_encode_sessions=0, pictures_encoded=FRAMES)
    expect(run.counts["idr_pictures"] >= 4, f"{run.counts['idr_pictures']} IDR pictures, under 4")
    launch(split, limit=8, IGNORE_IDR=1).want(open_encode_sessions=0, pictures_encoded=FRAMES, idr_pictures=1)
    return "forced IDR pictures come, and stay away"


@test
def green_and_torn():
    encode(GREEN=1).good("encoding")
    ffmpeg(["-i", f"{basis.work}/made.h264", "-vf", "scale=1:1:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24", f"{basis.work}/one.raw"])
    red, green, blue = open(f"{basis.work}/one.raw", "rb").read()[:3]
    expect(green > 100 and red < 40 and blue < 40, f"not green: {red}, {green}, {blue}")
    encode().good("encoding")
    whole, _ = ssim(f"{basis.work}/made.h264", clip("h264"), "640x360")
    encode(TORN=1).good("encoding")
    torn, _ = ssim(f"{basis.work}/made.h264", clip("h264"), "640x360")
    expect(whole > 0.97 and torn < 0.85, f"SSIM whole {whole}, torn {torn}")
    return f"SSIM whole {whole:.3f}, torn {torn:.3f}"


def inspect(registry, **switches):
    return Run(["gst-inspect-1.0", encoder()], registry=registry, **switches).good("gst-inspect").text


@test
def abilities():
    expect(f" {name_of('b-frames', 'bframes')} " in inspect("registry"), "no property for B-frames")
    expect(f" {name_of('b-frames', 'bframes')} " not in inspect("no-b", NO_BFRAMES=1), "B-frames in spite of NO_BFRAMES")
    expect("interleaved" not in inspect("registry"), "fields without FIELDS")
    expect("interleaved" in inspect("fields", FIELDS=1), "no fields with FIELDS")
    expect("width: [ 160" in inspect("registry"), "the smallest width is not 145, rounded up to 160")
    expect("width: [ 256" in inspect("small", MIN_WIDTH=256), "MIN_WIDTH has no effect")


@test
def no_device_and_no_encoder():
    have = basis.features(registry="no-device", NO_DEVICE=1)
    expect(not have, f"elements without a card: {have}")
    have = basis.features(registry="no-encoder", NO_ENCODER=1)
    expect(not any("enc" in name for name in have) and "nvh264dec" in have, f"NO_ENCODER: {have}")
    have = basis.features(registry="no-decoder", NO_DECODER=1)
    expect("nvh264dec" not in have and any("h264enc" in name for name in have), f"NO_DECODER: {have}")


@test
def abort_on_open():
    run = encode(ABORT_ON_OPEN=1)
    expect(run.code == -signal.SIGABRT, f"ended with {run.code}, not by SIGABRT")


@test
def two_cards():
    have = basis.features(registry="two", CARDS=2)
    second = [name for name in have if "device1" in name]
    expect(any("h264" in name and "enc" in name for name in second), f"no second encoder: {have}")
    for value in ("1", "GPU-e0000000-0000-4000-8000-000000000001"):
        run = encode(registry="one-of-two", CARDS=2, CUDA_VISIBLE_DEVICES=value).good(f"CUDA_VISIBLE_DEVICES={value}").tidy()
        expect(list(run.all["cards"]) == ["1"], f"cards {list(run.all['cards'])}, not 1")
        expect(run.all["cards"]["1"]["pictures_encoded"] == FRAMES, "not all pictures on card 1")
    # A switch for one card leaves the other alone.
    encode(registry="two", CARDS=2, FAIL_AFTER_1=5).good("card 0")
    encode_raw(registry="one-of-two", CARDS=2, CUDA_VISIBLE_DEVICES="1", FAIL_AFTER_1=5).bad("card 1")
    return f"on the second card: {len(second)} elements"


@test
def sessions_of_one_process():
    ladder("h264", SESSIONS=2).bad("four sessions of two")
    ladder("h264", SESSIONS=4).good("four sessions of four")


@test
def sessions_over_processes():
    """A limit for all processes, whose slots a killed process gives back."""
    state = f"{basis.work}/state"
    os.makedirs(state, exist_ok=True)
    encode(STATE=state, SESSIONS=1).good("alone")  # also writes the registry
    env = basis.driver_env(STATE=state, SESSIONS=1, HANG_AFTER=3)
    first = subprocess.Popen(["gst-launch-1.0", "-q"] + f"{RAW} ! {encoder()} ! fakesink".split(), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.time() + 20
        ask = [sys.executable, "-c", "import ctypes as C\nml = C.CDLL('libnvidia-ml.so.1'); ml.nvmlInit_v2(); d = C.c_void_p(); ml.nvmlDeviceGetHandleByIndex_v2(0, C.byref(d))\n"
               "n, fps, late, use, period = (C.c_uint() for _ in range(5)); ml.nvmlDeviceGetEncoderStats(d, C.byref(n), C.byref(fps), C.byref(late))\n"
               "ml.nvmlDeviceGetEncoderUtilization(d, C.byref(use), C.byref(period)); print('sessions', n.value, 'use', use.value)"]
        while "sessions 1 use 20" not in Run(ask, STATE=state).text:
            expect(time.time() < deadline, "NVML does not see the other process's session")
            time.sleep(0.2)
        time.sleep(1)
        # The plug-in's own look at the card when it is loaded needs a session
        # too; without one it registers no encoder. PROBES_FREE spares it.
        run = encode(STATE=state, SESSIONS=1).bad("a second session")
        expect(run.counts["encode_sessions_opened"] == 0, "a session was opened")
        run = encode(STATE=state, SESSIONS=1, PROBES_FREE=1).bad("a second session, with free probes")
        expect(run.counts["encode_sessions_refused"] >= 1 and run.counts["pictures_encoded"] == 0, "no refusal with free probes")
        encode(STATE=state, SESSIONS=2).good("a second session of two")
    finally:
        first.kill()
        first.wait()
    encode(STATE=state, SESSIONS=1).good("after the other was killed")
    expect("sessions 0" in Run(ask, STATE=state).text, "NVML still sees a session")


@test
def small_pictures():
    launch("videotestsrc num-buffers=5 ! video/x-raw,format=NV12,width=128,height=96 ! " + f"{encoder()} ! fakesink").bad("128x96")


@test
def kernels_and_memory_fail():
    scale = f"{RAW} ! cudaupload ! cudaconvertscale ! video/x-raw(memory:CUDAMemory),width=320,height=180 ! fakesink"
    launch(scale, FAIL_KERNELS=1).bad("FAIL_KERNELS")
    launch(scale, NO_MEMORY=1, limit=20).bad("NO_MEMORY")


@test
def fields():
    """The fault of GStreamer 1.22.0 and 1.22.1 with cards that encode fields."""
    pipeline = "videotestsrc num-buffers=3 ! videoscale ! video/x-raw,width=320,height=240{} ! " + f"{encoder()} ! fakesink"
    run = Run(["gst-launch-1.0", "--no-fault", "-q"] + pipeline.format("").split(), registry="fields", FIELDS=1)
    if basis.version() >= (1, 22, 2):
        run.good("without interlace-mode")
        launch(pipeline.format(",interlace-mode=progressive"), registry="fields", FIELDS=1).good("progressive")
        return None
    expect(run.code == -signal.SIGSEGV, f"1.22.0 is known to crash here, and ended with {run.code}")
    launch(pipeline.format(",interlace-mode=progressive"), registry="fields", FIELDS=1).bad("progressive")
    return "1.22.0 crashes without interlace-mode, and does not link with progressive"


@test
def over_a_plain_driver():
    """Without libcuda's private functions, as over a real driver."""
    encode(PLAIN=1).good("encoding")
    value, n = ssim(f"{basis.work}/made.h264", clip("h264"), "640x360")
    expect(n == FRAMES and value > 0.97, f"{n} pictures, SSIM {value}")
    return f"SSIM {value:.3f}"


@test
def early():
    """The counters' file is open before GStreamer's plug-in is loaded."""
    if not os.path.exists(f"{basis.out}/early"):
        return "not built; left out"
    how = {"registry": "early", "GST_PLUGIN_PATH": f"{basis.out}/early", "GST_TRACERS": "nvearly"}
    run = launch("videotestsrc num-buffers=1 ! fakesink", **how).good("a pipeline without the card")
    expect(run.all and run.all["ended"], "no file of counters")
    encode(**how).good("encoding").tidy()


@test
def read_only_folders():
    """Slots by files that can only be read, as in a sandbox."""
    state = f"{basis.work}/state-read"
    os.makedirs(state)
    encode(STATE=state, SESSIONS=1).good("as the first, who makes the files")
    os.chmod(state, 0o555)
    for name in os.listdir(state):
        os.chmod(f"{state}/{name}", 0o444)
    drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    line = f"{RAW} ! {encoder()} {settings()} ! fakesink".split()
    Run(drop + ["gst-launch-1.0", "-q"] + line, STATE=state, SESSIONS=1).good("a session")
    with open(f"{state}/card0.enc0") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        Run(drop + ["gst-launch-1.0", "-q"] + line, STATE=state, SESSIONS=1).bad("a session with a taken slot")
