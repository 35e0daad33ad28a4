"""The servers of the nodes, HAProxy in front of them, and all together."""
import contextlib
import ftplib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess

from world import (BUILD, FRONTS, NODES, PASSWORD, SHARED, SOURCE, SWITCH, TOP, VIP, Network, address, attempt,
                   mounted_at, run, space, spawn, wait_until)

USERS = ["anna", "bert", "carla", "dora"]
PARTIAL = re.compile(r"\.sallyport-[0-9a-f]{32}\.(part|temp)$")


class Server:
    """The server of one node, from etc/cluster/sallyport.conf."""

    # In a mount namespace of its own: each node has the volume at the same path.
    INSIDE = 'mount --bind "$1" "$2"; shift 2; exec "$@"'
    # As systemd does it, on a machine that is too slow for the server's deadlines.
    AGAIN = 'trap : TERM; until "$@"; do sleep 1; done'

    def __init__(self, node):
        self.node = node
        self.top = "%s/server-%s" % (TOP, node)
        self.build = BUILD
        self.process = None

    def configure(self):
        os.makedirs(self.top, exist_ok=True)
        os.chmod(self.top, 0o755)
        with open(SOURCE + "/etc/cluster/sallyport.conf", encoding="utf-8") as f:
            text = f.read()
        first = 30000 + 100 * NODES.index(self.node)
        for old, new in (("10.0.0.8, 10.0.0.9", ", ".join((VIP, SWITCH) + FRONTS)),
                         ("30000-30999", "%d-%d" % (first, first + 99)),
                         ("/srv/sallyport", TOP + "/srv"),
                         ("/etc/sallyport/tls", TOP)):
            text = text.replace(old, new)
        with open(self.top + "/sallyport.conf", "w", encoding="utf-8") as f:
            f.write(text + "\nstartups = 300\nmax_per_address = 300\nmax_fruitless = 10000\n")
            for key in ("empty", "state"):
                f.write("%s = %s/%s\n" % (key, self.top, key))
            f.write("accounts = 69990\n")

    def words(self, *words):
        return ("sh", "-c", self.INSIDE, "sh", mounted_at(self.node), TOP + "/srv", *words,
                "--config", self.top + "/sallyport.conf")

    def start(self):
        self.process = spawn(self.node, *self.words("sh", "-c", self.AGAIN, "again",
                                                    self.build + "/sbin/sallyportd", "--foreground"),
                             log=self.top + "/log")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        attempt("pkill", "-TERM", "-P", str(self.process.pid))
        self.process.wait(60)

    def editions(self):
        """How often it has read the users file."""
        with open(self.top + "/log", encoding="utf-8", errors="replace") as f:
            return f.read().count("users file read")

    def check(self):
        """The exit status of --check, and what it says about disks."""
        done = subprocess.run(["ip", "netns", "exec", space(self.node),
                               *self.words(self.build + "/sbin/sallyportd", "--check")], text=True, timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, "\n".join(line for line in done.stdout.splitlines() if "file system" in line)

    def ctl(self, *words, text_in=None):
        return run("ip", "netns", "exec", space(self.node),
                   *self.words(self.build + "/sbin/sallyportctl", *words), text_in=text_in)


def haproxy_program():
    program = SOURCE + "/build/haproxy/usr/sbin/haproxy"
    return program if os.path.exists(program) else "haproxy"


def haproxy_text(own, path):
    """etc/cluster/haproxy.cfg with the address OWN and this cluster's addresses, ports and
    paths. The package's user may not be here."""
    with open(SOURCE + "/etc/cluster/haproxy.cfg", encoding="utf-8") as f:
        text = f.read()
    for old, new in (("192.0.2.10", own), ("/run/haproxy/admin.sock", path + ".sock"),
                     ("/var/lib/haproxy", TOP + "/empty"), ("user haproxy", "uid 65534"),
                     ("group haproxy", "gid 65534"), ("maxconn 20000", "maxconn 2000")):
        text = text.replace(old, new)
    for i, old in enumerate(("30000-30999", "31000-31999", "32000-32767")):
        first = 30000 + 100 * i
        text = text.replace(old, "%d-%d" % (first, first + 99))
        if i < len(NODES):
            text = text.replace("10.0.0.%d" % (1 + i), address(NODES[i]))
        else:  # fewer nodes
            text = "\n".join(s for s in text.splitlines() if "server %s " % "abc"[i] not in s)
    os.makedirs(TOP + "/empty", exist_ok=True)
    return text


class Balancer:
    """HAProxy with a port for each node besides, by which the test reaches that one."""

    def __init__(self):
        self.path = TOP + "/haproxy"
        self.process = None

    def configure(self):
        # All clients of this test have one address.
        text = haproxy_text(VIP, self.path).replace("balance source", "balance leastconn").replace(
            "    hash-type consistent\n", "")
        text = "\n".join(s for s in text.splitlines() if "tcp-request connection reject" not in s)
        for node in NODES:
            text += ("\nfrontend only_%s\n    bind %s:%d\n    default_backend only_%s\n"
                     "backend only_%s\n    server %s %s:21 send-proxy-v2\n" % (
                         node, VIP, self.port(node), node, node, node, address(node)))
        with open(self.path + ".cfg", "w", encoding="utf-8") as f:
            f.write(text)

    @staticmethod
    def port(node):
        return 2101 + NODES.index(node)

    def start(self):
        with open(self.path + ".log", "ab") as out:
            self.process = subprocess.Popen([haproxy_program(), "-W", "-db", "-f", self.path + ".cfg"],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True)

    def reload(self):
        os.kill(self.process.pid, signal.SIGUSR2)

    def takes(self, node):
        """Does it send clients to this node?"""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(self.path + ".sock")
                s.sendall(b"show stat\n")
                text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        except OSError:
            return False
        return any(line.startswith("nodes,%s," % node) and line.split(",")[17] == "UP" for line in text.splitlines())


class Client(ftplib.FTP_TLS):
    """One session, whose uploads can be held between their bytes and their end."""

    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session), size

    def send(self, command, content):
        """Begins an upload and sends all its bytes. The answer is its connection, or
        the reply that has refused it."""
        conns = []

        def begin():
            conns.append(self.transfercmd(command))
            conns[0].sendall(content)
        refused = self.reply(begin)
        return conns[0] if conns else refused

    def finish(self, conn):
        """Ends it. The reply, also one that refuses."""
        if isinstance(conn, str):
            return conn
        try:
            conn.unwrap()
            conn.close()
        except OSError:
            pass  # the server has closed it; its reply says why
        return self.reply(self.voidresp)

    @staticmethod
    def reply(function, *words):
        try:
            return function(*words)
        except ftplib.Error as e:
            return str(e)
        except (EOFError, OSError) as e:
            return "000 %s" % (e or "end of the connection")

    def put(self, command, content):
        return self.finish(self.send(command, content))

    def cut(self, conn):
        """As a network that breaks: both connections are reset."""
        for each in (conn, self.sock):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            socket.socket(fileno=each.detach()).close()


def greeting(host, port, seconds=10):
    """The first line of a new connection."""
    try:
        with socket.create_connection((host, port), seconds) as s:
            return s.makefile("r", encoding="utf-8", errors="replace").readline()
    except OSError as e:
        return str(e)


class Cluster:
    def __init__(self, disk):
        self.network = Network()
        self.disk = disk
        self.servers = {node: Server(node) for node in NODES}
        self.balancer = Balancer()

    def start(self):
        self.network.start()
        self.disk.start()
        os.makedirs(TOP + "/srv")
        run(SOURCE + "/certs/make", "--out", TOP, VIP, SHARED)
        files = mounted_at("a")
        for directory, mode in (("", 0o755), ("/homes", 0o711), ("/shares", 0o755), ("/.cluster", 0o700)):
            os.makedirs(files + directory, exist_ok=True)
            os.chmod(files + directory, mode)
        os.close(os.open(files + "/.cluster/users", os.O_CREAT | os.O_WRONLY, 0o600))
        for server in self.servers.values():
            server.configure()
        for user in USERS:
            self.add_user(user)
        for server in self.servers.values():  # at once: one of them makes the common key
            server.start()
        self.balancer.configure()
        self.balancer.start()
        for node in NODES:
            wait_until("server of %s behind HAProxy" % node, lambda n=node: self.answers(n), 300)


    def add_user(self, user, *options):
        self.servers["a"].ctl("user", "add", user, *options, text_in=PASSWORD + "\n")
        with open(os.open(TOP + "/netrc-" + user, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as f:
            for own in (VIP, SHARED):
                f.write('machine %s login %s password "%s"\n' % (own, user, PASSWORD))

    def change_user(self, node, user, *options):
        self.edit(node, "user", "change", user, *options)

    def edit(self, node, *words):
        """A change of the users file; waits until each node has read it."""
        before = {server: server.editions() for server in self.servers.values()}
        self.servers[node].ctl(*words)
        wait_until("node that has read the users file",
                   lambda: all(server.editions() > n for server, n in before.items()), 30)

    def answers(self, node=None, user="anna"):
        """Does a user get the names in the home, of this node or of any? A storm makes thousands,
        and for LIST each of them is looked up on the volume."""
        return attempt("curl", "--silent", "--list-only", "--max-time", "10", "--ssl-reqd", "--cacert", TOP + "/certificate.pem",
                       "--netrc-file", TOP + "/netrc-" + user,
                       "ftp://%s:%d/" % (VIP, self.balancer.port(node) if node else 21)) == 0

    def greeting(self, node):
        """The first line of a connection that comes to this node past HAProxy's checks."""
        return greeting(VIP, self.balancer.port(node))

    def client(self, node, user="anna", seconds=90):
        return self.client_of(VIP, self.balancer.port(node), user, seconds)

    @staticmethod
    def client_of(host, port, user="anna", seconds=90):
        context = ssl.create_default_context(cafile=TOP + "/certificate.pem")
        c = Client(context=context, timeout=seconds)
        c.connect(host, port)
        c.login(user, PASSWORD)
        c.prot_p()
        return c

    @staticmethod
    def path(node, user, name=""):
        return "%s/homes/%s/%s" % (mounted_at(node), user, name)

    def content(self, node, user, name):
        """What that node has under the name; nothing if there is no such file."""
        try:
            with open(self.path(node, user, name), "rb") as f:
                return f.read()
        except FileNotFoundError:
            return None

    def names(self, node, user):
        return sorted(n for n in os.listdir(self.path(node, user)) if not n.startswith(".sallyport-"))

    def unfinished(self, node, user):
        """Its partials, as that node has them. One with a second name is a file already."""
        home = self.path(node, user)
        found = []
        for name in filter(PARTIAL.match, os.listdir(home)):
            with contextlib.suppress(FileNotFoundError):
                if os.lstat(home + name).st_nlink == 1:
                    found.append(name)
        return sorted(found)

    def purge(self, node, user):
        """How many the administrator's command has listed, how many it must list, and which
        ones are removed. A session that ends can remove its own meanwhile."""
        before = set(self.unfinished(node, user))
        listed = json.loads(self.servers[node].ctl("partials", "list", user, "--json"))
        left = self.unfinished(node, user)
        for name in left:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.path(node, user) + name)
        return len(listed), len(before & set(left)), " ".join(left)

    def new_build(self):
        """The build that an upgrade brings: the same programs, as other files."""
        new = TOP + "/new"
        if not os.path.exists(new):
            shutil.copytree(BUILD + "/libexec/sallyport", new + "/libexec/sallyport")
            os.mkdir(new + "/sbin")
            for program in ("sallyportd", "sallyportctl"):
                shutil.copy(BUILD + "/sbin/" + program, new + "/sbin")
        return new

    def end(self):
        for server in self.servers.values():
            if server.process and server.process.poll() is None:
                server.kill()
        if self.balancer.process:
            os.killpg(self.balancer.process.pid, signal.SIGKILL)


