"""What is particular to nodes on NFS: errors that come at the sync, a lease that ends,
mounts that remember."""
import fcntl
import os

from cases import A, B, everywhere, is_226
from nfs import LEASE_S
from world import NODES, fact, mounted_at, seconds_until

MIB = 1 << 20


def left(cluster, user):
    """Whatever a home has, but the count of uploads."""
    return sorted(n for n in os.listdir(cluster.path(B, user)) if n != ".sallyport-lock")


def refused(cluster, user, code, name, mib):
    """An upload that there is no room for; soon after the reply nothing of it is left."""
    before = left(cluster, user)
    c = cluster.client(A, user)
    reply = c.put("STOR " + name, os.urandom(mib * MIB))
    c.close()
    gone = seconds_until(lambda: left(cluster, user) == before, 20)
    fact(reply.startswith(code) and gone is not None,
         "%s of %d MiB: %r, %s" % (name, mib, reply, "left: %s" % left(cluster, user) if gone is None else
                                   "nothing is left after %.1f s" % gone))


def quota(cluster):
    """The server's EDQUOT reaches a node when it syncs the upload."""
    path = cluster.path(A, "carla")
    used = sum(os.stat(path + n).st_blocks * 512 for n in left(cluster, "carla"))
    cluster.disk.limit(path, used // MIB + 9)
    c = cluster.client(B, "carla")
    fact(is_226(c.put("STOR below-quota", os.urandom(7 * MIB))), "an upload below the quota")
    c.close()
    refused(cluster, "carla", "552", "little-over-quota", 3)
    refused(cluster, "carla", "552", "far-over-quota", 40)
    cluster.disk.limit(path, 0)


def full_disk(cluster):
    """So does its ENOSPC."""
    cluster.disk.fill(leave_mib=6)
    refused(cluster, "anna", "452", "more-than-the-disk", 9)
    refused(cluster, "anna", "452", "far-more-than-the-disk", 40)
    cluster.disk.make_room()


def broken_disk(cluster):
    """And its EIO: no 226, and no such name when the disk works again."""
    c = cluster.client(A)
    conn = c.send("STOR broken", os.urandom(MIB))
    cluster.disk.break_disk()
    reply = c.finish(conn)
    c.close()
    cluster.disk.mend_disk()
    took = seconds_until(lambda: all(cluster.answers(n) for n in NODES), 120)
    gone = all(cluster.content(n, "anna", "broken") is None for n in NODES)
    content = os.urandom(MIB)
    c = cluster.client(B)
    again = c.put("STOR mended", content)
    c.close()
    fact(reply.startswith("451") and took is not None and gone and is_226(again)
         and everywhere(cluster, "anna", "mended", content),
         "a disk that takes no writes: %r, the name is free: %s, then %r" % (reply, gone, again))


def lease(cluster):
    """What docs/admin/cluster.md says of the lock of a node that is cut off: another
    node gets it after the lease, and the first one gets EIO."""
    paths = [mounted_at(n) + "/leased" for n in (A, B)]
    mine = os.open(paths[0], os.O_CREAT | os.O_RDWR, 0o600)
    other = os.open(paths[1], os.O_RDWR)
    fcntl.flock(mine, fcntl.LOCK_EX)
    os.pwrite(mine, b"before", 0)
    os.fsync(mine)

    def gets_it():
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
    before = gets_it()
    cluster.disk.part(A)
    took = seconds_until(gets_it, 4 * LEASE_S)
    cluster.disk.meet(A)
    try:
        os.pwrite(mine, b"after", 0)
        os.fsync(mine)
        error = "no error"
    except OSError as e:
        error = e.strerror
    for fd in (mine, other):
        try:
            os.close(fd)
        except OSError:
            pass  # the same error
    fact(not before and took is not None and error == "Input/output error",
         "a lease of %d s: another node gets the lock after %s s, and the node that was cut off gets: %s" % (
             LEASE_S, took and round(took), error))


def cut_alone(cluster):
    """A node that is cut off for three leases, and nobody else wants its partial."""
    content = os.urandom(24 * MIB)
    c = cluster.client(A, seconds=200)
    conn = c.send("STOR cut-alone", content[:20 * MIB])
    cluster.disk.part(A)
    seconds_until(lambda: False, 3 * LEASE_S)
    cluster.disk.meet(A)
    try:
        conn.sendall(content[20 * MIB:])
        reply = c.finish(conn)
    except OSError as e:
        reply = "000 %s" % e
    c.close()
    back = seconds_until(lambda: cluster.answers(A), 120)
    right = everywhere(cluster, "anna", "cut-alone", content) or (
        not is_226(reply) and everywhere(cluster, "anna", "cut-alone", None))
    fact(back is not None and right,
         "a node that is cut off for %d s, alone: %r, serves again after %s s" % (
             3 * LEASE_S, reply, back and round(back, 1)))


def downloaded(client, content, meanwhile):
    """The reply to a download, and whether all bytes came, if MEANWHILE happens after
    the first ones."""
    conn = client.transfercmd("RETR fetched")
    bytes_read = conn.recv(65536)
    meanwhile()
    try:
        while piece := conn.recv(1 << 20):
            bytes_read += piece
    except OSError:
        pass  # the reply says why
    return client.finish(conn), bytes_read == content


def gone_while_downloaded(cluster):
    """A file that is deleted or replaced through another node may end its download with an
    error, but only all of its bytes get a 226; through the same node it changes nothing."""
    content = os.urandom(12 * MIB)
    for how, node in (("deleted", B), ("replaced", B), ("deleted", A)):
        one, another = cluster.client(A), cluster.client(node)
        one.put("STOR fetched", content)
        one.voidcmd("TYPE I")
        reply, whole = downloaded(one, content, lambda: another.voidcmd("DELE fetched") if how == "deleted"
                                  else another.put("STOR fetched", b"other"))
        one.close()
        another.close()
        clean = seconds_until(lambda: not [n for n in left(cluster, "anna") if n.startswith(".nfs")], 20)
        fact((whole or not is_226(reply)) and (is_226(reply) or node == B) and clean is not None,
             "a download whose file is %s through %s: %r, all bytes: %s, no .nfs name after it: %s" % (
                 how, "the same node" if node == A else "another node", reply, whole, clean is not None))


def check_of_mounts(cluster):
    """--check finds nothing, and names a mount that remembers."""
    found = [cluster.servers[node].check()[1] for node in NODES]
    server = cluster.servers[B]
    server.kill()
    cluster.disk.mount_again(B, "vers=4.2")
    status, said = server.check()
    cluster.disk.mount_again(B)
    server.start()
    back = seconds_until(lambda: cluster.answers(B), 120)
    fact(not any(found) and "remembers names and attributes" in said and back is not None,
         "--check finds %s; of a mount with the default options it says (%d)\n%s" % (
             [s for s in found if s] or "nothing", status, said))


CASES = (check_of_mounts, quota, full_disk, broken_disk, lease, cut_alone, gone_while_downloaded)
