"""How uploads scale with the nodes that take clients; the volume always has its three
bricks. Each node (its server, brick, daemons and mount) may use a share of a processor;
the clients and HAProxy have the rest."""
import os
import threading
import time

from nodes import USERS
from world import NODES, TOP, VIP, attempt, fact, note, share_of, wait_until

CPU = "/sys/fs/cgroup/cpu/"  # version 1
PERIOD_US = 100000
CLIENTS_PER_NODE = 2


def limit(percent):
    """Each node's programs begin in a cgroup of its own from now on."""
    for node in NODES:
        group = "%ssallyport-%d-%s" % (CPU, os.getpid(), node)
        os.makedirs(group, exist_ok=True)
        for name, value in (("cfs_period_us", PERIOD_US), ("cfs_quota_us", PERIOD_US * percent // 100)):
            with open("%s/cpu.%s" % (group, name), "w", encoding="ascii") as f:
                f.write(str(value))
        share_of[node] = ("sh", "-c", 'echo $$ >"$0"/cgroup.procs && exec "$@"', group)


def unlimit():
    """Nothing is left of the groups; what still runs there goes back to the machine's."""
    for words in share_of.values():
        group = words[-1]
        with open(group + "/cgroup.procs", encoding="ascii") as f:
            left = f.read().split()
        for pid in left:
            attempt("sh", "-c", "echo %s >%scgroup.procs" % (pid, CPU))
        wait_until("end of " + group, lambda g=group: attempt("rmdir", g) == 0)


def upload(node_port, user, path, names, times):
    """By one curl, in one session."""
    words = ["curl", "--silent", "--ssl-reqd", "--cacert", TOP + "/certificate.pem", "--netrc-file",
             TOP + "/netrc-" + user]
    for name in names:
        words += ["-T", path, "ftp://%s:%d/%s" % (VIP, node_port, name)]
    begin = time.monotonic()
    code = attempt(*words, seconds=1200)
    times.append((code, time.monotonic() - begin))


def series(cluster, nodes, size, count):
    """Each of these nodes has its clients, which all upload COUNT files of SIZE bytes."""
    path = "%s/measured-%d" % (TOP, size)
    with open(path, "wb") as f:
        f.write(os.urandom(size))
    times, threads = [], []
    begin = time.monotonic()
    for node in nodes:
        for i in range(CLIENTS_PER_NODE):
            names = ["measured-%s-%d-%d-%d" % (node, i, size, n) for n in range(count)]
            threads.append(threading.Thread(target=upload, args=(
                cluster.balancer.port(node), USERS[i], path, names, times)))
            threads[-1].start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - begin
    files = count * len(threads)
    fact(not any(code for code, _ in times), "%d nodes, %d files of %d KiB in %.1f s: %.1f files a second, %.1f MiB/s" % (
        len(nodes), files, size >> 10, seconds, files / seconds, files * size / seconds / (1 << 20)))


def measure(cluster):
    for size, count in ((64 << 20, 2), (4 << 10, 60)):
        for n in range(1, len(NODES) + 1):
            with open("/proc/loadavg", encoding="ascii") as f:
                note("load of the machine: " + f.read().strip())
            series(cluster, NODES[:n], size, count)
