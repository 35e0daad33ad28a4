"""The load generator and the bare servers. They are this tree's, whatever
build is measured."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[4]
BUILD = ROOT / "build/release"
ALL = [BUILD / "tests/lab/bench" / name for name in ("bench_load", "bench_bare")]


def build():
    """If they are missing, or older than their sources."""
    newest = max(file.stat().st_mtime for file in (ROOT / "tests/lab/bench/load").iterdir())
    if all(p.exists() and p.stat().st_mtime >= newest for p in ALL):
        return
    fresh = [] if (BUILD / "CMakeCache.txt").exists() else ["-G", "Ninja"]
    quietly(["cmake", "--preset", "release", "-DTESTS=ON", *fresh])
    quietly(["cmake", "--build", BUILD, "--target", *(p.name for p in ALL)])
    for program in ALL:
        program.touch()  # not each file is a source of both


def fetch_servers():
    """Those of Debian that aren't unpacked yet."""
    quietly([ROOT / "tests/system/peers/install"])


def quietly(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          cwd=ROOT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}tests/lab/bench: {command[0]} failed; see above")
