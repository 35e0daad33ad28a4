"""What all servers share: the certificate, the user with a password, the files."""
import os
import resource
import shutil
import subprocess

from programs import ROOT

USER, UID = "anna", 70000
SMALL = 4096  # bytes of a small file


def raise_limit():
    """Six descriptors for each session, as far as this machine permits them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Workplace:
    def __init__(self, work, build, programs, sizes):
        self.work, self.build, self.sizes = work, build, sizes
        self.load, self.bare = programs
        self.certificate, self.key, self.pair = work / "certificate.pem", work / "key.pem", work / "pair.pem"
        self.home = work / "homes" / USER
        subprocess.run([ROOT / "certs/make", "--out", work, "localhost", "127.0.0.1"], check=True,
                       stdout=subprocess.DEVNULL)
        self.pair.touch(0o600)
        self.pair.write_text(self.key.read_text() + self.certificate.read_text())
        self.password = os.urandom(16).hex()
        self.hash = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=self.password + "\n", check=True,
                                   text=True, capture_output=True).stdout.strip()
        (work / "empty").mkdir(0o755)
        (work / "homes").mkdir(0o711)
        self.home.mkdir(0o700)
        self.make_files()

    def make_files(self):
        self.warm()
        self.empty_in()
        with open(self.home / "big", "wb") as big:
            for _ in range(self.sizes.mib):
                big.write(os.urandom(2**20))
        with open(self.home / "big", "rb") as big, open(self.home / "quarter", "wb") as quarter:
            for _ in range(self.sizes.mib // 4):
                quarter.write(big.read(2**20))
        (self.home / "small").mkdir()
        with open(self.home / "big", "rb") as big:
            for i in range(max(self.sizes.small, 10)):
                (self.home / f"small/{i:06d}").write_bytes(big.read(SMALL))
        (self.home / "many").mkdir()
        for i in range(self.sizes.names):
            os.close(os.open(self.home / f"many/file-{i:06d}.dat", os.O_WRONLY | os.O_CREAT, 0o644))
        for path in (self.home, self.home / "small", self.home / "many", self.home / "big", self.home / "quarter"):
            os.chown(path, UID, UID)

    def warm(self):
        """Fresh pages of a tmpfs cost seconds the first time, in a virtual
        machine whose host has to find them."""
        with open(self.work / "warm", "wb") as f:
            zeros = bytes(2**20)
            for _ in range(self.sizes.mib * 5 // 4):
                f.write(zeros)
        (self.work / "warm").unlink()

    def empty_in(self):
        shutil.rmtree(self.home / "in", ignore_errors=True)
        (self.home / "in").mkdir(0o700)
        os.chown(self.home / "in", UID, UID)
