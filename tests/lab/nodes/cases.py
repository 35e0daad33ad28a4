"""Cases of two nodes, each with a result that some order of its steps explains."""
import collections
import os
import re
import threading
import time

from world import NODES, fact, mounted_at, note, seconds_until, wait_until

A, B, LAST = NODES[0], NODES[1], NODES[-1]
PARTED_S = 50
STEP_S = 0.004


def together(*functions):
    """Calls them at the same moment; their results."""
    results = [None] * len(functions)
    gate = threading.Barrier(len(functions))

    def one(i):
        gate.wait()
        results[i] = functions[i]()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def is_226(reply):
    return reply.startswith("226")


def everywhere(cluster, user, name, content):
    return all(cluster.content(node, user, name) == content for node in NODES)


def both_end(one, another, first, second, later=0.0):
    """Two uploads whose bytes are there end at the same moment, or the first one LATER."""
    c, d = one.send(*first), another.send(*second)
    return together(lambda: threading.Event().wait(later) or one.finish(c), lambda: another.finish(d))


def stor_beside_appe(cluster, rounds=40):
    """Both get 226 only if one order of the two explains the file. From round to round
    the STOR ends later, so that each comes between each two steps of the other."""
    one, another = cluster.client(A), cluster.client(B)
    bad, seen = [], collections.Counter()
    for i in range(rounds):
        name = "appended-%d" % i
        base, stored, tail = b"base\n" * 1000, b"stored\n" * 1000, b"tail\n" * 1000
        one.put("STOR " + name, base)
        replies = both_end(one, another, ("STOR " + name, stored), ("APPE " + name, tail), i * STEP_S)
        right = {(True, True): (stored + tail, stored), (True, False): (stored,), (False, True): (base + tail,),
                 (False, False): (base,)}[tuple(is_226(r) for r in replies)]
        seen["%.3s and %.3s" % tuple(replies)] += 1
        if not any(everywhere(cluster, "anna", name, each) for each in right):
            bad.append("%s: %s; lines of base, stored, tail: %s" % (name, replies, [
                (cluster.content(A, "anna", name) or b"").count(w) for w in (b"base", b"stored", b"tail")]))
    one.close()
    another.close()
    note("replies to STOR and APPE: %s" % ", ".join("%s in %d rounds" % each for each in seen.items()))
    fact(not bad, "STOR beside APPE through two nodes: in %d of %d rounds no order explains the file%s" % (
        len(bad), rounds, "".join("\n    " + s for s in bad[:5])))


def one_name(cluster, rounds=10):
    """Two uploads of one name end at once."""
    for policy, count in (("overwrite", 1), ("rename", 2), ("reject", 1)):
        cluster.change_user(LAST, "bert", "--on-conflict", policy)
        one, another = cluster.client(A, "bert"), cluster.client(B, "bert")
        bad = []
        for i in range(rounds):
            name, contents = "%s-%d" % (policy, i), [os.urandom(200001), os.urandom(100001)]
            replies = both_end(one, another, *[("STOR " + name, c) for c in contents])
            names = [n for n in cluster.names(LAST, "bert") if n.startswith(name) and n[len(name):][:1] in ("", " ", ".")]
            found = [cluster.content(LAST, "bert", n) for n in names]
            stored = [c for c, r in zip(contents, replies) if is_226(r)]
            kept = all(c in found for c in stored) if count == 2 else any(c in found for c in stored)
            if not (stored and kept and name in names and all(c in contents for c in found)
                    and len(names) <= len(stored) and (policy != "reject" or len(stored) == 1)
                    and all(everywhere(cluster, "bert", n, c) for n, c in zip(names, found))):
                bad.append("%s: %s, names %s" % (name, replies, names))
        one.close()
        another.close()
        fact(not bad, "two uploads of one name through two nodes, on_conflict %s: %d rounds%s" % (
            policy, rounds, "".join("\n    " + s for s in bad[:5])))
    cluster.change_user(LAST, "bert", "--on-conflict", "default")


def resume_elsewhere(cluster):
    """After a cut the rest goes through another node."""
    content = os.urandom(9000001)
    one = cluster.client(A)
    one.cut(one.send("STOR resumed", content[:6000000]))
    another = cluster.client(B)
    another.voidcmd("TYPE I")
    took = seconds_until(lambda: another.reply(another.sendcmd, "SIZE resumed").startswith("213"), 20)
    size = another.reply(another.sendcmd, "SIZE resumed")
    at = int(size.split()[1]) if size.startswith("213") else 0
    another.sendcmd("REST %d" % at)
    reply = another.put("STOR resumed", content[at:])
    another.close()
    fact(at > 0 and is_226(reply) and everywhere(cluster, "anna", "resumed", content),
         "resumed through another node after a cut: SIZE %r after %s s, then %r" % (
             size, took and round(took, 1), reply))


def lock_user(cluster):
    """A lock on one node ends the session on another."""
    c = cluster.client(A, "dora")
    cluster.servers[B].ctl("user", "lock", "dora")

    def ended():
        return not c.reply(c.sendcmd, "NOOP").startswith("200")
    took = seconds_until(ended, 30)
    c.close()
    cluster.servers[LAST].ctl("user", "unlock", "dora")
    back = seconds_until(lambda: cluster.answers(A, "dora"), 30)
    fact(took is not None and took <= 10, "user lock ends the session on another node: after %s s" % (
        took and round(took, 1)))
    fact(back is not None and back <= 11, "user unlock permits it again: after %s s" % (back and round(back, 1)))


def two_edits(cluster, rounds=10):
    """sallyportctl on each node at once: none loses another one's change."""
    lost, users = [], ("anna", "bert", "carla")
    for i in range(rounds):
        together(*[lambda n=node, u=user: cluster.servers[n].ctl("user", "change", u, "--comment", "edit %d" % i)
                   for node, user in zip((A, B, LAST), users)])
        lost += ["%s %d" % (user, i) for user in users
                 if "edit %d" % i not in cluster.servers[LAST].ctl("user", "show", user)]
    fact(not lost, "three edits of the users file at once, %d rounds; lost: %s" % (rounds, lost or "none"))


def held(cluster):
    """An upload that waits for inspection is listed and released on any node."""
    cluster.change_user(A, "carla", "--role", "lrwodnmi")
    content, name = os.urandom(100001), "judged"
    c = cluster.client(A, "carla")
    reply = c.put("STOR judged", content)
    c.close()
    found = re.search(r"\b[0-9a-f]{16}\b", cluster.servers[B].ctl("inspect", "list"))
    hidden = cluster.content(LAST, "carla", name) is None
    said = cluster.servers[LAST].ctl("inspect", "release", found.group(), "carla") if found else "not listed"
    cluster.change_user(A, "carla", "--role", "full")
    fact("kept for inspection" in reply and hidden and everywhere(cluster, "carla", name, content),
         "held through one node (%s), listed on another, released on a third: %s" % (reply, said.strip()))


def share(cluster):
    """Members use it through two nodes, and its files have its gid on each."""
    content, got = os.urandom(100001), []
    cluster.edit(A, "share", "add", "joint", "bert:full", "carla:full")
    one, another = cluster.client(A, "bert"), cluster.client(B, "carla")
    reply = one.put("STOR joint/text", content)
    read = another.reply(another.retrbinary, "RETR joint/text", got.append)
    renamed = another.reply(another.rename, "joint/text", "joint/moved")
    seen = one.reply(one.sendcmd, "SIZE joint/moved")
    one.close()
    another.close()
    paths = [mounted_at(node) + "/shares/joint" for node in NODES]
    gids = {os.stat(path + name).st_gid for path in paths for name in ("", "/moved")}
    fact(is_226(reply) and b"".join(got) == content and seen == "213 100001" and len(gids) == 1 and 0 not in gids,
         "a share through two nodes: stored %r, read %r, renamed %r, then %r; its gid: %s" % (
             reply, read, renamed, seen, gids))


def count_of_files(cluster, most=12):
    """uploads holds over all nodes, whose uploads end at once."""
    cluster.add_user("emil", "--uploads", str(most))
    wait_until("login of emil", lambda: all(cluster.answers(node, "emil") for node in NODES), 30)
    clients = [cluster.client(node, "emil") for node in NODES]
    replies = []
    for i in range(most // len(NODES) + 3):
        conns = [c.send("STOR %s-%d" % (node, i), b"x" * 100) for node, c in zip(NODES, clients)]
        replies += together(*[lambda c=c, d=d: c.finish(d) for c, d in zip(clients, conns)])
        if not any(map(is_226, replies[-len(NODES):])):
            break
    for c in clients:
        c.close()
    stored, good = len(cluster.names(LAST, "emil")), sum(map(is_226, replies))
    fact(stored == good == most, "uploads %d through %d nodes at once: %d stored, %d replies 226; the last %r" % (
        most, len(NODES), stored, good, replies[-1]))


def lost_lock(cluster):
    """A partition in an upload, and another upload of the name elsewhere. If the disk
    drops the lock of the node that was cut off, this node gets no 226. If the disk keeps
    the lock until another node asks for it, and no write failed, this node stores its
    file last."""
    mine, other = os.urandom(48 << 20), os.urandom(40 << 20)
    one = cluster.client(A, seconds=200)
    conn = one.send("STOR parted", mine[:36 << 20])  # beyond the first sync: it has a token
    cluster.disk.part(A)
    begin = time.monotonic()
    another = cluster.client(B, seconds=120)
    size = another.reply(another.sendcmd, "SIZE parted")
    second = another.put("STOR parted", other)
    seconds_until(lambda: time.monotonic() - begin > PARTED_S, PARTED_S + 1)
    cluster.disk.meet(A)
    try:
        conn.sendall(mine[36 << 20:])
        first = one.finish(conn)
    except OSError as e:
        first = "000 %s" % e
    another.close()
    one.close()
    seconds_until(lambda: cluster.answers(A), 60)
    last = mine if cluster.disk.KEEPS_LOCKS and is_226(first) else other
    fact(is_226(second) and is_226(first) == (last is mine) and everywhere(cluster, "anna", "parted", last),
         "a partition of %d s: SIZE elsewhere %r, the upload elsewhere %r, the one that was cut off %r" % (
             PARTED_S, size, second, first))


def partial_after_a_cut(cluster):
    """A node is cut off in an upload, and its server killed; the client ends the upload
    through another node. What the first one has left is listed, and can be removed."""
    content = os.urandom(48 << 20)
    for user, killed in (("bert", False), ("carla", True)):
        one = cluster.client(A, user)
        conn = one.send("STOR halved", content[:36 << 20])  # beyond the first sync
        cluster.disk.part(A)
        if killed:
            cluster.servers[A].kill()
        another = cluster.client(B, user, seconds=120)
        reply = another.put("STOR halved", content)
        another.close()
        cluster.disk.meet(A)
        if killed:
            cluster.servers[A].start()
        else:
            one.cut(conn)
        back = seconds_until(lambda u=user: cluster.answers(A, u), 120)
        whole = everywhere(cluster, user, "halved", content)
        # Its session may still be about to end it: then it is listed, and in use.
        purged = []

        def is_clean(u=user, said=purged):
            left = cluster.unfinished(LAST, u)
            if left:
                listed, stay, text = cluster.purge(LAST, u)
                said.append((listed >= stay, "%d there, %d listed: %s" % (stay, listed, text)))
            return not any(cluster.unfinished(node, u) for node in NODES)
        clean = seconds_until(is_clean, 60)
        fact(is_226(reply) and whole and back is not None and clean is not None,
             "after a cut and the upload through another node (%s)%s nothing unfinished stays; purged: %s" % (
                 reply, ", the server killed," if killed else "", purged or "nothing to do"))
        fact(all(right for right, _ in purged), "each unfinished upload is listed")


def node_without_volume(cluster):
    """A node whose mount is lost turns clients away with the reason, and HAProxy takes
    it out until the mount is back."""
    begin = time.monotonic()
    cluster.disk.kill_mount(A)
    took = seconds_until(lambda: cluster.greeting(A).startswith("421 The server can't reach its files"), 30)
    out = seconds_until(lambda: not cluster.balancer.takes(A), 30)
    gone = time.monotonic() - begin
    others = all(cluster.answers(node) for node in NODES[1:])
    cluster.servers[A].kill()
    cluster.disk.mend_mount(A)
    cluster.servers[A].start()
    back = seconds_until(lambda: cluster.balancer.takes(A) and cluster.answers(A), 120)
    fact(took is not None and took <= 12 and out is not None and others and back is not None,
         "a node without its volume: 421 after %s s, out of HAProxy after %.1f s, back: %s" % (
             took and round(took, 1), gone, back is not None))


def options_of_the_volume(cluster):
    """--check of each node and etc/cluster/volume --verify find nothing. --verify names
    options that break a promise."""
    rows = (("client.strict-locks", "off", "on"), ("network.ping-timeout", "42", "5"))
    found = [cluster.servers[node].check()[1] for node in NODES] + [cluster.disk.verify()]
    fact(not any(found), "--check and --verify find nothing: %s" % found)
    for key, other, _ in rows:
        cluster.disk.set_option(key, other)
    said = cluster.disk.verify()
    for key, _, right in rows:
        cluster.disk.set_option(key, right)
    fact(all("%s is %s, not %s\n" % row in said for row in rows) and said.count("\n") == len(rows),
         "two wrong options: --verify says\n%s" % said)


CASES = (node_without_volume, one_name, stor_beside_appe, resume_elsewhere, lock_user, two_edits, held,
         share, count_of_files, lost_lock, partial_after_a_cut)


def play(cluster, cases):
    for case in cases:
        print("==> " + case.__name__.replace("_", " "), flush=True)
        try:
            case(cluster)
        except Exception as e:  # the other cases run all the same
            fact(False, "%s: %s: %s" % (case.__name__, type(e).__name__, e))
