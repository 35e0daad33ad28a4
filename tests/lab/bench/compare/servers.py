"""The servers of the table: how each is configured and started. All listen on
loopback, show the same certificate, demand TLS on both channels, and have the
user anna with the same SHA-512 hash and the same home."""
import gzip
import os
import pathlib
import random
import shlex
import signal
import socket
import subprocess
import time

import account
from programs import ROOT
from workplace import UID, USER

PEERS = ROOT / "build/peers/root"
START_S = 30
STOP_S = 15


class Failed(Exception):
    """The reason for which a row has no figure."""


def free_port():
    """Below those that the kernel gives to others."""
    while True:
        port = random.randrange(12000, 31000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Server:
    """One that runs; a subclass knows its command."""
    name = ""
    packages = ()
    kind = "server"  # or "limit"

    def __init__(self, site):
        self.site = site
        self.directory = site.work / self.name
        self.process = self.port = self.log = self.group = None

    # What a subclass says.

    def command(self):
        raise NotImplementedError

    def version(self):
        """Of Debian's package, from its changelog."""
        for top in (PEERS, pathlib.Path("/")):
            for file in (top / "usr/share/doc" / self.packages[0]).glob("changelog.Debian*"):
                opener = gzip.open if file.suffix == ".gz" else open
                with opener(file, "rt", encoding="utf-8", errors="replace") as f:
                    return f.readline().split("(")[1].split(")")[0]
        return "unknown"

    def environment(self):
        libraries = ":".join(str(p) for p in PEERS.glob("usr/lib/*-linux-gnu"))
        return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": libraries}

    # What is the same for all.

    def start(self):
        self.directory.mkdir(mode=0o755, exist_ok=True)
        self.port = free_port()
        command = self.command()
        self.group = account.make(self.name)
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(
            [*self.group.launcher(), *map(str, command)], env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, start_new_session=True, cwd="/")
        self.group.top = self.process.pid
        self.wait_until_ready()

    def wait_until_ready(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
                    if s.recv(3) == b"220":
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise Failed(f"{self.name} doesn't start: {self.last_words()}")

    def last_words(self):
        lines = (self.directory / "log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it says nothing"

    def stop(self):
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
                try:
                    self.process.wait(timeout=STOP_S)
                except subprocess.TimeoutExpired:
                    self.process.kill()
            self.process.wait()
            self.log.close()
        if self.group:
            self.group.remove()
        self.process = self.group = None


class Sallyport(Server):
    name = "sallyport"

    def command(self):
        s, d, most = self.site, self.directory, self.site.sizes.sessions + 100
        (d / "users").touch(0o600)
        (d / "users").write_text(f"{USER}:{s.hash}:{UID}:{UID}::{s.home}::\n")
        (d / "sallyport.conf").write_text("".join(f"{key} = {value}\n" for key, value in {
            "listen": f"127.0.0.1:{self.port}", "ports": "auto",
            "certificate": s.certificate, "key": s.key, "users": d / "users", "homes": s.work / "homes",
            "empty": s.work / "empty", "state": d / "state", "accounts": 69990,
            "max_sessions": most, "max_per_address": most, "max_per_user": most}.items()))
        (d / "sallyport.conf").chmod(0o600)
        return [s.build / "sbin/sallyportd", "--foreground", "--config", d / "sallyport.conf"]

    def environment(self):
        return {"PATH": os.environ["PATH"]}

    def version(self):
        said = subprocess.run([self.site.build / "sbin/sallyportd", "--version"], capture_output=True, text=True,
                              check=False).stdout.split()
        version = said[-1] if said else "unknown"
        if ROOT not in self.site.build.parents:
            return version
        commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True,
                                check=False).stdout.strip()
        return f"{version} ({commit})"


class Vsftpd(Server):
    """Its users are the machine's, so it gets a mount namespace with others.
    Its sandbox must be off: it kills the process at AUTH TLS."""
    name = "vsftpd"
    packages = ("vsftpd",)

    def command(self):
        s, d = self.site, self.directory
        (d / "pam.d").mkdir(exist_ok=True)
        (d / "empty").mkdir(exist_ok=True)
        (d / "pam.d/vsftpd").write_text("auth required pam_unix.so\naccount required pam_permit.so\n")
        passwd = pathlib.Path("/etc/passwd").read_text()
        (d / "passwd").write_text(f"{passwd}{USER}:x:{UID}:{UID}::{s.home}:/bin/sh\n")
        (d / "shadow").touch(0o600)
        (d / "shadow").write_text(f"{USER}:{s.hash}:19000:0:99999:7:::\n")
        (d / "vsftpd.conf").write_text("".join(f"{key}={value}\n" for key, value in {
            "listen": "YES", "listen_port": self.port, "listen_address": "127.0.0.1", "background": "NO",
            "anonymous_enable": "NO", "local_enable": "YES", "write_enable": "YES", "pam_service_name": "vsftpd",
            "chroot_local_user": "YES", "allow_writeable_chroot": "YES", "secure_chroot_dir": d / "empty",
            "max_clients": 0, "max_per_ip": 0, "seccomp_sandbox": "NO", "xferlog_enable": "NO",
            "ssl_enable": "YES", "ssl_tlsv1": "YES", "force_local_logins_ssl": "YES", "force_local_data_ssl": "YES",
            "require_ssl_reuse": "YES", "rsa_cert_file": s.pair}.items()))
        binds = "".join(f"mount --bind {shlex.quote(str(d / name))} /etc/{name} && "
                        for name in ("passwd", "shadow", "pam.d"))
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", binds + 'exec "$@"', "sh",
                PEERS / "usr/sbin/vsftpd", d / "vsftpd.conf"]


class Proftpd(Server):
    """Without CAs of its own it would parse the system's in each login; mod_delay
    would delay logins."""
    name = "proftpd"
    packages = ("proftpd-core", "proftpd-mod-crypto")

    def command(self):
        s, d = self.site, self.directory
        (d / "no-ca").mkdir(exist_ok=True)
        modules = PEERS / "usr/lib/proftpd"
        (d / "passwd").touch(0o600)
        (d / "passwd").write_text(f"{USER}:{s.hash}:{UID}:{UID}:{USER}:{s.home}:/bin/sh\n")
        # Debian 12 compiles these modules in.
        loaded = "".join(f"LoadModule mod_{m}.c\n" for m in ("delay", "ls", "xfer", "facts")
                         if (modules / f"mod_{m}.so").exists())
        (d / "proftpd.conf").write_text(f"""ModulePath {modules}
LoadModule mod_tls.c
{loaded}ServerType standalone
ServerName bench
Port {self.port}
DefaultAddress 127.0.0.1
SocketBindTight on
UseIPv6 off
UseReverseDNS off
User nobody
Group nogroup
PidFile {d}/pid
ScoreboardFile {d}/scoreboard
DelayEngine off
SystemLog none
TransferLog NONE
WtmpLog off
UseFtpUsers off
MaxInstances none
AuthOrder mod_auth_file.c
AuthUserFile {d}/passwd
AuthPAM off
RequireValidShell off
DefaultRoot ~
AllowOverwrite on
ListOptions "" maxfiles 1000000
TLSEngine on
TLSRequired on
TLSProtocol TLSv1.3
TLSECCertificateFile {s.certificate}
TLSECCertificateKeyFile {s.key}
TLSCACertificatePath {d}/no-ca
TLSVerifyClient off
TLSLog none
""")
        return [PEERS / "usr/sbin/proftpd", "-n", "-q", "-c", d / "proftpd.conf"]


class PureFtpd(Server):
    """Without -L a listing would end after 10,000 names."""
    name = "pure-ftpd"
    packages = ("pure-ftpd",)

    def command(self):
        s, d = self.site, self.directory
        (d / "passwd").touch(0o600)
        (d / "passwd").write_text(f"{USER}:{s.hash}:{UID}:{UID}::{s.home}/./::::::::::::\n")
        subprocess.run([PEERS / "usr/bin/pure-pw", "mkdb", d / "users.pdb", "-f", d / "passwd"], check=True,
                       env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return [PEERS / "usr/sbin/pure-ftpd", "-S", f"127.0.0.1,{self.port}", "-l", f"puredb:{d}/users.pdb",
                "-Y", "3", "-2", s.pair, "-E", "-H", "-c", "4000", "-C", "4000", "-L", "1000000:5", "-f", "none",
                "-g", d / "pid"]


class Pyftpdlib(Server):
    name = "pyftpdlib"
    packages = ("python3-pyftpdlib",)

    def command(self):
        s = self.site
        return ["/usr/bin/python3", ROOT / "tests/lab/bench/compare/pyftpdlib_server.py", s.home, self.port, s.pair]

    def environment(self):
        return {"PATH": os.environ["PATH"], "BENCH_HASH": self.site.hash}


class Bare(Server):
    """Not a server: what its rows cost without everything that makes one."""
    name = "bare"
    kind = "limit"
    workers = 8

    def command(self):
        s = self.site
        return [s.bare, "ftp", self.workers, s.home, s.certificate, s.key]

    def environment(self):
        return {"PATH": os.environ["PATH"], "BENCH_HASH": self.site.hash}

    def wait_until_ready(self):
        self.port = read_port(self)


class Echo(Bare):
    """Answers lines over TLS while another server's downloads run: in one
    process, or in one for each client."""
    name = "echo"

    def __init__(self, site, how="echo"):
        super().__init__(site)
        self.how = how

    def command(self):
        s = self.site
        return [s.bare, self.how, s.certificate, s.key]


def read_port(server):
    """A bare server prints the port that it got."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.process.poll() is None:
        if (text := (server.directory / "log").read_text()).endswith("\n"):
            return int(text)
        time.sleep(0.02)
    raise Failed(f"{server.name} doesn't start: {server.last_words()}")


ALL = {c.name: c for c in (Sallyport, Vsftpd, Proftpd, PureFtpd, Pyftpdlib, Bare)}
