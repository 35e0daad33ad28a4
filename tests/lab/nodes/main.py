"""The program of tests/lab/cluster and tests/lab/nfs_vm: ROUNDS SEED [CASE...],
with the environment that world.py names. SALLYPORT_DISK is glusterfs (the default) or
nfs. Ends with 1 if a fact is wrong."""
import os
import sys

import cases
import measure
import nfs_cases
from gluster import Gluster
from nfs import Nfs
from nodes import Cluster
from storm import Storm
from takeover import takeover
from world import wrong

SHARE_PERCENT = 40  # of a processor, for each node that is measured
DISKS = {"glusterfs": (Gluster, cases.CASES + (cases.options_of_the_volume, takeover)),
         "nfs": (Nfs, cases.CASES + nfs_cases.CASES)}


def chosen(names, must_hold):
    """The cases that are named, or all that must hold. "none" is none."""
    known = {case.__name__: case for case in must_hold + (measure.measure,)}
    unknown = [name for name in names if name not in known and name != "none"]
    if unknown:
        sys.exit("no case %s; there are %s" % (unknown[0], ", ".join(known)))
    return [known[name] for name in names if name != "none"] if names else must_hold


def main():
    rounds, seed, names = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    disk, must_hold = DISKS[os.environ.get("SALLYPORT_DISK", "glusterfs")]
    play = chosen(names, must_hold)
    if measure.measure in play:
        measure.limit(SHARE_PERCENT)
    cluster = Cluster(disk())
    try:
        cluster.start()
        print("the cluster is there", flush=True)
        cases.play(cluster, play)
        if rounds:
            print("==> %d rounds of faults" % rounds, flush=True)
            Storm(cluster, seed, ("curl", "lftp", "rclone", "sallyport")).play(rounds)
    finally:
        cluster.end()
        measure.unlimit()
    return 1 if wrong else 0


sys.exit(main())
