/* Socket activation, sd_listen_fds(3) without libsystemd: systemd's listeners
 * become kept descriptors, as if an older generation had opened them. So the
 * first master inherits the listeners that the configuration names, and clients
 * wait through a restart of the service. */
#include "supervisor.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sallyport/base/address.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

#define FIRST_FD 3
#define MOST     64

int activation_count(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    uint64_t n = 0, own = 0;

    if (!pid || slice_number(slice_from(pid), INT32_MAX, &own) < 0 ||
        own != (uint64_t)getpid() || !count ||
        slice_number(slice_from(count), MOST, &n) < 0)
        n = 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return (int)n;
}

/* Returns true if FD is a listening TCP socket; then *a is its address. */
static bool is_listener(int fd, struct address *a)
{
    socklen_t len = sizeof(int);
    int listens = 0;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
           listens && address_of_socket(fd, a) == 0;
}

/* Returns true if the listener takes IPv6 and IPv4 clients: unless IPV6_V6ONLY
 * is set, [::] also takes IPv4 clients, which "listen" doesn't name. */
static bool is_mixed(int fd)
{
    int domain = 0, only = 1;
    socklen_t size = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           domain == AF_INET6 &&
           getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0 &&
           only == 0;
}

void activation_take(struct supervisor *s, int count)
{
    for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
        char name[GENERATION_NAME_MAX], text[ADDRESS_TEXT_MAX];
        struct address a;

        if (!is_listener(fd, &a) || fd_set_nonblock(fd, true) < 0) {
            stderr_print("descriptor %d of LISTEN_FDS is no TCP listener; mend "
                         "ListenStream= of the socket unit",
                         fd);
        } else if (is_mixed(fd)) {
            stderr_print("descriptor %d of LISTEN_FDS takes IPv6 and IPv4: "
                         "write BindIPv6Only=ipv6-only into sallyport.socket",
                         fd);
        } else {
            snprintf(name, sizeof(name), "listen %s" GENERATION_OF_SYSTEMD,
                     address_port_text(&a, text));
            if (kept_add(&s->kept, slice_from(name), fd) < 0)
                stderr_print("%s: can't be kept", name);
            continue;
        }
        close(fd);
    }
}
