/* lookup: looks up the addresses of hosts, each in a fork of its own. It is
 * executed before master enters its sandbox, so that master needs none of these
 * permissions. If a library of the name service switch makes another call, that
 * one lookup fails. */
#include "sallyport/seccomp/policy.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define NAMESPACES                                                             \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |               \
     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)
#define CHANGES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

static const struct permission may[] = {
    MAY_IF(clone, WITHOUT(0, NAMESPACES | CLONE_PARENT), "fork of a lookup"),
    MAY(set_robust_list, "libc, in the child of a fork"),
    MAY(pipe2, "a lookup's answer"),
    MAY(wait4, "reaping a lookup"),
    MAY_IF_BOTH(kill, IS(1, SIGKILL), OF_ONE(0),
                "a lookup that takes too long"),
    MAY_IF(prctl, IS(0, PR_SET_PDEATHSIG), "a lookup ends with its parent"),
    MAY_IF(prlimit64, IS(0, 0), "a lookup may not fork"),

    MAY_IF(socket, IS(0, AF_INET), "name servers"),
    MAY_IF(socket, IS(0, AF_INET6), "name servers"),
    MAY_IF(socket, IS(0, AF_UNIX), "nscd, systemd-resolved"),
    MAY(connect, "name servers, nscd, systemd-resolved"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_IP), IS(2, IP_RECVERR),
                "no answer from a name server"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_IPV6), IS(2, IPV6_RECVERR),
                "no answer from a name server"),
    MAY_IF(ioctl, IS(1, FIONREAD), "the size of an answer"),
    MAY(uname, "the domain to search in"),

    MAY_IF(open, WITHOUT(1, CHANGES), "hosts, resolv.conf, nsswitch.conf"),
    MAY_IF(openat, WITHOUT(2, CHANGES), "hosts, resolv.conf, nsswitch.conf"),
    MAY(stat, "has resolv.conf changed"),
    MAY(newfstatat, "has resolv.conf changed"),
    MAY(access, "is there an nscd"),
    MAY(pread64, "ld.so reads the head of a library"),
    MAY(mmap, "libraries of the name service switch"),
    END_OF_LIST,
};

const struct policy policy_lookup = { may, { &policy_common, NULL } };
