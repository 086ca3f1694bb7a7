#!/usr/bin/env python3
"""Turns what the steps of run-bundle left into results.json, summary.txt and five logs."""

import json
import re
import sys
import time
from pathlib import Path
from statistics import mean, median

LOG_BYTES = 900_000
PART_BYTES = 120_000
LOGS = {
    "facts.log": ("facts", "elements", "doctor"),
    "ladder.log": ("warm-up", "ladder"),
    "codecs.log": ("codec", "same"),
    "encoder.log": ("encoder",),
    "scaling.log": ("scaling",),
}
CODECS = ("hevc", "vp9", "hevc10")


def main():
    work, out = Path(sys.argv[1]), Path(sys.argv[2])
    ended = sorted(work.glob("*.rc"), key=lambda path: path.stat().st_mtime_ns)
    steps = {path.stem: Step(work, path.stem) for path in ended}
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "host": text(steps, "facts").splitlines(),
        "elements": elements(steps, "elements"),
        "doctor": loads(text(steps, "doctor")),
        "ladder": {way: ladder(steps, way) for way in ("software", "hardware")},
        "codecs": {name: transcoded(steps[f"codec-{name}"]) for name in CODECS if f"codec-{name}" in steps},
        "same_pictures": {name: same(steps, name) for name in ("h264", *CODECS)},
        "emulated_encoder": encoder(steps, work),
        "scaling": loads(text(steps, "scaling")),
        "steps": {name: step.brief() for name, step in steps.items()},
    }
    result["statements"] = statements(result)
    said = summary(result, text(steps, "scaling", "err"))
    (out / "results.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "summary.txt").write_text(said, encoding="utf-8")
    for name, kinds in LOGS.items():
        parts = [step.log() for step in steps.values() if step.name.startswith(kinds)]
        if name == "encoder.log":
            parts += ["\n=== caps and copies\n", *(f"{line}\n" for line in path_lines(result))]
        (out / name).write_bytes("".join(parts).encode()[:LOG_BYTES])
    print(said, end="")


class Step:
    """What one command of run-bundle left."""

    def __init__(self, work, name):
        self.name = name
        self.command, self.out, self.err = (read(work / f"{name}.{part}") for part in ("command", "out", "err"))
        code = read(work / f"{name}.rc").strip()
        self.rc = int(code) if code.isdigit() else None
        times = [float(word) for word in read(work / f"{name}.time").split()[-3:] if re.fullmatch(r"[\d.]+", word)]
        self.wall_s, self.cpu_s = (times[0], round(times[1] + times[2], 2)) if len(times) == 3 else (None, None)
        samples = [line.split(",") for line in read(work / f"{name}.load").splitlines()]
        self.load = {}
        for i, field in enumerate(("gpu_percent", "decoder_percent", "encoder_percent", "memory_mib")):
            seen = [float(s[i]) for s in samples if len(s) == 4 and s[i].strip().isdigit()]
            if seen:
                self.load[field] = {"mean": round(mean(seen), 1), "max": max(seen)}

    def brief(self):
        return {"rc": "skipped" if self.rc is None else self.rc, "wall_s": self.wall_s, "cpu_s": self.cpu_s}

    def log(self):
        parts = [f"\n=== {self.name}: exit status {self.rc}, {self.wall_s} s\n$ {self.command}\n"]
        for part in (self.out, self.err):
            lines = [line for line in part.splitlines() if '"event":"progress"' not in line]
            parts.append(shortened("\n".join(lines) + "\n"))
        return "".join(parts)

    def why(self):
        """One line on what went wrong."""
        if self.rc is None:
            return "skipped, the time was used up"
        if self.rc in (124, 137):
            return "ran out of time"
        for line in reversed(self.out.splitlines()):
            event = loads(line)
            if isinstance(event, dict) and event.get("event") in ("failed", "error"):
                return json.dumps(event, ensure_ascii=False)[:400]
        lines = [line for line in self.err.splitlines() if line.strip()]
        return f"exit status {self.rc}: {' / '.join(lines[-3:])[:400]}"


def transcoded(step):
    """What `clipsy transcode --json` told: who did the work, and the words about it."""
    facts = {**step.brief(), "load": step.load}
    events = [event for event in map(loads, step.out.splitlines()) if isinstance(event, dict)]
    facts["warnings"] = [e for e in events if e.get("event") == "warning" or "fallback" in e.get("event", "")]
    chosen = next((event for event in events if event.get("event") == "encoder_selected"), {})
    facts["passed_over"] = {p.get("encoder"): p.get("reason") for p in chosen.get("passed_over", [])}
    last = events[-1] if events else {}
    if step.rc == 0 and last.get("event") == "finished":
        made = last.get("summary", {})
        facts |= {"decoder": made.get("decoder"), "encoder": made.get("encoder"), "speed": made.get("speed"),
                  "frames": [r.get("frames") for r in made.get("renditions", [])],
                  "kbps": [r.get("bitrate") for r in made.get("renditions", [])]}
        facts["warnings"] += made.get("warnings", [])
    else:
        facts["failed"] = step.why()
    return facts


def ladder(steps, way):
    return [transcoded(step) for name, step in steps.items()
            if name.startswith(f"ladder-{way}-") and step.rc is not None]


def same(steps, name):
    gpu, cpu = steps.get(f"same-{name}-gpu"), steps.get(f"same-{name}-cpu")
    if not gpu or not cpu:
        return "not tried"
    for who, step in (("card", gpu), ("CPU", cpu)):
        if step.rc != 0:
            return f"{who}: {step.why()}"
    return "the same" if gpu.out.split()[0] == cpu.out.split()[0] else "different"


def elements(steps, name):
    return re.findall(r"^  (\w+): (?:NV|CUDA|cuda)", text(steps, name), re.M)


def encoder(steps, work):
    if "encoder-elements" not in steps:
        return {}
    found = {"elements": [name for name in elements(steps, "encoder-elements") if name.endswith("enc")]}
    for name in ("encoder-doctor", "encoder-doctor-hq"):
        health = loads(text(steps, name))
        if isinstance(health, dict):
            found[name] = next((e for e in health.get("encoders", []) if e.get("id") == "nvenc"), None)
    for name in ("encoder-ladder", "encoder-path"):
        if name in steps:
            found[name] = transcoded(steps[name])
    found["path"] = path(read(work / "path.log"))
    return found


def path(log):
    """Which caps were agreed on around each element of a rendition, and what was copied."""
    caps, through, uploads = {}, {}, {}
    for line in log.splitlines():
        if match := re.search(r"configure_caps:<([^>]+)> (in|out) caps:\s+(.*)", line):
            name, side, said = match.groups()
            if re.search(r"prepare|download", name):
                size = re.search(r"width=\(int\)(\d+), height=\(int\)(\d+)", said)
                form = re.search(r"format=\(string\)(\w+)", said)
                caps.setdefault(name, {})[side] = " ".join(
                    [said.split(",")[0], form[1] if form else "", "x".join(size.groups()) if size else ""])
        elif match := re.search(r"<([^>]+)> Updated passthrough: (\d)", line):
            through[match[1]] = match[2] == "1"
        elif match := re.search(r"<([^>]+)> Not a CUDA buffer, system copy", line):
            uploads[match[1]] = uploads.get(match[1], 0) + 1
    lines = []
    for name, sides in caps.items():
        note = {True: ", handed through without a copy", None: ""}.get(through.get(name), ", copies")
        lines.append(f"{name}: {sides.get('in')} -> {sides.get('out')}{note}")
    lines += [f"{name}: {n} pictures taken from system memory (the proof takes 8)" for name, n in uploads.items()]
    return {"lines": lines, "handed_through": through, "pictures_from_system_memory": uploads}


def path_lines(result):
    return result["emulated_encoder"].get("path", {}).get("lines", [])


def statements(result):
    said = []
    nv = result["elements"]
    has_card = any(name.startswith("nv") and name.endswith("dec") for name in nv)
    if not nv:
        said.append("GStreamer registers no element for NVIDIA: there is no card here, or its driver was not found")
    else:
        said.append(f"elements for NVIDIA: {', '.join(nv)}")
    if nv and "cudaconvertscale" not in nv:
        said.append("cudaconvertscale is missing: NVRTC was not loaded")
    if nv and not has_card:
        said.append("no NVDEC: libnvcuvid.so.1 was not loaded, or this card does not decode")
    if has_card and not any(name.endswith("enc") for name in nv):
        said.append("no NVENC on this card or driver")
    for kind in ("encoders", "decoders"):
        for entry in (result["doctor"] or {}).get(kind, []):
            if entry.get("id", "").startswith(("nvenc", "nvdec")):
                word = "works" if entry.get("works") else "does not work"
                said.append(f"doctor: {entry['id']} {word}: {entry.get('reason')}")
    both = result["ladder"]
    for way, runs in both.items():
        good = [run for run in runs if "failed" not in run]
        if good:
            said.append(f"ladder, decoder {way}: decoded by {good[-1]['decoder']}, encoded by {good[-1]['encoder']}, "
                        f"wall {median(r['wall_s'] for r in good):.2f} s, CPU {median(r['cpu_s'] for r in good):.2f} s "
                        f"(median of {len(good)}), {good[-1]['frames']} pictures")
        said += [f"ladder, decoder {way}: {run['failed']}" for run in runs if "failed" in run]
    good = {way: [run for run in runs if "failed" not in run] for way, runs in both.items()}
    if all(good.values()) and (good["hardware"][-1]["decoder"] or "").startswith("nv"):
        for what, key in (("wall time", "wall_s"), ("CPU seconds", "cpu_s")):
            ratio = median(r[key] for r in good["hardware"]) / median(r[key] for r in good["software"])
            said.append(f"decoding and scaling on the card takes ×{ratio:.2f} of the {what}")
    for name, run in result["codecs"].items():
        words = run.get("failed") or f"decoded by {run['decoder']}, {'with' if run['warnings'] else 'no'} warnings"
        for warning in run["warnings"]:
            words += f"; {json.dumps(warning, ensure_ascii=False)[:300]}"
        said.append(f"{name} with --decoder hardware: {words}")
    for name, word in result["same_pictures"].items():
        said.append(f"{name}: pictures of card and CPU: {word}")
    emulated = result["emulated_encoder"]
    if not emulated:
        said.append("the emulated encoder was not tried")
    else:
        said.append(f"emulated encoder: elements {', '.join(emulated['elements']) or 'none'}")
        for name in ("encoder-doctor", "encoder-doctor-hq"):
            if entry := emulated.get(name):
                word = "works" if entry["works"] else "does not work"
                said.append(f"emulated encoder, {name[8:]}: {word}: {entry['reason']}")
        for name in ("encoder-ladder", "encoder-path"):
            if run := emulated.get(name):
                words = run.get("failed") or (
                    f"decoded by {run['decoder']}, encoded by {run['encoder']}, wall {run['wall_s']:.2f} s, "
                    f"CPU {run['cpu_s']:.2f} s, {run['frames']} pictures")
                said.append(f"emulated encoder, {name[8:]}: {words}")
    said += [f"{name}: {'skipped' if step['rc'] == 'skipped' else 'ran out of time'}"
             for name, step in result["steps"].items() if step["rc"] in ("skipped", 124, 137)]
    return said


def summary(result, scaling):
    parts = ["# Host", *result["host"], "", "# What was seen", *(f"- {line}" for line in result["statements"])]
    for way, runs in result["ladder"].items():
        for i, run in enumerate(runs, 1):
            load = run["load"].get("decoder_percent")
            busy = f", decoder of the card {load['mean']} % / {load['max']} %" if load else ""
            if "failed" not in run:
                parts.append(f"- round {i}, {way}: wall {run['wall_s']} s, CPU {run['cpu_s']} s{busy}")
    if lines := path_lines(result):
        parts += ["", "# Path to the emulated encoder", *(f"- {line}" for line in lines)]
    parts += ["", "# Scaling", scaling.strip() or "not compared"]
    return "\n".join(parts) + "\n"


def text(steps, name, part="out"):
    return getattr(steps[name], part) if name in steps else ""


def read(path):
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def loads(said):
    try:
        return json.loads(said)
    except json.JSONDecodeError:
        return None


def shortened(part):
    if len(part) <= PART_BYTES:
        return part
    return f"{part[: PART_BYTES // 2]}\n[…]\n{part[-PART_BYTES // 2 :]}"


if __name__ == "__main__":
    main()
