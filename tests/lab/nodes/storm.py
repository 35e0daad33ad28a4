"""Rounds of faults while the clients upload."""
import random
import re
import time

from nodes import USERS
from uploads import Uploads
from world import NODES, attempt, fact, mounted_at, note, seconds_until, wait_until


class Storm:
    def __init__(self, cluster, seed, tools):
        self.cluster = cluster
        self.disk = cluster.disk
        self.chance = random.Random(seed)
        self.uploads = Uploads(seed, tools, self.disk.PAUSE_S)

    # Each fault is a pair: begin it, mend it.
    def kill_server(self, node):
        self.cluster.servers[node].kill()

    def start_server(self, node):
        self.cluster.servers[node].start()

    def kill_node(self, node):
        self.cluster.network.cut(node)
        self.cluster.servers[node].kill()
        self.disk.kill_node(node)

    def mend_node(self, node):
        self.cluster.network.join(node)
        self.disk.mend_node(node)
        self.cluster.servers[node].start()

    def cut(self, node):
        self.cluster.network.cut(node)

    def join(self, node):
        self.cluster.network.join(node)

    def part(self, node):
        self.disk.part(node)

    def meet(self, node):
        self.disk.meet(node)

    def reload_balancer(self, _):
        self.cluster.balancer.reload()

    def upgrade(self, node):
        """Drain, HAProxy takes it out, the new build, back."""
        server, balancer = self.cluster.servers[node], self.cluster.balancer
        failed, began = self.uploads.failed(), time.monotonic()
        server.ctl("drain", "--announce", "6s", "--timeout", "10min")
        out = seconds_until(lambda: not balancer.takes(node), 30)
        server.stop()
        server.build = self.cluster.new_build()
        server.start()
        back = seconds_until(lambda: balancer.takes(node), 60)
        # Clients that don't connect again after a 421 fail: see docs/admin/cluster.md.
        failed = self.uploads.failed() - failed
        lost = sum(each >= began for each in self.uploads.lost)
        fact(out is not None and back is not None and not lost,
             "the upgrade of %s: HAProxy took it out and back; %d uploads failed, %d of them again in a second run" % (
                 node, failed, lost))

    def nothing(self, _):
        pass

    SHORT, LONG = (2, 8, 15), (12, 20, 30, 50)
    FAULTS = (("server killed", kill_server, start_server, SHORT),
              ("node killed", kill_node, mend_node, SHORT),
              ("link cut", cut, join, LONG),
              ("link between the disks cut", part, meet, LONG),
              ("HAProxy reloaded", reload_balancer, nothing, (1,)),
              ("node upgraded", upgrade, nothing, (1,)))

    def faults(self):
        """Those of each cluster, and those of this disk. After some of these the server
        of that node begins again."""
        def of_disk(begin, mend, again):
            def mend_both(storm, node):
                if again:
                    storm.kill_server(node)
                mend(storm.disk, node)
                if again:
                    storm.start_server(node)
            return lambda storm, node: begin(storm.disk, node), mend_both
        return list(self.FAULTS) + [(name, *of_disk(begin, mend, again), self.SHORT)
                                    for name, begin, mend, again in self.disk.FAULTS]

    def settled(self, node):
        return attempt("stat", mounted_at(node) + "/homes/anna", seconds=5) == 0 and self.cluster.answers(node)

    def round(self, number, fault):
        name, begin, mend, durations = fault
        node, seconds = self.chance.choice(NODES), self.chance.choice(durations)
        text = "round %d: %s at %s for %d s" % (number, name, node, seconds)
        before = time.monotonic()
        begin(self, node)
        time.sleep(seconds)
        mend(self, node)
        for each in NODES:
            took = seconds_until(lambda n=each: self.settled(n), 120)
            if took is None:
                fact(False, "%s: %s serves again within 120 s" % (text, each))
        self.uploads.compare("%s (%.0f s)" % (text, time.monotonic() - before))

    def purge(self):
        """What faults have left unfinished is found, and removed, from one node."""
        node, before, listed = NODES[0], 0, 0
        for user in USERS:
            says, stay, _ = self.cluster.purge(node, user)
            before, listed = before + stay, listed + says
        stays = [n for each in NODES for user in USERS for n in self.cluster.unfinished(each, user)]
        fact(listed >= before and not stays, "%d unfinished uploads, %d listed; after a purge stay: %s" % (
            before, listed, stays or "none"))

    def play(self, rounds):
        """Each fault in turn, in a random order that changes each time."""
        self.uploads.start()
        faults = []
        for i in range(rounds):
            if not faults:
                faults = self.faults()
                self.chance.shuffle(faults)
            self.round(i + 1, faults.pop())
        wanted = self.disk.FILES_PER_ROUND * rounds
        wait_until("%d uploads of each client" % wanted,
                   lambda: all(n >= wanted for n in self.uploads.done.values()), 600)
        self.uploads.end()
        if self.disk.HEALS:
            took = seconds_until(self.disk.healed, 180)
            fact(took is not None, "the volume has healed within 180 s")
        self.uploads.compare("after healing", again=True)
        self.purge()
        self.uploads.report()
        for node, server in self.cluster.servers.items():
            with open(server.top + "/log", encoding="utf-8", errors="replace") as f:
                results = re.findall(r" verb=.* result=(\d+)", f.read())
            note("%s: %d transfers ended with a 4xx, %d were cut without a reply" % (
                node, sum(r.startswith("4") for r in results), results.count("0")))
