"""The contestants. Each empties its folder, makes the ladder there and returns what it cost."""

import shutil

from lib.clipsy import summary
from lib.measure import run
from lib.media import ffmpeg

CONTESTANTS = {
    "clipsy": "Clipsy: one pipeline, decode once",
    "a": "one ffmpeg command: split, four scalers, four encoders",
    "b": "four ffmpeg commands, one after the other",
}


def commands(contestant, source, rungs, wanted, out, clipsy, encoder):
    """The command lines of a contestant; more than one run one after the other."""
    if contestant == "clipsy":
        return [[*clipsy, "transcode", source.path, "--out", out, "--encoder", encoder, "--json"]]
    if contestant == "a":
        return [_one_ffmpeg(source, rungs, wanted, out)]
    return [_ffmpeg_for(source, rung, wanted, out) for rung in rungs]


def compete(contestant, source, rungs, wanted, out, clipsy, encoder):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    if contestant == "b":
        for rung in rungs:
            (out / rung.name).mkdir()
    used = [run(contestant, argv) for argv in commands(contestant, source, rungs, wanted, out, clipsy, encoder)]
    if contestant == "clipsy":
        summary(used[0].stdout)
    return used


def _one_ffmpeg(source, rungs, wanted, out):
    heads = "".join(f"[in{i}]" for i in range(len(rungs)))
    scalers = ";".join(f"[in{i}]scale={r.width}:{r.height}[out{i}]" for i, r in enumerate(rungs))
    words = ["-i", source.path, "-filter_complex", f"[0:v:0]split={len(rungs)}{heads};{scalers}"]
    variants = []
    for i, rung in enumerate(rungs):
        words += ["-map", f"[out{i}]"]
        words += [f"-maxrate:v:{i}", f"{rung.cap_kbps}k", f"-bufsize:v:{i}", f"{rung.buffer_kbits}k"]
        variants.append(f"v:{i},a:{i},name:{rung.name}" if source.has_audio else f"v:{i},name:{rung.name}")
        if source.has_audio:
            words += ["-map", "0:a:0"]
    return ffmpeg(
        *words, *_codecs(source, wanted), *_hls(wanted),
        "-master_pl_name", "master.m3u8", "-var_stream_map", " ".join(variants),
        "-hls_segment_filename", out / "%v" / "segment_%05d.ts", out / "%v" / "playlist.m3u8",
    )


def _ffmpeg_for(source, rung, wanted, out):
    folder = out / rung.name
    return ffmpeg(
        "-i", source.path, "-map", "0:v:0", "-map", "0:a:0?",
        "-vf", f"scale={rung.width}:{rung.height}",
        "-maxrate", f"{rung.cap_kbps}k", "-bufsize", f"{rung.buffer_kbits}k",
        *_codecs(source, wanted), *_hls(wanted),
        "-hls_segment_filename", folder / "segment_%05d.ts", folder / "playlist.m3u8",
    )


def _codecs(source, wanted):
    gop = round(source.fps * wanted.key_frame_seconds)
    return [
        "-c:v", "libx264", "-preset", wanted.preset, "-crf", f"{wanted.crf:g}",
        "-profile:v", "high", "-pix_fmt", "yuv420p",
        "-g", gop, "-keyint_min", gop, "-sc_threshold", "0",
        "-force_key_frames", f"expr:gte(t,n_forced*{wanted.key_frame_seconds})",
        "-c:a", "aac", "-b:a", f"{wanted.audio_kbps}k", "-ac", "2", "-ar", "48000",
    ]


def _hls(wanted):
    return [
        "-f", "hls", "-hls_time", wanted.segment_seconds, "-hls_playlist_type", "vod",
        "-hls_flags", "independent_segments",
    ]
