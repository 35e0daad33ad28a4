/* The listening sockets for control connections. Master makes them at its
 * start, before it enters its sandbox, and passes them to gate. Master itself
 * never accepts a connection. Runs in master. */
#include "children.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

static const char *listener_advice(int error)
{
    switch (error) {
    case EACCES:
        return "; ports below 1024 are for root: start it as root, or write a "
               "port from 1024 on";
    case EADDRINUSE:
        return "; see who has it by: ss -Hltnp";
    case EADDRNOTAVAIL:
        return "; this machine doesn't have that address now";
    case EAFNOSUPPORT:
        return "; the kernel of this machine has no IPv6: remove that address "
               "from listen";
    default:
        return "";
    }
}

static bool is_listener(const struct inherited *h)
{
    return h->fd >= 0 && strncmp(h->name, "listen ", 7) == 0;
}

static bool is_of_systemd(const struct inherited *h)
{
    const char *end = strstr(h->name, GENERATION_OF_SYSTEMD);

    return is_listener(h) && end && !end[strlen(GENERATION_OF_SYSTEMD)];
}

/* Writes the name of systemd's listener at A. */
static const char *listener_of_systemd(const struct address *a,
                                       char name[GENERATION_NAME_MAX])
{
    char text[ADDRESS_TEXT_MAX];

    snprintf(name, GENERATION_NAME_MAX, "listen %s" GENERATION_OF_SYSTEMD,
             address_port_text(a, text));
    return name;
}

/* Returns true if a listener of the running server, which the new configuration
 * doesn't name, keeps this master from binding A. *HELD gets the listener's
 * address. The supervisor and the older generations keep such a listener open
 * until these generations end. */
static bool listener_is_held(const struct succession *h,
                             const struct address *a, struct address *held)
{
    for (size_t i = 0; h && i < h->count; i++) {
        if (!is_listener(&h->inherited[i]) ||
            address_of_socket(h->inherited[i].fd, held) < 0 ||
            a->family != held->family || a->port != held->port)
            continue;
        if (address_is_any(a) || address_is_any(held) ||
            address_same_host(a, held))
            return true;
    }
    return false;
}

/* Complains that the server can't listen on A because of ERROR, and says what
 * the administrator can do. H can be NULL. Returns -EAGAIN: the error can end
 * without a change of the configuration; otherwise -EINVAL. */
static int listeners_refuse(const struct settings *s,
                            const struct succession *h, const struct address *a,
                            int error, struct complaint *c)
{
    char text[ADDRESS_TEXT_MAX], other[ADDRESS_TEXT_MAX];
    struct address held;

    address_port_text(a, text);
    if (error == EADDRINUSE && listener_is_held(h, a, &held))
        settings_blame(s, "listen", c,
                       "can't listen on %s: the server listens on %s already, "
                       "which a reload can't replace; restart the server",
                       text, address_port_text(&held, other));
    else
        settings_blame(s, "listen", c, "can't listen on %s: %s%s", text,
                       strerror(error), listener_advice(error));
    return error == EADDRINUSE || error == EADDRNOTAVAIL || error == ENOBUFS ||
                   fd_may_pass(error)
               ? -EAGAIN
               : -EINVAL;
}

/* Sets the options of a listener, which each control connection inherits when
 * its TCP handshake ends. So call it before the first listen().
 * etc/examples/sallyport.socket has the same values. Ignores errors, since the
 * options make connections better, not safer. */
static void listener_equip(int fd)
{
    static const struct {
        int level, option, value;
    } options[] = {
        /* The server writes whole buffers, so the kernel needn't wait for more
         * data. */
        { IPPROTO_TCP, TCP_NODELAY, 1 },
        /* The kernel gives up a silent client after two minutes: after 60 s it
         * sends the first of four probes, one each 15 s. */
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, 60 },
        { IPPROTO_TCP, TCP_KEEPINTVL, 15 },
        { IPPROTO_TCP, TCP_KEEPCNT, 4 },
        /* Clients can send telnet's Data Mark before ABOR as urgent data (RFC
           959 4.1.3). Without this option the mark would be missing in the
           stream. */
        { SOL_SOCKET, SO_OOBINLINE, 1 },
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        setsockopt(fd, options[i].level, options[i].option, &options[i].value,
                   sizeof(options[i].value));
}

/* Makes a socket that is bound to A, and listens unless BACKLOG is 0. The
 * socket is non-blocking, since a client can be gone before gate's accept4().
 * Returns the descriptor or -errno. */
static int listener_socket(const struct address *a, int backlog)
{
    struct sockaddr_storage where;
    socklen_t size = address_to_sockaddr(a, &where);
    const int one = 1;
    FD_CLEANUP int fd =
        socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    /* Make [::]:21 and 0.0.0.0:21 two separate listeners. */
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        (where.ss_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0))
        return -errno;
    listener_equip(fd);
    if (bind(fd, (struct sockaddr *)&where, size) < 0 ||
        (backlog > 0 && listen(fd, backlog) < 0))
        return -errno;
    return fd_take(&fd);
}

/* Writes the name by which the next generation finds a listener: its address,
 * and the number SAME, which distinguishes listeners with equal addresses. */
static const char *listener_name(const struct address *a, size_t same,
                                 char name[GENERATION_NAME_MAX])
{
    char text[ADDRESS_TEXT_MAX];

    snprintf(name, GENERATION_NAME_MAX, "listen %s %zu",
             address_port_text(a, text), same);
    return name;
}

static int listener_open(struct listener *l, const struct address *a,
                         size_t same, struct succession *h)
{
    char name[GENERATION_NAME_MAX], systemd[GENERATION_NAME_MAX];
    int r;

    l->fd = succession_inherit(h, listener_name(a, same, name));
    if (l->fd < 0 && same == 0)
        l->fd = succession_inherit(h, listener_of_systemd(a, systemd));
    if (l->fd < 0)
        l->fd = listener_socket(a, SOMAXCONN);
    else
        listener_equip(l->fd); /* systemd may have opened it */
    if (l->fd < 0)
        return l->fd;
    r = succession_keep(h, name, l->fd);
    if (r == 0)
        r = address_of_socket(l->fd, &l->address);
    if (r < 0)
        fd_close(&l->fd);
    return r;
}

int listeners_open(struct listeners *l, const struct settings *s,
                   struct succession *h, struct complaint *c)
{
    *l = (struct listeners){ 0 };
    /* The supervisor keeps each listener of systemd, since a later `listen` can
     * name it again. */
    for (size_t i = 0; h && i < h->count; i++)
        if (is_of_systemd(&h->inherited[i]))
            succession_keep(h, h->inherited[i].name, h->inherited[i].fd);
    for (size_t i = 0; i < s->listen_count; i++) {
        const struct address *a = &s->listen[i].address;
        struct listener *new = &l->control[i];
        size_t same = 0;
        int r;

        for (size_t j = 0; j < i; j++)
            same += address_same_host(&s->listen[j].address, a) &&
                    s->listen[j].address.port == a->port;
        r = listener_open(new, a, same, h);
        if (r < 0) {
            r = listeners_refuse(s, h, a, -r, c);
            listeners_release(l);
            return r;
        }
        l->control_count++;
    }
    return 0;
}

void listeners_unnamed(const struct settings *s, const struct succession *h,
                       struct complaint *c)
{
    char names[COMPLAINT_MAX / 2] = "";
    size_t len = 0;

    for (size_t i = 0; i < h->count; i++) {
        char own[GENERATION_NAME_MAX], text[ADDRESS_TEXT_MAX];
        bool named = !is_of_systemd(&h->inherited[i]);
        struct address a;

        for (size_t k = 0; k < s->listen_count; k++)
            named |= strcmp(listener_of_systemd(&s->listen[k].address, own),
                            h->inherited[i].name) == 0;
        if (!named && len < sizeof(names) &&
            address_of_socket(h->inherited[i].fd, &a) == 0)
            len +=
                (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
                                 len ? ", " : "", address_port_text(&a, text));
    }
    if (len > 0)
        complain(c,
                 "sallyport.socket listens at %s, which the setting listen "
                 "doesn't name, so nobody serves clients there: add it to "
                 "listen, or remove it from the unit",
                 names);
}

/* An address in use is no mistake: most likely the running server has it. */
int listeners_try(const struct settings *s, struct address *in_use,
                  struct complaint *c)
{
    *in_use = (struct address){ 0 };
    for (size_t i = 0; i < s->listen_count; i++) {
        const struct address *a = &s->listen[i].address;
        FD_CLEANUP int fd = listener_socket(a, 0);

        if (fd < 0 && fd != -EADDRINUSE)
            return listeners_refuse(s, NULL, a, -fd, c);
        if (fd < 0)
            *in_use = *a;
    }
    return 0;
}

void listeners_release(struct listeners *l)
{
    for (size_t i = 0; i < l->control_count; i++)
        fd_close(&l->control[i].fd);
    *l = (struct listeners){ 0 };
}

int listeners_text(const struct listeners *l, const struct settings *s,
                   struct buf *into)
{
    const struct port_range *ports = &s->ports;
    char text[ADDRESS_TEXT_MAX];
    int r = 0;

    for (size_t i = 0; i < l->control_count && r == 0; i++)
        r = buf_add_format(into, "%s%s%s%s", i > 0 ? ", " : "",
                           address_port_text(&l->control[i].address, text),
                           s->listen[i].implicit ? " tls" : "",
                           s->listen[i].proxied ? " proxy" : "");
    if (r == 0 && ports->automatic)
        r = buf_add_text(into, ", data ports auto");
    else if (r == 0)
        r = buf_add_format(into, ", data ports %u-%u", ports->first,
                           ports->last);
    return r;
}
