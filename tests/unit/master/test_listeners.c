/* Tests of the listening sockets, and of their description. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "master/children/children.h"
#include "master/core/core.h"
#include "sallyport/conf/conf.h"
#include "support/test.h"

static void settings_with(struct settings *s, const char *const *listen)
{
    conf_default(s);
    for (s->listen_count = 0; listen[s->listen_count]; s->listen_count++)
        cr_assert_eq(address_parse_port(slice_from(listen[s->listen_count]),
                                        &s->listen[s->listen_count].address),
                     0);
}

/* Opens the listeners, or takes them from H, which has inherited some; H can be
 * NULL. */
static struct listeners opened(struct settings *s, const char *const *listen,
                               struct succession *h)
{
    struct complaint c = { "" };
    struct listeners l;

    settings_with(s, listen);
    cr_assert_eq(listeners_open(&l, s, h, &c), 0, "%s: %s", listen[0], c.text);
    return l;
}

static const char *const any[] = { "127.0.0.1:0", NULL };

static const char *const rows[][5] = {
    { "127.0.0.1:0" },
    { "127.0.0.1:0", "127.0.0.1:0" },
    { "127.0.0.1:0", "127.0.0.2:0" },
    { "127.0.0.1:0", "0.0.0.0:0" },
    { "0.0.0.0:0", "[::]:0" },
    { "[::1]:0", "127.0.0.1:0" },
    { "[::1]:0", "[::]:0", "127.0.0.1:0" },
};

Test(listen, hosts)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings s;
        struct listeners l = opened(&s, rows[i], NULL);

        cr_assert_eq(l.control_count, s.listen_count);
        for (size_t j = 0; j < l.control_count; j++) {
            cr_assert(l.control[j].address.port != 0);
            cr_assert(fcntl(l.control[j].fd, F_GETFL) & O_NONBLOCK);
            cr_assert_eq(fcntl(l.control[j].fd, F_GETFD), FD_CLOEXEC);
        }
        listeners_release(&l);
    }
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    getsockopt(fd, level, name, &value, &size);
    return value;
}

static void expect_options(int fd)
{
    cr_expect_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    cr_expect_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    cr_expect_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    cr_expect_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 15);
    cr_expect_eq(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
    cr_expect_eq(option(fd, SOL_SOCKET, SO_OOBINLINE), 1);
}

static int first_client = -1;

static void connect_to(int listener)
{
    struct sockaddr_in there = { 0 };
    socklen_t size = sizeof(there);

    cr_assert_eq(getsockname(listener, (struct sockaddr *)&there, &size), 0);
    first_client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(first_client, (struct sockaddr *)&there, size), 0);
}

static bool client_is_quick;

/* Replaces libc's listen(): if client_is_quick is set, a client connects before
 * listen() returns. */
int listen(int fd, int backlog)
{
    int r = (int)syscall(SYS_listen, fd, backlog);

    if (r == 0 && client_is_quick)
        connect_to(fd);
    return r;
}

static bool kernel_has_no_ipv6;

/* Replaces libc's socket(): if kernel_has_no_ipv6 is set, a socket of IPv6
 * fails. */
int socket(int family, int type, int protocol)
{
    if (kernel_has_no_ipv6 && family == AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return (int)syscall(SYS_socket, family, type, protocol);
}

/* If the kernel has no IPv6, the default is IPv4 alone, but an IPv6 address in
 * the configuration is a mistake. */
Test(listen, without_ipv6)
{
    struct complaint c = { "" };
    struct address in_use;
    struct settings s;

    conf_default(&s);
    cr_expect_not(settings_leave_out_ipv6(&s));
    cr_expect_eq(s.listen_count, 2);
    kernel_has_no_ipv6 = true;
    for (size_t i = 0; i < s.listen_count; i++)
        s.listen[i].address.port = 0; /* an ordinary user can't use port 21 */
    cr_expect_eq(listeners_try(&s, &in_use, &c), -EINVAL);
    cr_expect(strstr(c.text, "has no IPv6: remove that address"), "%s", c.text);
    cr_expect(settings_leave_out_ipv6(&s));
    cr_expect_eq(s.listen_count, 1);
    cr_expect_eq(s.listen[0].address.family, 4);
    conf_default(&s);
    for (size_t i = 0; i < s.said_count; i++)
        s.said[i].line = 3;
    cr_expect_not(settings_leave_out_ipv6(&s));
    cr_expect_eq(s.listen_count, 2);
}

/* Each connection inherits the listener's options, also the first
 * connection. */
Test(listen, options)
{
    struct listeners l;
    struct settings s;
    int fd;

    client_is_quick = true;
    l = opened(&s, any, NULL);
    fd = accept(l.control[0].fd, NULL, NULL);
    cr_assert_geq(fd, 0);
    expect_options(fd);
    close(fd);
    close(first_client);
    listeners_release(&l);
}

/* systemd has opened the listener, with other options. */
Test(listen, options_of_an_inherited_one)
{
    struct inherited inherited = { "listen 127.0.0.1:0 0", -1 };
    struct succession h;
    struct listeners l;
    struct settings s;

    inherited.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(listen(inherited.fd, 1), 0);
    succession_init(&h);
    h.inherited = &inherited;
    h.count = 1;
    l = opened(&s, any, &h);
    expect_options(l.control[0].fd);
    listeners_release(&l);
}

/* A listener of IPv6 doesn't accept IPv4. */
Test(listen, only_ipv6)
{
    struct settings s;
    struct listeners l =
        opened(&s, (const char *const[]){ "[::]:0", NULL }, NULL);
    socklen_t size = sizeof(int);
    int only = 0;

    cr_assert_eq(
        getsockopt(l.control[0].fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size),
        0);
    cr_assert_eq(only, 1);
    listeners_release(&l);
}

/* Another program uses the port: the complaint names the port, and all
 * listeners are closed again. */
Test(listen, taken)
{
    struct complaint c = { "" };
    struct settings s;
    struct listeners l = opened(&s, any, NULL), second;
    struct address in_use;
    char port[16];
    int next, after;

    s.listen[0].address.port = l.control[0].address.port;
    next = dup(0);
    close(next);
    cr_assert_eq(listeners_open(&second, &s, NULL, &c), -EAGAIN);
    cr_assert(strstr(c.text, "listen (default) = "), "%s", c.text);
    snprintf(port, sizeof(port), ":%u", (unsigned)s.listen[0].address.port);
    cr_assert(strstr(c.text, port), "%s", c.text);
    after = dup(0);
    cr_assert_eq(after, next, "a descriptor leaks");
    close(after);
    /* --check reports the port, too. */
    cr_assert_eq(listeners_try(&s, &in_use, &c), 0);
    cr_expect_eq(in_use.port, s.listen[0].address.port);
    after = dup(0);
    cr_assert_eq(after, next, "a descriptor leaks");
    close(after);
    listeners_release(&l);
    cr_assert_eq(listeners_try(&s, &in_use, &c), 0);
    cr_expect_eq(in_use.family, 0);
}

/* Each row has a listener of the older generation, and the host that the new
 * generation wants at the same port. */
static const struct {
    const char *before, *after;
} overlaps[] = {
    { "0.0.0.0:0", "127.0.0.1" },
    { "127.0.0.1:0", "0.0.0.0" },
    { "[::]:0", "[::1]" },
};

static void expect_overlap(const struct listener *held, const char *host)
{
    char name[96], text[ADDRESS_TEXT_MAX], wanted[128];
    const char *const listen[] = { wanted, NULL };
    struct inherited inherited = { name, fcntl(held->fd, F_DUPFD_CLOEXEC, 0) };
    struct complaint c = { "" };
    struct succession h;
    struct listeners l;
    struct settings s;

    address_port_text(&held->address, text);
    snprintf(name, sizeof(name), "listen %s 0", text);
    snprintf(wanted, sizeof(wanted), "%s:%u", host, held->address.port);
    settings_with(&s, listen);
    succession_init(&h);
    h.inherited = &inherited;
    h.count = 1;
    cr_expect_eq(listeners_open(&l, &s, &h, &c), -EAGAIN);
    cr_expect(strstr(c.text, wanted), "%s", c.text);
    snprintf(wanted, sizeof(wanted), "the server listens on %s already", text);
    cr_expect(strstr(c.text, wanted), "%s", c.text);
    cr_expect(strstr(c.text, "restart the server"), "%s", c.text);
    close(inherited.fd);
}

/* Only a restart frees the port, and the complaint names the listener that
 * overlaps. */
Test(listen, overlaps)
{
    for (size_t i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++) {
        const char *const listen[] = { overlaps[i].before, NULL };
        struct settings s;
        struct listeners before = opened(&s, listen, NULL);

        expect_overlap(&before.control[0], overlaps[i].after);
        listeners_release(&before);
    }
}

/* Errors that can pass give -EAGAIN, and others -EINVAL. */
Test(listen, refused)
{
    static const struct {
        const char *listen[2];
        int r;
    } table[] = {
        { { "192.0.2.1:0" }, -EAGAIN }, /* no interface has this address now */
        { { "[fe80::1]:0" }, -EINVAL }, /* names no interface */
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct complaint c = { "" };
        struct listeners l;
        struct settings s;

        settings_with(&s, table[i].listen);
        cr_expect_eq(listeners_open(&l, &s, NULL, &c), table[i].r, "%s",
                     c.text);
        cr_expect(strstr(c.text, "listen (default) = "), "%s", c.text);
    }
}

Test(listen, without_a_free_descriptor)
{
    static const char *const listen[2] = { "127.0.0.1:0" };
    const struct rlimit none = { 0 };
    struct complaint c = { "" };
    struct listeners l;
    struct settings s;

    settings_with(&s, listen);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    cr_expect_eq(listeners_open(&l, &s, NULL, &c), -EAGAIN, "%s", c.text);
}

static struct listener with_port(uint16_t port)
{
    return (struct listener){ .fd = -1,
                              .address = { .family = 4, .port = port } };
}

Test(listen, text)
{
    struct listeners l = { .control = { with_port(21), with_port(990) },
                           .control_count = 2 };
    struct settings s;
    struct buf text;

    conf_default(&s);
    s.listen[1].implicit = s.listen[1].proxied = true;
    buf_init(&text, 1024);
    cr_assert_eq(listeners_text(&l, &s, &text), 0);
    cr_assert(slice_equal(buf_slice(&text),
                          SLICE("0.0.0.0:21, 0.0.0.0:990 tls proxy, data ports "
                                "30000-30999")));
    buf_clear(&text);
    l.control_count = 0;
    s.ports = (struct port_range){ .automatic = true };
    cr_assert_eq(listeners_text(&l, &s, &text), 0);
    cr_assert(slice_equal(buf_slice(&text), SLICE(", data ports auto")));
    buf_release(&text);
}
