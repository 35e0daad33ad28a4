"""A network with a round-trip time: two network namespaces, each with a TUN
device, and a thread that carries the packets between them and holds each for
half of that time. (The kernel's netem does the same, but needs a module.)"""
import collections
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys
import threading
import time

SERVER, CLIENT = "192.0.2.1", "192.0.2.2"  # RFC 5737: for examples
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
PACKET = 65536
MARK = "SALLYPORT_BENCH_NAMESPACE"


def enter():
    """Starts this program again in a network namespace of its own (root)."""
    if MARK not in os.environ:
        os.environ[MARK] = "yes"
        os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Delay:
    """After enter(): the server is at SERVER, in this namespace. What command()
    returns runs in the other one, at CLIENT."""

    def __init__(self, ms):
        self.seconds, self.stopped = ms / 2000, False
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--", "sh", "-c", "echo ready; exec sleep infinity"],
            stdout=subprocess.PIPE, text=True)
        self.holder.stdout.readline()
        near, far = tun("near"), tun("far")
        pid = str(self.holder.pid)
        for line in (["ip", "link", "set", "far", "netns", pid],
                     self.set_up("near", SERVER), self.command(self.set_up("far", CLIENT))):
            subprocess.run(line, check=True)
        self.queues = {near: (far, collections.deque()), far: (near, collections.deque())}
        threading.Thread(target=self.carry, daemon=True).start()

    @staticmethod
    def set_up(device, address):
        return ["sh", "-ec", f"ip address add {address}/24 dev {device}; ip link set {device} up"]

    def command(self, words):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *words]

    def carry(self):
        # Its share of a processor must not depend on what the programs need.
        os.setpriority(os.PRIO_PROCESS, ctypes.CDLL(None).gettid(), -20)
        while not self.stopped:
            now = time.monotonic()
            due = [queue[0][0] for _, queue in self.queues.values() if queue]
            wait = max(0, min(due) - now) if due else None
            try:
                for fd in select.select(list(self.queues), [], [], wait)[0]:
                    self.queues[fd][1].append((time.monotonic() + self.seconds, os.read(fd, PACKET)))
                now = time.monotonic()
                for to, queue in self.queues.values():
                    while queue and queue[0][0] <= now:
                        os.write(to, queue.popleft()[1])
            except OSError: # stop() has ended the other namespace
                if not self.stopped:
                    raise

    def stop(self):
        self.stopped = True
        self.holder.kill()
        self.holder.wait()
