"""GlusterFS with a brick, a daemon and a mount for each node."""
import os
import signal
import subprocess

from world import NODES, SOURCE, TOP, address, attempt, mounted_at, run, share_of, space, wait_until


class Gluster:
    """Replica 3. The daemons of a node have a mount and a pid namespace of their own,
    so that their fixed paths don't meet."""

    NAME = "GlusterFS"
    HEALS = True  # what a node has missed is copied to it later
    KEEPS_LOCKS = False  # of a node that is cut off
    PAUSE_S, FILES_PER_ROUND = 0.2, 2  # of each client: between two uploads, and at least
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
        return int(run("pgrep", "-P", str(self.nodes[node].pid)).split()[0])

    def start_node(self, node):
        """Its daemon, which starts the brick if the volume has one here."""
        os.makedirs("%s/%s/brick" % (TOP, node), exist_ok=True)
        with open("%s/%s/out" % (TOP, node), "ab") as out:
            self.nodes[node] = subprocess.Popen(
                [*share_of.get(node, ()), "nsenter", "--net=/run/netns/" + space(node), "unshare", "-m", "-u", "-p", "-f", "--propagation",
                 "private", "--kill-child", "bash", "-c", self.INIT, "init", node, TOP],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        wait_until("child", lambda: attempt("pgrep", "-P", str(self.nodes[node].pid)) == 0)
        wait_until("glusterd of " + node, lambda: self.answers(node))

    def kill_node(self, node):
        os.kill(self.pid(node), signal.SIGKILL)
        self.nodes[node].wait()
        self.kill_mount(node)

    def mend_node(self, node):
        self.start_node(node)
        self.mend_mount(node)

    def answers(self, node):
        try:
            self.inside(node, "gluster", "--mode=script", "volume", "info")
            return True
        except (RuntimeError, subprocess.SubprocessError):
            return False

    def start(self):
        for node in NODES:
            self.start_node(node)
        for node in NODES[1:]:
            self.inside("a", "gluster", "--mode=script", "peer", "probe", address(node))
        wait_until("peers", lambda: all(
            self.inside(node, "gluster", "peer", "status").count("(Connected)") == len(NODES) - 1 for node in NODES))
        bricks = ["%s:%s/%s/brick/b" % (address(node), TOP, node) for node in NODES]
        copies = ["replica", str(len(NODES))] if len(NODES) > 1 else []
        self.inside("a", "gluster", "--mode=script", "volume", "create", "drop", *copies, *bricks, "force")
        self.inside("a", SOURCE + "/etc/cluster/volume", "drop")
        self.inside("a", "gluster", "--mode=script", "volume", "start", "drop")
        for node in NODES:
            self.mount(node)

    def set_option(self, key, value):
        self.inside("a", "gluster", "--mode=script", "volume", "set", "drop", key, value)

    def verify(self):
        """What etc/cluster/volume --verify prints; it ends with 1 if that is something."""
        return self.inside("a", "sh", "-c", '"$1" --verify drop || test $? = 1', "sh", SOURCE + "/etc/cluster/volume")

    def mount(self, node):
        """As etc/cluster/srv-sallyport.mount does it."""
        where = mounted_at(node)
        os.makedirs(where, exist_ok=True)
        run(*share_of.get(node, ()), "nsenter", "--net=/run/netns/" + space(node), "glusterfs",
            "--volfile-server=" + address(node), "--volfile-id=drop", "--acl",
            "--attribute-timeout=0", "--entry-timeout=0", "--negative-timeout=0",
            "-l", "%s/%s/mount.log" % (TOP, node), "-p", "%s/%s/mount.pid" % (TOP, node), where)
        wait_until("mount of " + node, lambda: os.path.ismount(where))
        with open("%s/%s/mount.pid" % (TOP, node), encoding="ascii") as f:
            self.clients[node] = int(f.read())

    def kill_mount(self, node):
        os.kill(self.clients[node], signal.SIGKILL)

    def mend_mount(self, node):
        attempt("umount", "-l", mounted_at(node))
        self.mount(node)

    def kill_brick(self, node):
        with open("%s/%s/run/gluster/vols/drop/%s-%s.pid" % (
                TOP, node, address(node), (TOP + "/" + node + "/brick/b").strip("/").replace("/", "-")),
                encoding="ascii") as f:
            self.inside(node, "kill", "-9", f.read().strip())

    def mend_brick(self, node):
        self.inside(node, "gluster", "--mode=script", "volume", "start", "drop", "force")

    FAULTS = (("brick killed", kill_brick, mend_brick, True), ("mount killed", kill_mount, mend_mount, True))

    @staticmethod
    def part(node):
        """NODE's packets to the other bricks are lost; its clients reach it."""
        for other in NODES:
            if other != node:
                run("ip", "-n", space(node), "route", "add", "blackhole", address(other) + "/32")

    @staticmethod
    def meet(node):
        for other in NODES:
            if other != node:
                run("ip", "-n", space(node), "route", "del", "blackhole", address(other) + "/32")

    def healed(self):
        try:
            text = self.inside("a", "gluster", "volume", "heal", "drop", "info", "summary")
        except (RuntimeError, subprocess.SubprocessError):
            return False
        lines = [s for s in text.splitlines() if s.startswith("Total Number of entries")]
        return len(lines) == len(NODES) and all(s.rstrip().endswith(": 0") for s in lines)
