"""The disk of an agent, and the power that may fail under it (``powerloss.c``)."""

import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

from tests.fixtures.disk import SmallDisk, mounted


class NoCompilerError(Exception):
    """The shim can't be built here; the message says what to do."""


def build_shim(folder: Path) -> Path:
    """Compile the shim and return the library. Raises NoCompilerError."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise NoCompilerError(
            "gcc is missing, which builds the disk that loses its power: apt-get install gcc libc6-dev"
        )
    library = folder / "powerloss.so"
    source = Path(__file__).with_name("powerloss.c")
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl", "-lpthread"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise NoCompilerError(f"gcc can't build {source.name} (is libc6-dev there?):\n{made.stderr}")
    return library


class Disk:
    """A folder, and beside it what of it is synchronised. Its user must be dead, or stopped, while it is touched."""

    def __init__(self, *, folder: Path, shim: Path, small: int | None = None, stack: ExitStack) -> None:
        """``small``: it has so many bytes, as a file system of its own that is there until ``stack`` ends."""
        self.folder = folder / "disk"
        self._shadow = folder / "synchronised"
        self._shim = shim
        self.folder.mkdir(mode=0o700)
        self._shadow.mkdir(mode=0o700)
        self.small: SmallDisk | None = None if small is None else stack.enter_context(mounted(self.folder, small))

    @property
    def environment(self) -> dict[str, str]:
        """Of the process that writes to it."""
        return {
            "LD_PRELOAD": str(self._shim),
            "POWERLOSS_DISK": str(self.folder),
            "POWERLOSS_SHADOW": str(self._shadow),
        }

    def lose_power(self) -> int:
        """Only what was synchronised is there. Returns how many bytes differed."""
        differed = sum(abs(_size(self._shadow / file.name) - file.stat().st_size) for file in self.folder.iterdir())
        _fill(self.folder, self._shadow)
        return differed

    def copy_to(self, folder: Path) -> None:
        """As an image of the whole machine is taken: at one moment, what is synchronised and what isn't."""
        shutil.copytree(self.folder, folder / "disk")

    def restore(self, folder: Path) -> None:
        """Put such a copy back."""
        _fill(self.folder, folder / "disk")
        _fill(self._shadow, folder / "disk")


def _fill(folder: Path, source: Path) -> None:
    for old in folder.iterdir():
        old.unlink()
    for new in source.iterdir():
        shutil.copy2(new, folder / new.name)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
