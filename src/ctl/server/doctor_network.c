/* Checks of doctor: the server's answer, the certificate that a client gets,
 * the address that PASV announces, and the ports of data connections. */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/tls/shown.h"

#define ANSWER_S 5 /* for each read and write */
#define DAY_S    86400
#define RESERVED 65536 /* bytes that are read of a list of ports */

/* Takes the addresses of the listeners, in the order of the setting. */
static void take_listeners(struct server_doctor *d, const json_t *status)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(status, "listening"), i, one)
    {
        if (d->listeners < SETTINGS_LISTEN_MAX &&
            address_parse_port(slice_from(json_string_value(one)),
                               &d->listener[d->listeners]) == 0)
            d->listeners++;
    }
}

void doctor_server(struct server_doctor *d)
{
    json_t *status = NULL;
    struct server s;
    int code = server_open(&s, d->x);
    const char *away, *build;

    d->runs = code == 0;
    if (d->runs && drain_ask(&s, DRAIN_ASK, &d->drains))
        d->drains = false;
    if (d->runs)
        code = status_of(&s, &status);
    take_listeners(d, status);
    away = text_of(status, "away", NULL);
    build = strcmp(s.version, SALLYPORT_VERSION) ? "" : "another build of ";
    if (d->runs && !s.ours)
        doctor_find(d, FINDING_WARNING, "run: sallyportctl reload",
                    "it runs version %s, but %s" SALLYPORT_VERSION
                    " is installed",
                    s.version, build);
    else if (code)
        doctor_find(d, FINDING_BAD,
                    "its log has the reason: journalctl -u sallyport", "%s",
                    d->x->complaint.text);
    else if (away)
        doctor_find(d, FINDING_BAD,
                    "mend the mount; the server looks again by itself",
                    "a new client gets 421: %s", away);
    else if (d->drains)
        doctor_find(d, FINDING_WARNING, "run: sallyportctl drain --off",
                    "it drains: a new client gets 421");
    else
        doctor_find(d, FINDING_GOOD, NULL, "version %s runs, pid %" PRIu64,
                    s.version, s.pid);
    d->x->complaint.text[0] = '\0';
    json_decref(status);
    server_close(&s);
}

/* Returns a blocking socket with timeouts, or -errno. */
static int connect_client(const struct address *listener)
{
    const struct timeval patience = { .tv_sec = ANSWER_S };
    struct address to = *listener;
    struct sockaddr_storage where;
    socklen_t size;

    if (address_is_any(&to)) {
        to.bytes[0] = to.family == 4 ? 127 : 0;
        to.bytes[to.family == 4 ? 3 : 15] = 1;
    }
    size = address_to_sockaddr(&to, &where);
    FD_CLEANUP int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
        connect(fd, (struct sockaddr *)&where, size))
        return -errno;
    return fd_take(&fd);
}

/* Reads a reply of one line, such as "220 …". */
static bool has_reply(int fd, const char *code)
{
    char text[1024];
    size_t len = 0;
    ssize_t n = 1;

    while (n > 0 && len < sizeof(text) && !memchr(text, '\n', len)) {
        n = read(fd, text + len, sizeof(text) - len);
        len += n > 0 ? (size_t)n : 0;
    }
    return len > 4 && memcmp(text, code, 4) == 0;
}

/* Of a port 0 the running server has the number, unless the file has other
 * listeners by now. Returns false: nobody knows the port. */
static bool find_listener(const struct server_doctor *d, size_t i,
                          struct address *ret)
{
    const struct settings *s = &d->x->settings;

    *ret = s->listen[i];
    if (ret->port == 0 && d->listeners == s->listen_count &&
        address_same_host(ret, &d->listener[i]))
        ret->port = d->listener[i].port;
    return ret->port != 0;
}

static int show_certificate(const struct server_doctor *d, size_t i,
                            const struct address *at, const char *host,
                            struct tls_shown *ret, struct complaint *c)
{
    static const char auth[] = "AUTH TLS\r\n";
    FD_CLEANUP int fd = connect_client(at);

    if (fd < 0)
        return complain(c, "can't connect: %s", strerror(-fd));
    if (!settings_implicit(&d->x->settings, i) &&
        (!has_reply(fd, "220 ") ||
         fd_write_all(fd, auth, sizeof(auth) - 1) < 0 ||
         !has_reply(fd, "234 ")))
        return complain(c, "no FTP server answers AUTH TLS there");
    return tls_shown_by(fd, host, ret, c);
}

/* Is this the certificate of a file of the configuration? */
static bool is_configured(const struct settings *s, const char *fingerprint)
{
    struct settings_pair pair;
    char there[TLS_FINGERPRINT_MAX];

    for (size_t i = 0; settings_pair(s, i, &pair); i++) {
        FD_CLEANUP int fd = open(pair.certificate, O_RDONLY | O_CLOEXEC);

        if (fd >= 0 && tls_shown_in(fd, there) == 0 &&
            strcmp(there, fingerprint) == 0)
            return true;
    }
    return false;
}

static void judge_dates(struct server_doctor *d, const struct tls_shown *t)
{
    const int64_t now = time(NULL), left = t->expires - now;
    const bool soon = monitor_days(left, &monitor_usual) != LEVEL_OK;
    const long long days = left / DAY_S;
    char when[WHEN_MAX];

    when_text(t->expires, when);
    if (left <= 0)
        doctor_find(d, FINDING_BAD, "renew it, then run: sallyportctl reload",
                    "the certificate has expired on %s", when);
    else if (t->begins > now)
        doctor_find(d, FINDING_BAD, "set this machine's clock",
                    "the certificate is not valid before %s",
                    when_text(t->begins, when));
    else
        doctor_find(d, soon ? FINDING_WARNING : FINDING_GOOD,
                    soon ? "renew it, then run: sallyportctl reload" : NULL,
                    "%s; the certificate is valid for %lld day%s; SHA-256 %s",
                    t->version, days, days == 1 ? "" : "s", t->fingerprint);
}

static void judge_certificate(struct server_doctor *d,
                              const struct tls_shown *t, const char *host)
{
    judge_dates(d, t);
    if (!is_configured(&d->x->settings, t->fingerprint))
        doctor_find(d, FINDING_WARNING, "run: sallyportctl reload",
                    "no file of the configuration has this certificate");
    if (!t->fits)
        doctor_find(
            d, FINDING_WARNING, "get one for each name that clients use",
            "the certificate is not for %s (the setting address)", host);
    if (t->self_signed)
        doctor_find(d, FINDING_NOTE, NULL,
                    "it is self-signed: clients need --cacert, --trust-new or "
                    "--pin");
    else if (t->distrust)
        doctor_find(d, FINDING_WARNING,
                    "is the file without its chain? name certbot's "
                    "fullchain.pem",
                    "no CA of this system confirms it: %s", t->distrust);
}

/* Talks to the first listener that clients reach themselves as they do. The
 * others have the same certificates, and only have to answer. */
void doctor_tls(struct server_doctor *d)
{
    struct settings *s = &d->x->settings;
    const char *host = s->address.host[0] ? s->address.host : NULL;
    char where[ADDRESS_TEXT_MAX];
    bool judged = false;

    if (d->drains) {
        doctor_find(d, FINDING_NOTE, NULL, "not tried: the server drains");
        return;
    }
    settings_leave_out_ipv6(s);
    for (size_t i = 0; d->runs && i < s->listen_count; i++) {
        struct complaint c = { "" };
        struct tls_shown t;
        struct address at;

        if (settings_proxied(s, i))
            continue;
        if (!find_listener(d, i, &at)) {
            doctor_find(d, FINDING_NOTE, "run first: sallyportctl reload",
                        "%s: not tested: the server's port isn't known",
                        address_port_text(&at, where));
            continue;
        }
        if (show_certificate(d, i, &at, host, &t, &c) < 0)
            doctor_find(d, FINDING_BAD,
                        "its log has the reason: journalctl -u sallyport",
                        "%s: %s", address_port_text(&at, where), c.text);
        else if (!judged)
            judge_certificate(d, &t, host);
        judged |= c.text[0] == '\0';
    }
}

bool address_of_interface(const struct ifaddrs *one, struct address *ret)
{
    struct sockaddr_storage where = { 0 };

    if (!one->ifa_addr || (one->ifa_addr->sa_family != AF_INET &&
                           one->ifa_addr->sa_family != AF_INET6))
        return false;
    memcpy(&where, one->ifa_addr,
           one->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                               : sizeof(struct sockaddr_in6));
    return address_from_sockaddr(ret, &where) == 0;
}

static bool is_own(const struct address *a)
{
    struct ifaddrs *all = NULL;
    bool found = false;

    if (getifaddrs(&all) < 0)
        return false;
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
        struct address own;

        found = address_of_interface(one, &own) && address_same_host(&own, a);
    }
    freeifaddrs(all);
    return found;
}

/* Without the setting PASV announces one of this machine's own addresses;
 * --check gives the hint if all of them are private. */
void doctor_address(struct server_doctor *d)
{
    const struct public_address *a = &d->x->settings.address;
    char text[ADDRESS_TEXT_MAX];

    if (a->host[0])
        doctor_find(d, FINDING_NOTE, NULL,
                    "PASV announces the address of %s; the log has it",
                    a->host);
    else if (a->ip.family == 0)
        doctor_find(d, FINDING_GOOD, NULL,
                    "PASV announces the address that the client connected to");
    else if (is_own(&a->ip) && !address_is_private(&a->ip))
        doctor_find(d, FINDING_GOOD, NULL,
                    "PASV announces %s, an address of this machine",
                    address_text(&a->ip, text));
    else if (address_is_private(&a->ip))
        doctor_find(d, FINDING_WARNING,
                    "if clients come from the internet, write: address = "
                    "PUBLIC-ADDRESS",
                    "PASV announces %s, which is private%s",
                    address_text(&a->ip, text),
                    is_own(&a->ip) ? "" : " and not of this machine");
    else
        doctor_find(d, FINDING_NOTE,
                    "the router must forward the listeners and the data ports "
                    "to this machine, with the same numbers",
                    "PASV announces %s, which no interface has: NAT",
                    address_text(&a->ip, text));
}

bool ports_listed(struct slice list, unsigned first, unsigned last)
{
    for (uint64_t port = first; port <= last; port++) {
        struct slice rest = list, one, low;
        bool found = false;

        while (!found && slice_cut(&rest, ',', &one)) {
            uint64_t from, to;

            one = slice_trim(one);
            slice_cut(&one, '-', &low);
            found = slice_number(low, UINT16_MAX, &from) == 0 &&
                    slice_number(one.ptr ? one : low, UINT16_MAX, &to) == 0 &&
                    from <= port && port <= to;
        }
        if (!found)
            return false;
    }
    return true;
}

/* Reads a file of /proc/sys/net/ipv4; *text has RESERVED bytes. */
static struct slice read_ports(const char *path, char *text)
{
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, RESERVED);

    while (n > 0 && text[n - 1] == '\n')
        n--;
    return (struct slice){ text, n > 0 ? (size_t)n : 0 };
}

/* Does the kernel give one of the ports to outgoing connections? */
static bool are_given_away(const struct port_range *r)
{
    static char text[RESERVED];
    struct slice high =
        read_ports("/proc/sys/net/ipv4/ip_local_port_range", text);
    struct slice low;
    uint64_t from, to;

    slice_cut(&high, '\t', &low);
    return slice_number(slice_trim(low), UINT16_MAX, &from) == 0 && high.ptr &&
           slice_number(slice_trim(high), UINT16_MAX, &to) == 0 &&
           r->first <= to && from <= r->last &&
           !ports_listed(
               read_ports("/proc/sys/net/ipv4/ip_local_reserved_ports", text),
               r->first, r->last);
}

void doctor_ports(struct server_doctor *d)
{
    const struct port_range *r = &d->x->settings.ports;

    if (r->automatic)
        doctor_find(d, FINDING_NOTE, NULL,
                    "the kernel chooses them: no firewall can name them");
    else if (are_given_away(r))
        doctor_find(d, FINDING_WARNING,
                    "set net.ipv4.ip_local_reserved_ports to them (sysctl)",
                    "%u-%u: an outgoing connection can take one of them",
                    r->first, r->last);
    else
        doctor_find(d, FINDING_GOOD, NULL, "%u-%u", r->first, r->last);
}
