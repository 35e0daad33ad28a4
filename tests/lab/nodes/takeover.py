"""Two HAProxys with keepalived share an address, each on a machine (a network and a pid
namespace) of its own."""
import os
import re
import signal
import subprocess

from cases import everywhere
from nodes import greeting, haproxy_program, haproxy_text
from world import FRONTS, NODES, SHARED, SOURCE, TOP, Network, attempt, fact, run, seconds_until, space, wait_until

INTERVAL_S, FALL, ADVERT_S = 2, 2, 1  # of etc/cluster/keepalived.conf
# keepalived asks twice in vain, or misses three advertisements; and a busy machine.
MOST_S = 4 * ADVERT_S + (FALL + 1) * INTERVAL_S + 5


class Front:
    """One machine, with the files of etc/cluster."""

    # Process 1 of the machine. It must reap: pgrep finds zombies, too.
    INIT = 'set -e; mount -t proc proc /proc; mount -t tmpfs tmpfs /run; : >"$0"; sleep infinity & wait'

    def __init__(self, number):
        self.name = "front%d" % (1 + number)
        self.own, self.first = FRONTS[number], number == 0
        self.path = "%s/%s" % (TOP, self.name)
        self.machine = self.haproxy = None

    def configure(self):
        Network.add(self.name, self.own)
        with open(self.path + ".cfg", "w", encoding="utf-8") as f:
            f.write(haproxy_text(SHARED, self.path))
        with open(SOURCE + "/etc/cluster/keepalived.conf", encoding="utf-8") as f:
            text = f.read().replace("192.0.2.10", SHARED)
        if not self.first:
            text = text.replace("priority 110", "priority 100")
        with open(self.path + ".conf", "w", encoding="utf-8") as f:
            f.write(text)

    def boot(self):
        up = self.path + ".up"
        attempt("rm", "-f", up)
        self.machine = subprocess.Popen(
            ["nsenter", "--net=/run/netns/" + space(self.name), "unshare", "--mount", "--propagation", "private",
             "--pid", "--fork", "--kill-child", "sh", "-c", self.INIT, up], stdin=subprocess.DEVNULL,
            start_new_session=True)
        wait_until("machine " + self.name, lambda: os.path.exists(up))
        self.start_haproxy()
        program = SOURCE + "/build/keepalived/usr/sbin/keepalived"
        self.run_inside(program if os.path.exists(program) else "keepalived", "--dont-fork", "--log-console",
                        "--log-detail", "--use-file", self.path + ".conf")

    def run_inside(self, *words):
        inside = run("pgrep", "-P", str(self.machine.pid)).split()[0]
        with open(self.path + ".log", "ab") as out:
            return subprocess.Popen(["nsenter", "-t", inside, "-n", "-m", "-p", "--", *words],
                                    stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)

    def start_haproxy(self):
        self.haproxy = self.run_inside(haproxy_program(), "-W", "-db", "-f", self.path + ".cfg")

    def kill_haproxy(self):
        os.killpg(self.haproxy.pid, signal.SIGKILL)
        self.haproxy.wait()

    def die(self):
        """As by a power cut: no packet says so, and the address is gone."""
        run("ip", "link", "set", "v" + self.name, "down")
        os.killpg(self.machine.pid, signal.SIGKILL)  # and, with process 1, all others
        self.machine.wait()
        self.haproxy.wait()
        run("ip", "-n", space(self.name), "addr", "flush", "dev", "eth0")
        run("ip", "-n", space(self.name), "addr", "add", self.own + "/24", "dev", "eth0")

    def boot_again(self):
        run("ip", "link", "set", "v" + self.name, "up")
        self.boot()

    def has_address(self):
        return SHARED + "/" in run("ip", "-n", space(self.name), "addr", "show", "dev", "eth0")

    def states(self):
        """What keepalived has been, from first to last."""
        with open(self.path + ".log", encoding="utf-8", errors="replace") as f:
            return re.findall(r"Entering (\w+) STATE", f.read())


def serves():
    return greeting(SHARED, 21, 1).startswith("220")


def node_of(client):
    """By the port of a data connection: each node has a hundred."""
    return NODES[(int(re.search(r"\|(\d+)\|", client.sendcmd("EPSV")).group(1)) - 30000) // 100]


def begin_upload(cluster, user, name, content):
    """By a curl that takes some seconds for it; returns when the first bytes are there."""
    path = "%s/up-%s" % (TOP, name)
    with open(path, "wb") as f:
        f.write(content)
    before = set(cluster.unfinished(NODES[-1], user))
    with open(path + ".said", "wb") as out:
        curl = subprocess.Popen(
            ["curl", "--silent", "--verbose", "--limit-rate", "2M", "--max-time", "120", "--retry", "20",
             "--retry-delay", "1", "--retry-all-errors", "--connect-timeout", "5", "--ssl-reqd", "--cacert",
             TOP + "/certificate.pem", "--netrc-file", TOP + "/netrc-" + user, "-T", path,
             "ftp://%s:21/%s" % (SHARED, name)], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    wait_until("begun upload", lambda: any(
        os.path.getsize(cluster.path(NODES[-1], user, n)) > 0
        for n in set(cluster.unfinished(NODES[-1], user)) - before))
    return curl, path + ".said"


def fail_over(cluster, what, user, old, new, fault):
    """FAULT happens to OLD during an upload."""
    content, name = os.urandom(12000001), "moved-to-" + new.name
    curl, said = begin_upload(cluster, user, name, content)
    fault()
    took = seconds_until(serves, 60)
    fact(took is not None and took <= MOST_S and new.has_address(),
         "%s: a new client gets 220 from the other one after %s s" % (what, took and round(took, 1)))
    status = curl.wait(180)
    with open(said, encoding="utf-8", errors="replace") as f:  # of curl
        tries = f.read().count("Connected to ")
    fact(status == 0 and tries > 1 and everywhere(cluster, user, name, content),
         "%s: curl's upload ended with %d after %d tries, the same on %d nodes" % (what, status, tries, len(NODES)))


def takeover(cluster):
    """The machine of one HAProxy dies during an upload, and comes back; then HAProxy
    alone dies on the other."""
    one, another = fronts = [Front(i) for i in range(2)]
    for front in fronts:
        front.configure()
        front.boot()
    wait_until("one owner of the address", lambda: one.has_address() and not another.has_address() and serves(), 60)
    client = cluster.client_of(SHARED, 21)
    before = node_of(client)
    client.close()
    fail_over(cluster, "the machine of the first HAProxy dies", "anna", one, another, one.die)
    client = cluster.client_of(SHARED, 21)
    after = node_of(client)
    fact(before == after, "both HAProxys send an address to one node: %s, %s" % (before, after))
    one.boot_again()
    wait_until("first machine that is ready", lambda: one.states()[-1] == "BACKUP", 30)
    moved = seconds_until(one.has_address, MOST_S)
    reply = client.reply(client.sendcmd, "NOOP")
    client.close()
    fact(moved is None and another.has_address() and reply.startswith("200"),
         "the first machine is back: the address stays, and a session goes on: %s" % reply)
    fail_over(cluster, "HAProxy alone dies", "bert", another, one, another.kill_haproxy)
    another.start_haproxy()
    wait_until("second machine that is ready", lambda: another.states()[-1] == "BACKUP", 30)
    for front in fronts:
        front.die()
