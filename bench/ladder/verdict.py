"""Ratios of medians against the targets."""

from dataclasses import asdict, dataclass
from statistics import median

CPU_VS_A = 0.80
CPU_VS_B = 0.58
WALL_VS_A = 0.85
PEAK_MB = 450
SSIM_LOSS_DB = 0.1
BITRATE_RATIO = 1.02


@dataclass(frozen=True)
class Verdict:
    what: str
    target: str
    measured: str
    spread: str
    passed: bool


def verdicts(runs, quality):
    """One verdict per target that can be judged from what was run.

    `runs`: contestant -> list of {"wall_s", "cpu_s", "peak_mb"}, one per round.
    `quality`: contestant -> list of rung facts, largest first.
    """
    found = []
    for what, key, against, limit in (
        ("CPU, clipsy / a", "cpu_s", "a", CPU_VS_A),
        ("CPU, clipsy / b", "cpu_s", "b", CPU_VS_B),
        ("wall, clipsy / a", "wall_s", "a", WALL_VS_A),
    ):
        if "clipsy" in runs and against in runs:
            ratio, spread = ratios(runs, key, "clipsy", against)
            found.append(Verdict(what, f"≤ {limit:.2f}", f"{ratio:.3f}", spread, ratio <= limit))
    if "clipsy" in runs:
        peaks = [run["peak_mb"] for run in runs["clipsy"]]
        spread = f"{min(peaks):.0f}–{max(peaks):.0f}"
        found.append(
            Verdict("peak memory, clipsy", f"≤ {PEAK_MB} MB", f"{median(peaks):.0f} MB", spread,
                    median(peaks) <= PEAK_MB)
        )
    if "clipsy" in quality and "a" in quality:
        pairs = list(zip(quality["clipsy"], quality["a"], strict=True))
        for ours, theirs in pairs:
            loss = theirs["ssim_db"] - ours["ssim_db"]
            bits = ours["video_kbps"] / theirs["video_kbps"]
            found.append(
                Verdict(
                    f"{ours['rung']} against a",
                    f"≥ −{SSIM_LOSS_DB} dB at ≤ ×{BITRATE_RATIO}",
                    f"{-loss:+.2f} dB at ×{bits:.3f}",
                    "",
                    loss <= SSIM_LOSS_DB and bits <= BITRATE_RATIO,
                )
            )
    return found


def ratios(runs, key, ours, theirs):
    """Ratio of medians, and the range of the ratios within each round as a measure of noise."""
    ratio = median(r[key] for r in runs[ours]) / median(r[key] for r in runs[theirs])
    each = [a[key] / b[key] for a, b in zip(runs[ours], runs[theirs])]
    return ratio, f"{min(each):.3f}–{max(each):.3f}"


def as_rows(found):
    return [
        (v.what, v.target, v.measured, v.spread or "–", "PASS" if v.passed else "MISS") for v in found
    ]


def as_json(found):
    return [asdict(v) for v in found]
