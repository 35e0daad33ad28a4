"""The program of tests/system/cluster: ROUNDS SEED [CASE...], with the environment
that world.py names. Ends with 1 if a fact is wrong."""
import sys

import cases
import measure
from gluster import Gluster
from nodes import Cluster
from storm import Storm
from world import wrong

SHARE_PERCENT = 40  # of a processor, for each node that is measured


def chosen(names):
    """The cases that are named, or all that must hold."""
    known = {case.__name__: case for case in cases.CASES + cases.OPEN + (measure.measure,)}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit("no case %s; there are %s" % (unknown[0], ", ".join(known)))
    return [known[name] for name in names] or cases.CASES


def main():
    rounds, seed, names = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    play = chosen(names)
    if measure.measure in play:
        measure.limit(SHARE_PERCENT)
    cluster = Cluster(Gluster())
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
