/* Settings that an administrator has probably forgotten, although the
 * configuration is correct. Runs in check. */
#include "check.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/idmap.h"

bool hint_ranges(const struct settings *s)
{
    return s->uid_first <= s->gid_last && s->gid_first <= s->uid_last;
}

static void check_range(const struct look *l, const char *map,
                        const char *first, const char *last, uint64_t from,
                        uint64_t to, const char *instead)
{
    struct complaint c = { "" };
    uint64_t there;

    if (idmap_has(map, from, to, &there))
        return;
    settings_blame(&l->check->settings, last, &c,
                   "this container has no id %llu (%s); set %s, such as %s",
                   (unsigned long long)there + 1, map, first, instead);
    l->report(l->owner, c.text);
}

void check_ids(const struct look *l)
{
    const struct settings *s = &l->check->settings;

    if (!l->check->root)
        return;
    check_range(l, IDMAP_UIDS, "uid_first and uid_last", "uid_last",
                s->uid_first, s->uid_last, "20000 and 29999");
    check_range(l, IDMAP_GIDS, "gid_first and gid_last", "gid_last",
                s->gid_first, s->gid_last, "30000 and 39999");
}

/* A server behind NAT can announce its private address in PASV: then clients
 * log in, but no transfer works. The hint has only one line, since the
 * administrator may want to announce a private address. */

/* Returns true if a listener accepts connections at OWN, so that PASV would
 * announce OWN. Clients of a proxy get the proxy's address. */
static bool is_listened_on(const struct settings *s, const struct address *own)
{
    for (size_t i = 0; i < s->listen_count; i++)
        if (s->listen[i].address.family == own->family &&
            !(s->listen[i].proxied && s->ports.proxy) &&
            (address_is_any(&s->listen[i].address) ||
             address_same_host(&s->listen[i].address, own)))
            return true;
    return false;
}

const struct address *hint_private(const struct settings *s,
                                   const struct address *own, size_t n)
{
    const struct address *found = NULL;

    /* PASV has IPv4 addresses only. */
    if (s->address.family == 4)
        return NULL;
    for (size_t i = 0; i < s->announced_count; i++)
        if (s->announced[i].network.address.family == 4 &&
            s->announced[i].network.bits == 0)
            return NULL;
    for (size_t i = 0; i < n; i++) {
        if (own[i].family != 4 || address_is_loopback(&own[i]) ||
            !is_listened_on(s, &own[i]))
            continue;
        if (!address_is_private(&own[i]))
            return NULL;
        if (!found)
            found = &own[i];
    }
    return found;
}

/* Uses ioctl(2), since systemd's RestrictAddressFamilies= permits no
 * netlink. */
size_t hint_own_addresses(struct address own[HINT_OWN_MAX])
{
    struct ifreq rows[HINT_OWN_MAX];
    struct ifconf all = { .ifc_len = sizeof(rows), .ifc_req = rows };
    FD_CLEANUP int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    size_t n = 0;

    if (fd < 0 || ioctl(fd, SIOCGIFCONF, &all) < 0)
        return 0;
    for (size_t i = 0; i < (size_t)all.ifc_len / sizeof(rows[0]); i++) {
        struct sockaddr_storage where = { 0 };

        memcpy(&where, &rows[i].ifr_addr, sizeof(rows[i].ifr_addr));
        n += address_from_sockaddr(&own[n], &where) == 0;
    }
    return n;
}

void hint_system(void)
{
    struct timex t = { .modes = 0 };

    if (adjtimex(&t) >= 0 && t.status & STA_UNSYNC)
        stderr_print("hint: nothing synchronizes the clock; one-time codes, "
                     "expiry and the log depend on it; install chrony or "
                     "systemd-timesyncd (in a container: on its host)");
}

void hint_print(const struct settings *s, const struct address *own, size_t n)
{
    const struct address *found = hint_private(s, own, n);
    char text[ADDRESS_TEXT_MAX];

    if (hint_ranges(s))
        stderr_print(
            "hint: uids %llu-%llu (uid_first, uid_last) and gids %llu-%llu of "
            "shares (gid_first, gid_last) overlap, so that a user's own group "
            "and a share's could be the same: make the ranges different",
            (unsigned long long)s->uid_first, (unsigned long long)s->uid_last,
            (unsigned long long)s->gid_first, (unsigned long long)s->gid_last);
    if (found)
        stderr_print(
            "hint: PASV tells clients %s, which is private; if clients come "
            "from the internet, write: address = PUBLIC-ADDRESS",
            address_text(found, text));
}
