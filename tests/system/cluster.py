"""A cluster on this machine, for tests/system/cluster: BUILD DIRECTORY ROUNDS SEED.

Three nodes, each a network namespace with a GlusterFS daemon, a brick, a mount of
the volume and a server; HAProxy in front of them; clients behind it. Uploads go on
while something is killed or cut. What a client was told is stored (its exit status
is 0) must be there, whole, on each node: after the fault, and after healing.

Prints "right: ..." or "WRONG: ..." for each fact, and ends with 1 if one is wrong."""
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time

BUILD, TOP, ROUNDS, SEED = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NODES = "abc"
NET = "10.91.0."
VIP = NET + "10"
USERS = ["anna", "bert", "carla", "dora"]
PASSWORD = "correct horse 12"
chance = random.Random(SEED)
wrong = []


def fact(right, text):
    print("right:" if right else "WRONG:", text, flush=True)
    if not right:
        wrong.append(text)


def run(*words, **more):
    return subprocess.run(words, check=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120, **more).stdout


def wait_until(what, test, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if test():
            return True
        time.sleep(0.1)
    raise SystemExit("cluster: no " + what + " within %d s" % seconds)


def address(node):
    return NET + str(1 + NODES.index(node))


def spawn(namespace, *words, log):
    with open(log, "ab") as out:
        return subprocess.Popen(["ip", "netns", "exec", namespace, *words],
                                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                start_new_session=True)


class Volume:
    """GlusterFS, replica 3. The daemons of a node have a mount and a pid namespace
    of their own, so that their fixed paths don't meet."""

    INIT = r"""
set -e
node=$1 top=$2
for directory in /run /var/lib/glusterd /var/log/glusterfs; do
    mkdir -p "$top/$node$directory"
    mount --bind "$top/$node$directory" "$directory"
done
mount -t proc proc /proc
hostname "$node"
mkdir -p /run/gluster
trap 'exit 0' TERM
while :; do
    glusterd -N --log-level WARNING -l /var/log/glusterfs/glusterd.log || true
    sleep 1
done
"""

    def __init__(self):
        self.nodes = {}
        self.clients = {}

    def inside(self, node, *words):
        return run("nsenter", "-t", str(self.pid(node)), "-n", "-m", "-u", "-p", "--", *words)

    def pid(self, node):
        children = run("pgrep", "-P", str(self.nodes[node].pid)).split()
        return int(children[0])

    def start_node(self, node):
        os.makedirs("%s/%s/brick" % (TOP, node), exist_ok=True)
        self.nodes[node] = subprocess.Popen(
            ["nsenter", "--net=/run/netns/sp-" + node, "unshare", "-m", "-u", "-p", "-f",
             "--propagation", "private", "--kill-child", "bash", "-c", self.INIT, "init", node, TOP],
            stdin=subprocess.DEVNULL, stdout=open("%s/%s/out" % (TOP, node), "ab"),
            stderr=subprocess.STDOUT, start_new_session=True)
        wait_until("child", lambda: subprocess.run(
            ["pgrep", "-P", str(self.nodes[node].pid)], stdout=subprocess.DEVNULL).returncode == 0)
        wait_until("glusterd of " + node, lambda: self.answers(node))

    def answers(self, node):
        try:
            self.inside(node, "gluster", "--mode=script", "volume", "info")
            return True
        except subprocess.SubprocessError:
            return False

    def start(self):
        for node in NODES:
            self.start_node(node)
        for node in NODES[1:]:
            self.inside("a", "gluster", "--mode=script", "peer", "probe", address(node))
        wait_until("peers", lambda: all(
            self.inside(node, "gluster", "peer", "status").count("(Connected)") == 2 for node in NODES))
        bricks = ["%s:%s/%s/brick/b" % (address(node), TOP, node) for node in NODES]
        self.inside("a", "gluster", "--mode=script", "volume", "create", "drop",
                    "replica", "3", *bricks, "force")
        self.inside("a", SOURCE + "/etc/cluster/volume", "drop")
        self.inside("a", "gluster", "--mode=script", "volume", "start", "drop")
        for node in NODES:
            self.mount(node)

    def mount(self, node):
        """As etc/cluster/srv-sallyport.mount does it."""
        where = TOP + "/mnt/" + node
        os.makedirs(where, exist_ok=True)
        run("nsenter", "--net=/run/netns/sp-" + node, "glusterfs",
            "--volfile-server=" + address(node), "--volfile-id=drop", "--acl",
            "--attribute-timeout=0", "--entry-timeout=0", "--negative-timeout=0",
            "-l", "%s/%s/mount.log" % (TOP, node), "-p", "%s/%s/mount.pid" % (TOP, node), where)
        wait_until("mount of " + node, lambda: os.path.ismount(where))
        with open("%s/%s/mount.pid" % (TOP, node)) as f:
            self.clients[node] = int(f.read())

    def kill_mount(self, node):
        os.kill(self.clients[node], signal.SIGKILL)

    def mend_mount(self, node):
        subprocess.run(["umount", "-l", TOP + "/mnt/" + node], check=False)
        self.mount(node)

    def kill_brick(self, node):
        with open("%s/%s/run/gluster/vols/drop/%s-%s.pid" % (
                TOP, node, address(node), (TOP + "/" + node + "/brick/b").strip("/").replace("/", "-"))) as f:
            self.inside(node, "kill", "-9", f.read().strip())

    def mend_brick(self, node):
        self.inside(node, "gluster", "--mode=script", "volume", "start", "drop", "force")

    def healed(self):
        try:
            text = self.inside("a", "gluster", "volume", "heal", "drop", "info", "summary")
        except subprocess.SubprocessError:
            return False
        lines = [s for s in text.splitlines() if s.startswith("Total Number of entries")]
        return len(lines) == 3 and all(s.rstrip().endswith(": 0") for s in lines)


class Server:
    """The server of one node, from etc/cluster/sallyport.conf."""

    def __init__(self, node):
        self.node = node
        self.top = "%s/server-%s" % (TOP, node)
        self.process = None

    def configure(self):
        os.makedirs(self.top, exist_ok=True)
        os.chmod(self.top, 0o755)
        with open(SOURCE + "/etc/cluster/sallyport.conf") as f:
            text = f.read()
        first = 30000 + 100 * NODES.index(self.node)
        for old, new in (("10.0.0.8, 10.0.0.9", VIP + ", " + NET + "254"),
                         ("30000-30999", "%d-%d" % (first, first + 99)),
                         ("/srv/sallyport", TOP + "/srv"),
                         ("/etc/sallyport/tls", TOP)):
            text = text.replace(old, new)
        with open(self.top + "/sallyport.conf", "w") as f:
            f.write(text)
            for key in ("empty", "state", "control"):
                f.write("%s = %s/%s\n" % (key, self.top, key))
            for i, name in enumerate(("gate", "auth", "log", "keys")):
                f.write("uid.%s = %d\n" % (name, 69990 + i))

    # In a mount namespace of its own: each node has the volume at the same path.
    INSIDE = 'mount --bind "$1" "$2"; shift 2; exec "$@"'

    def words(self, *words):
        return ("sh", "-c", self.INSIDE, "sh", TOP + "/mnt/" + self.node, TOP + "/srv", *words,
                "--config", self.top + "/sallyport.conf")

    def start(self):
        self.process = spawn("sp-" + self.node, *self.words(BUILD + "/sbin/sallyportd", "--foreground"),
                             log=self.top + "/log")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ctl(self, *words):
        return run("ip", "netns", "exec", "sp-" + self.node,
                   *self.words(BUILD + "/sbin/sallyportctl", *words))


class Balancer:
    """HAProxy with etc/cluster/haproxy.cfg, with this cluster's addresses."""

    def __init__(self):
        self.path = TOP + "/haproxy.cfg"
        self.process = None

    def configure(self):
        with open(SOURCE + "/etc/cluster/haproxy.cfg") as f:
            text = f.read().replace("192.0.2.10", VIP)
        for node in NODES:
            text = text.replace("10.0.0.%d" % (1 + NODES.index(node)), address(node))
        first = 30000
        for old in ("30000-30999", "31000-31999", "32000-32767"):
            text = text.replace(old, "%d-%d" % (first, first + 99))
            first += 100
        text = text.replace("maxconn 20000", "maxconn 2000")
        # All clients of this test have one address.
        text = text.replace("balance source", "balance leastconn").replace(
            "    hash-type consistent\n", "")
        text = "\n".join(s for s in text.splitlines() if "tcp-request connection reject" not in s)
        with open(self.path, "w") as f:
            f.write(text + "\n")

    def start(self):
        program = SOURCE + "/build/haproxy/usr/sbin/haproxy"
        program = program if os.path.exists(program) else "haproxy"
        self.process = spawn("sp-switch", program, "-W", "-db", "-f", self.path, log=TOP + "/haproxy.log")

    def reload(self):
        os.kill(self.process.pid, signal.SIGUSR2)


class Network:
    """A switch, and a namespace for each node."""

    def start(self):
        run("ip", "netns", "add", "sp-switch")
        run("ip", "-n", "sp-switch", "link", "set", "lo", "up")
        run("ip", "-n", "sp-switch", "link", "add", "br0", "type", "bridge")
        run("ip", "-n", "sp-switch", "link", "set", "br0", "up")
        run("ip", "-n", "sp-switch", "addr", "add", NET + "254/24", "dev", "br0")
        run("ip", "-n", "sp-switch", "addr", "add", VIP + "/24", "dev", "br0")
        for node in NODES:
            space = "sp-" + node
            run("ip", "netns", "add", space)
            run("ip", "-n", "sp-switch", "link", "add", "v" + node, "type", "veth",
                "peer", "name", "eth0", "netns", space)
            run("ip", "-n", "sp-switch", "link", "set", "v" + node, "master", "br0", "up")
            run("ip", "-n", space, "addr", "add", address(node) + "/24", "dev", "eth0")
            run("ip", "-n", space, "link", "set", "eth0", "up")
            run("ip", "-n", space, "link", "set", "lo", "up")

    def link(self, node, state):
        run("ip", "-n", "sp-" + node, "link", "set", "eth0", state)

    def end(self):
        for space in ["sp-switch"] + ["sp-" + node for node in NODES]:
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)


class Uploads:
    """Each client uploads one file after the other, for its user. Each name is used
    once, so that what was acknowledged is what must be there."""

    TOOLS = ("curl", "lftp", "rclone", "sallyport")

    def __init__(self):
        self.stored = {}  # path below homes -> sha256
        self.compared = set()
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.tries = self.failed = 0
        self.threads = []

    def command(self, tool, user, path, name):
        url = "ftp://%s:21/" % VIP
        netrc = TOP + "/netrc-" + user
        if tool == "curl":
            return ["curl", "--silent", "--show-error", "--max-time", "90", "--retry", "4", "--retry-delay", "1",
                    "--retry-all-errors", "--ssl-reqd", "--cacert", TOP + "/certificate.pem",
                    "--netrc-file", netrc, "-T", path, url + name]
        if tool == "lftp":
            return ["lftp", "-c", "set ftp:ssl-force yes; set ssl:ca-file %s/certificate.pem; set net:max-retries 5;"
                    "set net:reconnect-interval-base 1; set net:timeout 20; set cmd:fail-exit yes;"
                    "open -u %s,'%s' %s; put -c %s -o %s" % (TOP, user, PASSWORD, url, path, name)]
        if tool == "rclone":
            return ["env", "SSL_CERT_FILE=" + TOP + "/certificate.pem", "rclone", "--config",
                    TOP + "/rclone-" + user, "--retries", "3", "copyto", path, "drop:" + name]
        return [BUILD + "/bin/sallyport", "put", "--cacert", TOP + "/certificate.pem", "--netrc", netrc,
                "--retries", "6", path, "ftps://%s@%s/%s" % (user, VIP, name)]

    def one(self, tool, user, number):
        name = "%s-%d" % (tool, number)
        path = "%s/up/%s" % (TOP, name)
        size = chance.choice((0, 900, 70000, 300007, 3000001))
        content = os.urandom(size)
        with open(path, "wb") as f:
            f.write(content)
        try:
            done = subprocess.run(["ip", "netns", "exec", "sp-switch", *self.command(tool, user, path, name)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, timeout=300)
            good, text = done.returncode == 0, done.stderr.decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            good, text = False, "timed out"
        os.unlink(path)
        with self.lock:
            self.tries += 1
            if good:
                self.stored["%s/%s" % (user, name)] = hashlib.sha256(content).hexdigest()
            else:
                self.failed += 1
                with open(TOP + "/failed", "a") as f:
                    f.write("%s %s: %s\n" % (user, name, text[-300:]))

    def work(self, tool, user):
        number = 0
        while not self.stop.wait(0.5):
            number += 1
            self.one(tool, user, number)

    def start(self):
        os.makedirs(TOP + "/up")
        for tool, user in zip(self.TOOLS, USERS):
            self.threads.append(threading.Thread(target=self.work, args=(tool, user)))
        for thread in self.threads:
            thread.start()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def compare(self, when, again=False):
        """Those that haven't been compared yet; or all of them AGAIN."""
        with self.lock:
            stored = {name: digest for name, digest in self.stored.items()
                      if again or name not in self.compared}
        self.compared.update(stored)
        bad = []
        for node in NODES:
            for name, digest in stored.items():
                path = "%s/mnt/%s/homes/%s" % (TOP, node, name)
                try:
                    with open(path, "rb") as f:
                        found = hashlib.sha256(f.read()).hexdigest()
                except OSError as e:
                    found = e.strerror
                if found != digest:
                    bad.append("%s at %s: %s" % (name, node, found))
        fact(not bad, "%s: %d acknowledged files, each the same on three nodes%s" % (
            when, len(stored), "".join("\n    " + s for s in bad[:20])))


class Cluster:
    def __init__(self):
        self.network = Network()
        self.volume = Volume()
        self.servers = {node: Server(node) for node in NODES}
        self.balancer = Balancer()
        self.uploads = Uploads()

    def start(self):
        self.network.start()
        self.volume.start()
        os.makedirs(TOP + "/srv")
        run(SOURCE + "/certs/make", "--out", TOP, VIP)
        files = TOP + "/mnt/a"
        for directory, mode in (("", 0o755), ("/homes", 0o711), ("/shares", 0o755), ("/.cluster", 0o700)):
            os.makedirs(files + directory, exist_ok=True)
            os.chmod(files + directory, mode)
        with open(os.open(files + "/.cluster/users", os.O_CREAT | os.O_WRONLY, 0o600), "w"):
            pass
        for server in self.servers.values():
            server.configure()
        self.add_users()
        for server in self.servers.values():
            server.start()
        self.balancer.configure()
        self.balancer.start()
        wait_until("server behind HAProxy", self.answers)

    def add_users(self):
        for user in USERS:
            self.add_user(self.servers["a"], user)
            with open(os.open(TOP + "/netrc-" + user, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
                f.write('machine %s login %s password "%s"\n' % (VIP, user, PASSWORD))
            hidden = run("rclone", "obscure", PASSWORD).strip()
            with open(TOP + "/rclone-" + user, "w") as f:
                f.write("[drop]\ntype = ftp\nhost = %s\nuser = %s\npass = %s\nexplicit_tls = true\n" % (
                    VIP, user, hidden))

    def add_user(self, server, user):
        subprocess.run(["ip", "netns", "exec", "sp-" + server.node,
                        *server.words(BUILD + "/sbin/sallyportctl", "user", "add", user)],
                       input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)

    def answers(self):
        return subprocess.run(["ip", "netns", "exec", "sp-switch", "curl", "--silent", "--max-time", "5", "--ssl-reqd",
                               "--cacert", TOP + "/certificate.pem", "--netrc-file", TOP + "/netrc-anna",
                               "ftp://%s/" % VIP], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL).returncode == 0

    # Each fault is a pair: begin it, mend it.
    def kill_server(self, node):
        self.servers[node].kill()

    def start_server(self, node):
        self.servers[node].start()

    def kill_mount(self, node):
        self.volume.kill_mount(node)

    def mend_mount(self, node):
        self.servers[node].kill()
        self.volume.mend_mount(node)
        self.servers[node].start()

    def cut(self, node):
        self.network.link(node, "down")

    def join(self, node):
        self.network.link(node, "up")

    def reload_balancer(self, _):
        self.balancer.reload()

    def nothing(self, _):
        pass

    FAULTS = (("server killed", kill_server, start_server),
              ("mount killed", kill_mount, mend_mount),
              ("link cut", cut, join),
              ("HAProxy reloaded", reload_balancer, nothing))

    def storm(self):
        self.uploads.start()
        faults = chance.sample(self.FAULTS, len(self.FAULTS))
        for i in range(ROUNDS):
            name, begin, mend = faults[i % len(faults)]
            node = chance.choice(NODES)
            seconds = chance.choice((2, 12, 20, 50))
            text = "round %d: %s at %s for %d s" % (i + 1, name, node, seconds)
            print(text, flush=True)
            begin(self, node)
            time.sleep(seconds)
            mend(self, node)
            wait_until("server behind HAProxy", self.answers)
            self.uploads.compare(text)
        self.uploads.end()

    def end(self):
        self.uploads.stop.set()
        for server in self.servers.values():
            if server.process and server.process.poll() is None:
                server.kill()
        if self.balancer.process:
            os.killpg(self.balancer.process.pid, signal.SIGKILL)
        for node in NODES:
            subprocess.run(["umount", "-l", TOP + "/mnt/" + node], check=False, stderr=subprocess.DEVNULL)
            if node in self.volume.clients:
                subprocess.run(["kill", "-9", str(self.volume.clients[node])], check=False, stderr=subprocess.DEVNULL)
        for process in self.volume.nodes.values():
            os.killpg(process.pid, signal.SIGKILL)
        self.network.end()


def main():
    cluster = Cluster()
    try:
        cluster.start()
        print("the cluster is there", flush=True)
        cluster.storm()
        wait_until("healing", cluster.volume.healed, 180)
        cluster.uploads.compare("after healing", again=True)
        print("%d uploads, %d failed" % (cluster.uploads.tries, cluster.uploads.failed))
    finally:
        cluster.end()
    return 1 if wrong else 0


sys.exit(main())
