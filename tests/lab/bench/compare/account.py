"""What a server's processes have cost: processor time and memory of the whole
tree, whoever started whom."""
import os
import pathlib
import signal
import time

CGROUP2 = [pathlib.Path("/sys/fs/cgroup/unified"), pathlib.Path("/sys/fs/cgroup")]
CPUACCT = [pathlib.Path("/sys/fs/cgroup/cpuacct"), pathlib.Path("/sys/fs/cgroup/cpu,cpuacct")]
TICK = os.sysconf("SC_CLK_TCK")
STEADY_S = 0.0003  # of processor time between two looks: nothing is under way
LOOK_S = 0.02
SETTLE_S = 3
GONE_S = 10  # for killed processes


class Group:
    """A control group: whoever is started in it stays in it, and it keeps the
    time of processes that have ended."""

    def __init__(self, directory, how):
        self.directory, self.how = directory, how

    def launcher(self):
        """The beginning of a command line that runs the rest inside."""
        return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self.directory)]

    def cpu(self):
        """Seconds."""
        if self.how == "cgroup v1":
            return int((self.directory / "cpuacct.usage").read_text()) / 1e9
        return int((self.directory / "cpu.stat").read_text().split()[1]) / 1e6

    def pids(self):
        return [int(s) for s in (self.directory / "cgroup.procs").read_text().split()]

    def remove(self):
        kill_all(self.pids)
        deadline = time.monotonic() + GONE_S
        while self.directory.exists() and time.monotonic() < deadline:
            try:
                self.directory.rmdir()
            except OSError:
                time.sleep(0.01)  # a process is ending in it


class Tree:
    """Without control groups: the processes below the first one, exactly, and in
    ticks of the clock those that ended and that a parent has waited for."""
    how = "/proc/PID/schedstat"

    def __init__(self):
        self.top = None

    def launcher(self):
        return []

    def cpu(self):
        return sum(own_time(pid, f) + (int(f[13]) + int(f[14])) / TICK for pid, f in self.fields().items())

    def pids(self):
        return list(self.fields())

    def fields(self):
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                stat = pathlib.Path("/proc", pid, "stat").read_text()
                found[int(pid)] = stat.rpartition(") ")[2].split()
            except OSError:
                pass  # it has ended
        below = {self.top}
        while more := {pid for pid, f in found.items() if int(f[1]) in below} - below:
            below |= more
        return {pid: f for pid, f in found.items() if pid in below and f[0] != "Z"}

    def remove(self):
        kill_all(self.pids)


def own_time(pid, fields):
    """FIELDS are those of its stat."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:  # ended just now, or a kernel without it
        return (int(fields[11]) + int(fields[12])) / TICK


def kill_all(pids):
    deadline = time.monotonic() + GONE_S
    while (left := pids()) and time.monotonic() < deadline:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def make(name):
    """The most exact of what this machine has."""
    for tops, file, how in ((CGROUP2, "cpu.stat", "cgroup v2"), (CPUACCT, "cpuacct.usage", "cgroup v1")):
        for top in tops:
            directory = top / f"sallyport-bench-{os.getpid()}-{name}"
            try:
                directory.mkdir()
            except OSError:
                continue
            if (directory / file).exists() and (directory / "cgroup.procs").exists():
                return Group(directory, how)
            directory.rmdir()  # no control groups are mounted there
    return Tree()


def settled(group):
    """The processor time, as soon as it doesn't grow any more."""
    before, deadline = group.cpu(), time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        time.sleep(LOOK_S)
        now = group.cpu()
        if now - before < STEADY_S:
            return now
        before = now
    return before


def memory(group):
    """PSS in KiB: of a page that several processes share, each has its part."""
    total = 0
    for pid in group.pids():
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total
