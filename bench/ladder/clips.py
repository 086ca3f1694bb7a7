"""The sources of bench/ladder/six: one of each kind that encoders take differently."""

import os

from lib.measure import BenchError, run
from lib.media import ffmpeg, make_source

# What each is, and how it is made of the fetched clips.
KINDS = {
    "animation": "drawn, 1080p24",
    "fast": "the same at three times the speed",
    "grain": "the same with film grain",
    "sports": "a camera in a hall, 994 lines at 30 fps",
    "screen": "somebody at work in a program, 1080p30",
    "cameras": "static cameras with cuts between them, portrait, 1080p30",
}
CAMERAS = [f"trial{trial}-cam{camera}.mp4" for trial in (1, 2) for camera in (1, 2, 3, 4)]
# The numbers of threads are fixed, since the noise depends on them.
ENCODE = ("-c:v", "libx264", "-preset", "fast", "-crf", "14", "-threads", "4", "-an", "-map_metadata", "-1",
          "-fflags", "+bitexact", "-movflags", "+faststart")
GRAIN = "noise=all_seed=7:c0s=10:c0f=t+u:c1s=3:c1f=t+u:c2s=3:c2f=t+u"


def make(kind, seconds, clips, cache):
    """A source of this kind of at most `seconds`, made once from what lies in `clips`."""
    trailer = clips / "trailer_bbb.mp4"
    if kind == "animation":
        return make_source(trailer, seconds, cache)
    folder = cache / "six"
    made = cache / f"six-{kind}-{seconds:g}s.mp4"
    if made.is_file():
        return made
    cut = ("-t", f"{seconds:g}")
    if kind == "fast":
        source = make_source(trailer, min(3 * seconds, 30), cache)
        words = ("-i", source, "-vf", "select='not(mod(n\\,3))',setpts=N/24/TB", *cut)
    elif kind == "grain":
        source = make_source(trailer, min(3 * seconds, 30), cache)
        words = ("-filter_threads", "1", "-ss", "12", "-i", source, "-vf", GRAIN, *cut)
    elif kind == "cameras":
        words = cameras(clips, cut)
    else:
        start = ("-ss", "12") if kind == "screen" else ()
        words = (*start, "-i", find(clips, f"{kind}.mp4"), *cut)
    folder.mkdir(parents=True, exist_ok=True)
    part = made.with_suffix(".part.mp4")
    run(f"making {made.name}", ffmpeg(*words, *ENCODE, part))
    os.replace(part, made)
    return made


def cameras(clips, cut):
    """One after the other, every second picture, each cut to the same size."""
    inputs = [word for name in CAMERAS for word in ("-i", find(clips, name))]
    each = "".join(
        f"[{i}:v]crop=1080:1920,setsar=1,select='not(mod(n\\,2))',setpts=N/30/TB[v{i}];" for i in range(len(CAMERAS))
    )
    all_of_them = "".join(f"[v{i}]" for i in range(len(CAMERAS)))
    graph = f"{each}{all_of_them}concat=n={len(CAMERAS)}:v=1:a=0,fps=30"
    return (*inputs, "-filter_complex", graph, *cut)


def find(clips, name):
    path = clips / name
    if not path.is_file():
        raise BenchError(f"no {path}: run `tools/fetch-media.py --bench`")
    return path
