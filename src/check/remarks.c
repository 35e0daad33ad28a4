/* What an administrator should know of a configuration that is correct: the
 * promises that it weakens, and a setting that was probably forgotten. Runs in
 * check. */
#include "check.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/choices.h"

/* A line at each start. It must leave out no weaker setting: somebody may have
 * talked the administrator into it. */

static void phrase(struct buf *into, const char *text)
{
    if (into->len > 0)
        buf_add_text(into, "; ");
    buf_add_text(into, text);
}

/* Counts the users whose uploads may end without a close_notify, by the setting
 * or by their own row. */
static size_t lenient_users(const struct check *k)
{
    const struct users *u = &k->users;
    size_t n = 0;

    for (size_t i = 0; i < u->count; i++)
        n += user_choice(&u->row[i], CHOICE_UPLOAD_EOF,
                         k->settings.upload_eof) == UPLOAD_EOF_LENIENT;
    return n;
}

/* Names the users whose data connections prove nothing but their address. */
static void weaker_binding(const struct check *k, struct buf *into)
{
    const struct users *u = &k->users;
    size_t n = 0;

    for (size_t i = 0; i < u->count; i++)
        n += u->row[i].choice[CHOICE_BINDING] == BINDING_ADDRESS + 1;
    if (k->settings.data_binding == BINDING_ADDRESS)
        phrase(into, "data_binding = address: a data connection proves nothing "
                     "but its address");
    else if (n > 0) {
        phrase(into, "data_binding=address for ");
        buf_add_format(into,
                       "%zu user%s, whose data connections prove "
                       "nothing but their address",
                       n, n == 1 ? "" : "s");
    }
}

void weaker_text(const struct check *k, struct buf *into)
{
    if (!k->root)
        phrase(into, "not run by root: all processes have the same uid and no "
                     "empty root directory");
    for (size_t i = 0; i < SANDBOX_PARTS; i++)
        if (k->settings.allow_weaker & sandbox_parts[i].part) {
            phrase(into, "allow_weaker excuses ");
            buf_add_text(into, sandbox_parts[i].word);
        }
    if (!k->settings.fsync)
        phrase(into, "fsync = no: 226 does not mean durable");
    if (k->settings.upload_eof == UPLOAD_EOF_LENIENT || lenient_users(k) > 0)
        phrase(into, "upload_eof = lenient: an upload that was cut on its way "
                     "can't be distinguished from a complete one");
    if (k->settings.active)
        phrase(into, "active = yes: gate can make connections");
    if (k->settings.resume && k->key_lost[0]) {
        phrase(into, "unfinished uploads can't be resumed after a restart: ");
        buf_add_text(into, k->key_lost);
    }
    weaker_binding(k, into);
}

bool hint_ranges(const struct settings *s)
{
    return s->uid_first <= s->gid_last && s->gid_first <= s->uid_last;
}

/* A server behind NAT whose PASV announces a private address: clients log in,
 * and no transfer works. It prints one line only, since the administrator may
 * want just that. */

/* PASV has IPv4 addresses only. names.c looks at those of host names. */
static bool is_settled(const struct settings *s)
{
    if (s->address.ip.family == 4 || s->address.host[0])
        return true;
    for (size_t i = 0; i < s->announced_count; i++)
        if (s->announced[i].network.address.family == 4 &&
            s->announced[i].network.bits == 0)
            return true;
    return false;
}

/* Does a client that connects to this address of ours reach a listener, so that
 * PASV would announce it? Clients of a proxy get the proxy's address. */
static bool is_listened_on(const struct settings *s, const struct address *own)
{
    for (size_t i = 0; i < s->listen_count; i++)
        if (s->listen[i].family == own->family &&
            !(s->listen_proxy[i] && s->ports.proxy) &&
            (address_is_any(&s->listen[i]) ||
             address_same_host(&s->listen[i], own)))
            return true;
    return false;
}

const struct address *hint_private(const struct settings *s,
                                   const struct address *own, size_t n)
{
    const struct address *found = NULL;

    if (is_settled(s))
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

/* Asked by ioctl: systemd's RestrictAddressFamilies= leaves no netlink. */
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
