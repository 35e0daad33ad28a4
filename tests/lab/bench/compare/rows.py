"""The rows of the table. Each runs the load generator against a server that is
up, and gives figures; or it raises Failed with the reason."""
import dataclasses
import filecmp
import json
import os
import subprocess
import threading
import time

import account
from servers import Echo, Failed
from workplace import SMALL, USER

LIMIT_S = 600  # for one row of one server
IDLE_S = 5  # then a session is idle, and may have given memory back


@dataclasses.dataclass
class Figure:
    """A line of the table: its key, and the row that measures it."""
    key: str
    row: str
    title: str
    unit: str
    more_is_better: bool = False
    judged: bool = True  # False: no ratio, it belongs to the line before


FIGURES = [
    Figure("down1", "down1", "{mib} MiB down, 1 stream", "CPU s/GiB"),
    Figure("down4", "down4", "{mib} MiB down, 4 streams", "CPU s/GiB"),
    Figure("up1", "up1", "{mib} MiB up, 1 stream", "CPU s/GiB"),
    Figure("up4", "up4", "{mib} MiB up, 4 streams", "CPU s/GiB"),
    Figure("small_down", "small-down", "4 KiB file down", "ms"),
    Figure("small_down_cpu", "small-down", "4 KiB file down", "CPU ms"),
    Figure("small_up", "small-up", "4 KiB file up", "ms"),
    Figure("small_up_cpu", "small-up", "4 KiB file up", "CPU ms"),
    Figure("login1", "login1", "login, 1 at once", "ms"),
    Figure("login8", "login8", "login, 8 at once", "ms"),
    Figure("login_cpu", "login8", "login, 8 at once", "CPU ms"),
    Figure("list", "list", "LIST of {names:,} names", "CPU s"),
    Figure("mlsd", "mlsd", "MLSD of {names:,} names", "CPU s"),
    Figure("memory", "memory", "PSS per idle session, {sessions} sessions", "KiB"),
    Figure("noop_p50", "latency", "NOOP p50, {sessions} idle sessions, 4 downloads", "ms"),
    Figure("noop_p99", "latency", "NOOP p99, {sessions} idle sessions, 4 downloads", "ms"),
    Figure("noop_each", "latency", "p99 of an echo that is a process for each client", "ms", judged=False),
    Figure("downloads", "latency", "speed of these downloads", "MiB/s", more_is_better=True),
    Figure("resumed", "resumed", "data connections resumed", "%", more_is_better=True, judged=False),
]
ROWS = list(dict.fromkeys(f.row for f in FIGURES))
# The bare server does these; the echo does the latency.
BARE_ROWS = ["down1", "down4", "up1", "up4", "small-down", "small-up", "login1", "login8"]


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "the load generator says nothing"


class Load:
    """One run of the generator, which waits twice: before and after the work."""

    def __init__(self, site, server, row, **options):
        words = [str(site.load), row, "--port", str(server.port), "--user", USER,
                 "--ca", str(site.certificate)]
        for key, value in options.items():
            words += ["--" + key, str(value)]
        environment = {"PATH": os.environ["PATH"], "BENCH_PASSWORD": site.password}
        self.process = subprocess.Popen(words, env=environment, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.timer = threading.Timer(LIMIT_S, self.process.kill)
        self.timer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.process.kill()
        self.process.communicate()

    def fail(self):
        if self.process.wait() < 0:
            raise Failed(f"the load generator ended by signal {-self.process.returncode}")
        raise Failed(last_line(self.process.stderr.read()))

    def wait(self, word):
        if self.process.stdout.readline().strip() != word:
            self.fail()

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def result(self):
        line = self.process.stdout.readline()
        if not line.startswith("{"):
            self.fail()
        return json.loads(line)


def run(site, server, row, **options):
    """The generator's figures, and the server's processor time as "cpu"."""
    # Its downloads go on all the time.
    read = server.group.cpu if row == "latency" else lambda: account.settled(server.group)
    with Load(site, server, row, **options) as load:
        load.wait("ready")
        before = read()
        load.go_on()
        load.wait("done")
        cpu = read() - before
        load.go_on()
        result = load.result()
    return result | {"cpu": cpu}


def spent(result):
    """The processor time that a row is about."""
    if result["cpu"] <= 0:
        raise Failed("the server's processor time didn't grow")
    return result["cpu"]


def down(site, server, streams):
    name = "big" if streams == 1 else "quarter"
    result = run(site, server, "down", streams=streams, source=site.home / name, remote=name)
    return {f"down{streams}": spent(result) / (result["bytes"] / 2**30)}


def up(site, server, streams):
    source = site.home / ("big" if streams == 1 else "quarter")
    site.warm()
    try:
        result = run(site, server, "up", streams=streams, source=source, remote="in/up")
        for i in range(streams):
            check_same(source, site.home / f"in/up{i}")
    finally:
        site.empty_in()
    return {f"up{streams}": spent(result) / (result["bytes"] / 2**30)}


def check_same(source, stored):
    if not stored.is_file() or not filecmp.cmp(source, stored, shallow=False):
        raise Failed(f"{stored.name} isn't stored as it was sent")


def small_down(site, server):
    n = site.sizes.small
    result = run(site, server, "small-down", count=n, source=site.home / "big", remote="small/")
    return {"small_down": result["seconds"] * 1e3 / n, "small_down_cpu": spent(result) * 1e3 / n}


def small_up(site, server):
    n = site.sizes.small
    try:
        result = run(site, server, "small-up", count=n, source=site.home / "big", remote="in/")
        check_small(site, n)
    finally:
        site.empty_in()
    return {"small_up": result["seconds"] * 1e3 / n, "small_up_cpu": spent(result) * 1e3 / n}


def check_small(site, n):
    with open(site.home / "big", "rb") as f:
        for i in range(n):
            stored = site.home / f"in/{i:06d}"
            if not stored.is_file() or stored.read_bytes() != f.read(SMALL):
                raise Failed(f"{stored.name} isn't stored as it was sent")


def login(site, server, at_once):
    count = max(site.sizes.logins // at_once, 2)
    result = run(site, server, "login", count=count, streams=at_once)
    if at_once == 1:
        return {"login1": result["median_ms"]}
    return {f"login{at_once}": result["each_ms"], "login_cpu": spent(result) * 1e3 / result["logins"]}


def listing(site, server, command):
    result = run(site, server, "list", count=site.sizes.names, remote="many", command=command)
    return {command.lower(): spent(result)}


def memory(site, server):
    n = site.sizes.sessions
    with Load(site, server, "idle", count=n) as load:
        load.wait("ready")
        time.sleep(IDLE_S)
        account.settled(server.group)
        kib = account.memory(server.group)
        load.go_on()
        load.wait("done")  # each session has answered
        load.go_on()
        load.result()
    if kib <= 0:
        raise Failed("no memory could be read")
    return {"memory": kib / n}


def latency(site, server, echo=None):
    options = {"echo": echo.port} if echo else {}
    result = run(site, server, "latency", count=site.sizes.sessions, streams=4, seconds=site.sizes.seconds,
                 source=site.home / "quarter", remote="quarter", **options)
    if not result["ahead"]:
        print(f"  {server.name}: latency: without real-time priority, so the generator's own waits count", flush=True)
    if result["samples"] < 5 or result["mib_per_s"] <= 0:
        raise Failed(f"only {result['samples']} answers came at {result['mib_per_s']} MiB/s")
    return {"noop_p50": result["p50_ms"], "noop_p99": result["p99_ms"], "downloads": result["mib_per_s"]}


def latency_of_echo(site, server):
    """An echo instead of the idle sessions, while SERVER's downloads run."""
    one, each = (latency_beside(site, server, Echo(site, how)) for how in ("echo", "echo-each"))
    return {"noop_p50": one["noop_p50"], "noop_p99": one["noop_p99"], "noop_each": each["noop_p99"]}


def latency_beside(site, server, echo):
    try:
        echo.start()
        return latency(site, server, echo)
    finally:
        echo.stop()


def resumed(site, server):
    parts = []
    for row, remote in (("small-down", "small/"), ("small-up", "in/")):
        try:
            parts.append(run(site, server, row, count=10, source=site.home / "big", remote=remote))
        finally:
            site.empty_in()
    connections = sum(p["connections"] for p in parts)
    return {"resumed": 100 * sum(p["resumed"] for p in parts) / connections}


MEASURE = {
    "down1": lambda site, server: down(site, server, 1),
    "down4": lambda site, server: down(site, server, 4),
    "up1": lambda site, server: up(site, server, 1),
    "up4": lambda site, server: up(site, server, 4),
    "small-down": small_down,
    "small-up": small_up,
    "login1": lambda site, server: login(site, server, 1),
    "login8": lambda site, server: login(site, server, 8),
    "list": lambda site, server: listing(site, server, "LIST"),
    "mlsd": lambda site, server: listing(site, server, "MLSD"),
    "memory": memory,
    "latency": latency,
    "resumed": resumed,
}
