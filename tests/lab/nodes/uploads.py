"""Uploads by four real clients, one after the other each, while faults happen."""
import errno
import hashlib
import os
import random
import re
import subprocess
import threading
import time

from nodes import USERS
from world import BUILD, NODES, PASSWORD, TOP, VIP, fact, mounted_at, note, run

STALL_S = 5  # an upload that takes longer has stalled


class Uploads:
    """Each name is used once, so that what was acknowledged is what must be there:
    a client's exit status of 0 says that it was."""

    # Each tool, and what its output has for each try.
    TOOLS = {"curl": r"Connected to \S+ \(\S+\) port 21 ", "lftp": "---> STOR", "rclone": 'FTP Tx: "STOR',
             "sallyport": r"Connected to \S+ \(\S+\) port 21 "}

    def __init__(self, seed, tools, pause):
        self.chance = random.Random(seed)
        self.tools = tools
        self.pause = pause
        self.stored = {}  # path below homes -> sha256
        self.compared = set()
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.done = dict.fromkeys(tools, 0)
        self.failures = dict.fromkeys(tools, 0)
        self.lost = []  # when those began whose second run failed, too
        self.retries = self.comparisons = 0
        self.times = []
        self.threads = []
        for user in USERS:
            hidden = run("rclone", "obscure", PASSWORD).strip() if "rclone" in tools else ""
            with open(TOP + "/rclone-" + user, "w", encoding="ascii") as f:
                f.write("[drop]\ntype = ftp\nhost = %s\nuser = %s\npass = %s\nexplicit_tls = true\n" % (
                    VIP, user, hidden))

    def command(self, tool, user, path, name):
        url = "ftp://%s:21/" % VIP
        netrc = TOP + "/netrc-" + user
        if tool == "curl":
            return ["curl", "--silent", "--verbose", "--max-time", "90", "--retry", "6", "--retry-delay", "2",
                    "--retry-all-errors", "--ssl-reqd", "--cacert", TOP + "/certificate.pem",
                    "--netrc-file", netrc, "-T", path, url + name]
        if tool == "lftp":
            return ["lftp", "-d", "-c", "set ftp:ssl-force yes; set ssl:ca-file %s/certificate.pem;"
                    "set net:max-retries 6; set net:reconnect-interval-base 2; set net:timeout 20;"
                    "set cmd:fail-exit yes; open -u %s,'%s' %s; put -c %s -o %s" % (
                        TOP, user, PASSWORD, url, path, name)]
        if tool == "rclone":
            return ["env", "SSL_CERT_FILE=" + TOP + "/certificate.pem", "rclone", "--config",
                    TOP + "/rclone-" + user, "--retries", "4", "--retries-sleep", "2s", "--timeout", "60s",
                    "-vv", "--dump", "headers,bodies", "copyto", path, "drop:" + name]
        return [BUILD + "/bin/sallyport", "put", "--debug", "--cacert", TOP + "/certificate.pem", "--netrc", netrc,
                "--retries", "6", path, "ftps://%s@%s/%s" % (user, VIP, name)]

    def one(self, tool, user, number):
        name = "%s-%d" % (tool, number)
        path = "%s/up/%s" % (TOP, name)
        with self.lock:
            size = self.chance.choice((0, 900, 70000, 300007, 3000001))
        content = os.urandom(size)
        with open(path, "wb") as f:
            f.write(content)
        began = time.monotonic()
        good, seconds = self.run(tool, user, path, name)
        again = good or self.run(tool, user, path, name)[0]  # as its user would
        os.unlink(path)
        with self.lock:
            self.done[tool] += 1
            self.times.append(seconds)
            self.failures[tool] += not good
            self.lost += [] if again else [began]
            if again:
                self.stored["%s/%s" % (user, name)] = hashlib.sha256(content).hexdigest()

    def run(self, tool, user, path, name):
        """One run of the tool: has it succeeded, and how long did it take?"""
        begin = time.monotonic()
        try:
            done = subprocess.run(self.command(tool, user, path, name), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
            good, text = done.returncode == 0, done.stdout.decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            good, text = False, "timed out"
        with self.lock:
            self.retries += max(0, len(re.findall(self.TOOLS[tool], text)) - 1)
            if not good:
                with open(TOP + "/failed", "a", encoding="utf-8") as f:
                    f.write("%s %s: %s\n" % (user, name, text[-600:]))
        return good, time.monotonic() - begin

    def work(self, tool, user):
        number = 0
        while not self.stop.wait(self.pause):
            number += 1
            self.one(tool, user, number)

    def start(self):
        os.makedirs(TOP + "/up")
        for tool, user in zip(self.tools, USERS):
            self.threads.append(threading.Thread(target=self.work, args=(tool, user), daemon=True))
        for thread in self.threads:
            thread.start()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    @staticmethod
    def found(path):
        """Its checksum, or why it can't be read. A busy machine can miss the volume's
        ping-timeout: then its mount is lost for a moment, and is asked again."""
        begin = time.monotonic()
        while True:
            try:
                with open(path, "rb") as f:
                    return hashlib.sha256(f.read()).hexdigest()
            except OSError as e:
                if e.errno != errno.ENOTCONN or time.monotonic() - begin > 60:
                    return e.strerror
            time.sleep(0.5)

    def differences(self, node, stored):
        bad = []
        for name, digest in stored.items():
            found = self.found("%s/homes/%s" % (mounted_at(node), name))
            if found != digest:
                bad.append("%s at %s: %s" % (name, node, found))
        return bad

    def compare(self, when, again=False):
        """Those that haven't been compared yet; or all of them AGAIN."""
        with self.lock:
            stored = {name: digest for name, digest in self.stored.items()
                      if again or name not in self.compared}
        self.compared.update(stored)
        self.comparisons += len(stored) * len(NODES)
        bad = [s for node in NODES for s in self.differences(node, stored)]
        fact(not bad, "%s: %d acknowledged files, each the same on %d nodes%s" % (
            when, len(stored), len(NODES), "".join("\n    " + s for s in bad[:20])))

    def failed(self):
        return sum(self.failures.values())

    def report(self):
        failing = [tool for tool in self.tools if 2 * self.failures[tool] >= self.done[tool]]
        fact(not failing, "each client has stored most of its files%s" % "".join("; not " + tool for tool in failing))
        slow = [t for t in self.times if t > STALL_S]
        note("%d uploads (%s), %d acknowledged, %d failed (%s), %d of them again in a second run, %d comparisons" % (
            sum(self.done.values()), ", ".join("%s %d" % each for each in self.done.items()), len(self.stored),
            self.failed(), ", ".join("%s %d" % each for each in self.failures.items()), len(self.lost),
            self.comparisons))
        note("%d tries more than one; %d uploads took more than %d s, the longest %.0f s" % (
            self.retries, len(slow), STALL_S, max(self.times, default=0)))
