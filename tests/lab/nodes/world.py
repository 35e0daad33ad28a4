"""What the parts of the cluster's test have in common: where things are, the facts
that it prints, commands, and waiting."""
import os
import subprocess
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("SALLYPORT_BUILD", SOURCE + "/build/release")
TOP = os.environ["SALLYPORT_TOP"]  # a directory for this test alone
NODES = os.environ.get("SALLYPORT_NODES", "abc")
NET = "10.91.0."
VIP = NET + "10"  # of HAProxy
SHARED = NET + "11"  # of two HAProxys with keepalived, whose machines have these:
FRONTS = (NET + "8", NET + "9")
SWITCH = NET + "254"  # this network namespace
PASSWORD = "correct horse 12"
share_of = {}  # what each command of a node begins with, to have its processor time
wrong = []


def fact(right, text):
    """One result of the test."""
    print("right:" if right else "WRONG:", text, flush=True)
    if not right:
        wrong.append(text)


def note(text):
    print("   ", text, flush=True)


def run(*words, text_in=None, seconds=120):
    """The output of a command that must succeed."""
    done = subprocess.run(words, input=text_in, text=True, timeout=seconds,
                          stdin=subprocess.DEVNULL if text_in is None else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError("%s ended with %d: %s" % (" ".join(words), done.returncode, done.stdout))
    return done.stdout


def attempt(*words, seconds=120):
    """Its exit status; -1 if it takes too long."""
    try:
        return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        return -1


def seconds_until(test, most):
    """How long it took until TEST was true; or nothing."""
    begin = time.monotonic()
    while time.monotonic() - begin < most:
        if test():
            return time.monotonic() - begin
        time.sleep(0.1)
    return None


def wait_until(what, test, most=60):
    if seconds_until(test, most) is None:
        raise RuntimeError("no %s within %d s" % (what, most))


def address(node):
    return NET + str(1 + NODES.index(node))


def space(node):
    return "sp-" + node


def spawn(node, *words, log):
    with open(log, "ab") as out:
        return subprocess.Popen([*share_of.get(node, ()), "ip", "netns", "exec", space(node), *words],
                                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                start_new_session=True)


def mounted_at(node):
    """Where this test sees the files of a node, through that node's mount."""
    return TOP + "/mnt/" + node


class Network:
    """A bridge in this namespace, and a namespace for each node."""

    def start(self):
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "br0", "type", "bridge")
        run("ip", "link", "set", "br0", "up")
        for own in (SWITCH, VIP):
            run("ip", "addr", "add", own + "/24", "dev", "br0")
        for node in NODES:
            self.add(node, address(node))

    @staticmethod
    def add(node, own):
        run("ip", "netns", "add", space(node))
        run("ip", "link", "add", "v" + node, "type", "veth", "peer", "name", "eth0", "netns", space(node))
        run("ip", "link", "set", "v" + node, "master", "br0", "up")
        run("ip", "-n", space(node), "addr", "add", own + "/24", "dev", "eth0")
        run("ip", "-n", space(node), "link", "set", "eth0", "up")
        run("ip", "-n", space(node), "link", "set", "lo", "up")

    def cut(self, node):
        run("ip", "-n", space(node), "link", "set", "eth0", "down")

    def join(self, node):
        run("ip", "-n", space(node), "link", "set", "eth0", "up")
