"""An NFS 4.2 server in this network namespace, with a disk in memory, and a mount of it
for each node, which comes by a link of its own."""
import os
import re
import subprocess

from world import NODES, SOURCE, TOP, attempt, mounted_at, run, space

MINOR = "4.2"
LEASE_S = 10  # the kernel takes no shorter one


def numbered(node, last):
    return "10.92.%d.%d" % (1 + NODES.index(node), last)


class Nfs:
    NAME = "NFS " + MINOR
    HEALS = False  # there is one copy
    KEEPS_LOCKS = True  # of a node that is cut off, until another node asks for the lock
    # Of each client: between two uploads, since this machine is slow; and at least.
    PAUSE_S, FILES_PER_ROUND = 3, 10
    EXPORT = TOP + "/export"
    DEVICE = "/dev/ram0"  # of the module brd
    VOLUME = "/dev/mapper/volume"

    def __init__(self):
        self.born = dict.fromkeys(NODES, 0)

    @staticmethod
    def table(features):
        with open("/sys/block/ram0/size", encoding="ascii") as f:
            sectors = f.read().strip()
        return features % {"sectors": sectors, "device": Nfs.DEVICE}

    WHOLE = "0 %(sectors)s linear %(device)s 0"
    NO_WRITES = "0 %(sectors)s flakey %(device)s 0 0 100 1 error_writes"

    def start(self):
        run("dmsetup", "create", "volume", "--noudevsync", "--table", self.table(self.WHOLE))
        run("dmsetup", "mknodes")
        run("mkfs.ext4", "-q", "-m", "0", "-O", "quota", "-E", "quotatype=usrquota", self.VOLUME)
        os.makedirs(self.EXPORT)
        self.mount_disk()
        for node in NODES:
            run("ip", "link", "add", "d" + node, "type", "veth", "peer", "name", "eth1", "netns", space(node))
            run("ip", "addr", "add", numbered(node, 1) + "/24", "dev", "d" + node)
            run("ip", "link", "set", "d" + node, "up")
            run("ip", "-n", space(node), "addr", "add", numbered(node, 2) + "/24", "dev", "eth1")
            run("ip", "-n", space(node), "link", "set", "eth1", "up")
        self.configure()
        run("nfsdcld")
        self.serve()
        run("rpc.mountd", "--no-nfs-version", "3")
        for node in NODES:
            self.mount(node)

    def configure(self):
        """From etc/cluster/nfs, with these addresses, and a shorter lease."""
        with open(SOURCE + "/etc/cluster/nfs/exports", encoding="utf-8") as f:
            text = f.read().replace("/srv/drop", self.EXPORT).replace("10.0.0.0/24(", "10.92.0.0/16(fsid=0,")
        with open("/etc/exports", "w", encoding="utf-8") as f:
            f.write(text)
        with open(SOURCE + "/etc/cluster/nfs/nfs.conf", encoding="utf-8") as f:
            text = re.sub(r"(?m)-time = \d+$", "-time = %d" % LEASE_S, f.read())
        os.makedirs("/etc/nfs.conf.d", exist_ok=True)
        with open("/etc/nfs.conf.d/sallyport.conf", "w", encoding="utf-8") as f:
            f.write(text)
        run("exportfs", "-ra")

    def mount_disk(self):
        run("mount", "-o", "usrquota", self.VOLUME, self.EXPORT)

    @staticmethod
    def serve():
        run("rpc.nfsd", "--no-nfs-version", "3", "8")

    @staticmethod
    def options():
        with open(SOURCE + "/etc/cluster/nfs/srv-sallyport.mount", encoding="utf-8") as f:
            return re.search(r"(?m)^Options=(.*)$", f.read()).group(1)

    def mount(self, node, options=None):
        """As etc/cluster/nfs/srv-sallyport.mount does it. Each node has another name:
        without it the server takes both for one, which has begun again."""
        name = "%s-%d" % (node, self.born[node])
        run("ip", "netns", "exec", space(node), "sh", "-c",
            'echo "$1" >/sys/fs/nfs/net/nfs_client/identifier', "sh", name)
        os.makedirs(mounted_at(node), exist_ok=True)
        run("nsenter", "--net=/run/netns/" + space(node), "mount", "-t", "nfs4", "-o", options or self.options(),
            numbered(node, 1) + ":/", mounted_at(node))

    def mount_again(self, node, options=None):
        run("umount", mounted_at(node))
        self.mount(node, options)

    # Its packets get lost; the addresses stay.
    @staticmethod
    def part(node):
        run("ip", "link", "set", "d" + node, "down")

    @staticmethod
    def meet(node):
        run("ip", "link", "set", "d" + node, "up")

    kill_mount, mend_mount = part, meet  # what a lost mount of NFS is

    def kill_node(self, node):
        self.part(node)

    def mend_node(self, node):
        """A machine that boots has forgotten its files."""
        attempt("umount", "-f", "-l", mounted_at(node), seconds=30)
        self.meet(node)
        self.born[node] += 1
        self.mount(node)

    def stop_serving(self, _=None):
        run("rpc.nfsd", "0")

    def serve_again(self, _=None):
        self.serve()

    FAULTS = (("nfsd restarted", stop_serving, serve_again, False),)

    # For the cases.
    def limit(self, path, mib):
        """A quota of the user of this directory; 0 ends it."""
        user = str(os.stat(path).st_uid)
        run("setquota", "-u", user, "0", str(mib << 10), "0", "0", self.EXPORT)

    def fill(self, leave_mib):
        disk = os.statvfs(self.EXPORT)
        run("fallocate", "-l", str(disk.f_bavail * disk.f_frsize - (leave_mib << 20)), self.EXPORT + "/.filler")

    def make_room(self):
        os.unlink(self.EXPORT + "/.filler")

    def change_table(self, features):
        run("dmsetup", "suspend", "--nolockfs", "--noudevsync", "volume")
        run("dmsetup", "load", "volume", "--table", self.table(features))
        run("dmsetup", "resume", "--noudevsync", "volume")

    def break_disk(self):
        self.change_table(self.NO_WRITES)

    def mend_disk(self):
        """The file system takes no more writes until it is mounted again."""
        self.stop_serving()
        run("exportfs", "-f")
        self.change_table(self.WHOLE)
        run("umount", self.EXPORT)
        done = subprocess.run(["fsck.ext4", "-p", self.VOLUME], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode > 1:
            raise RuntimeError("fsck.ext4 ended with %d: %s" % (done.returncode, done.stdout))
        self.mount_disk()
        self.serve()
