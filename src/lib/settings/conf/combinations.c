/* Finds settings that are right one by one, but wrong together. Runs in each
 * process that reads the configuration. Changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kinds.h"
#include "sallyport/domain/tls.h"

static int check_range(const struct settings *s, const char *first_key,
                       const char *last_key, uint64_t first, uint64_t last,
                       struct complaint *c)
{
    if (first > last)
        return settings_blame(s,
                              settings_line(s, last_key) ? last_key : first_key,
                              c, "%s is above %s", first_key, last_key);
    if (first <= SETTINGS_RESERVED_LAST && last >= SETTINGS_RESERVED_FIRST)
        return settings_blame(
            s, first_key, c,
            "the range holds 65533 to 65535 (reader, nobody); choose another");
    return 0;
}

static int check_uid_range(const struct settings *s, struct complaint *c)
{
    return check_range(s, "uid_first", "uid_last", s->uid_first, s->uid_last,
                       c);
}

static int check_gid_range(const struct settings *s, struct complaint *c)
{
    return check_range(s, "gid_first", "gid_last", s->gid_first, s->gid_last,
                       c);
}

/* Checks the ids of accounts. A user could kill or trace a process that has the
 * user's uid; a process with a share's gid could enter the share. */
static int check_accounts(const struct settings *s, struct complaint *c)
{
    const uint64_t first = s->accounts, last = first + SETTINGS_ACCOUNTS - 1;
    const struct {
        uint64_t first, last;
        const char *words;
    } taken[] = {
        { s->uid_first, s->uid_last,
          "uid_first to uid_last, the users' range" },
        { s->gid_first, s->gid_last,
          "gid_first to gid_last, the shares' range" },
    };

    if (first == 0)
        return 0;
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
        if (first <= taken[i].last && last >= taken[i].first)
            return settings_blame(s, "accounts", c,
                                  "%llu to %llu reach into %s",
                                  (unsigned long long)first,
                                  (unsigned long long)last, taken[i].words);
    return check_range(s, "accounts", "accounts", first, last, c);
}

/* Refuses two listeners that overlap: the second could never listen. Port 0 is
 * any free port. */
static int check_listeners(const struct settings *s, struct complaint *c)
{
    char one[ADDRESS_TEXT_MAX], other[ADDRESS_TEXT_MAX];

    for (size_t i = 0; i < s->listen_count; i++)
        for (size_t j = 0; j < s->listen_count; j++) {
            const struct address *a = &s->listen[i].address,
                                 *b = &s->listen[j].address;

            if (i == j || a->port == 0 || a->port != b->port ||
                a->family != b->family ||
                (!address_is_any(b) && !address_same_host(b, a)))
                continue;
            return settings_blame(
                s, "listen", c, "%s and %s overlap; remove one",
                address_port_text(a, one), address_port_text(b, other));
        }
    return 0;
}

/* Refuses a control listener on a passive port. */
static int check_ports(const struct settings *s, struct complaint *c)
{
    for (size_t i = 0; i < s->listen_count; i++)
        if (!s->ports.automatic &&
            s->listen[i].address.port >= s->ports.first &&
            s->listen[i].address.port <= s->ports.last)
            return settings_blame(s, "ports", c, "holds a port of listen");
    return 0;
}

/* Checks that the word "proxy" in `listen` and `ports` agrees with `proxies`.
 * If the configuration names no proxies, any client could write a PROXY header.
 * If the word is missing, the administrator should see that before the first
 * client comes. */
static int check_proxies(const struct settings *s, struct complaint *c)
{
    bool proxied = false;

    for (size_t i = 0; i < s->listen_count; i++)
        proxied = proxied || s->listen[i].proxied;
    if (proxied && s->proxies.count == 0)
        return settings_blame(s, "listen", c,
                              "proxy: name the proxies' addresses too, such "
                              "as: proxies = 10.0.0.5");
    if (proxied)
        return 0;
    if (s->ports.proxy)
        return settings_blame(s, "ports", c,
                              "proxy: no address of listen has that word");
    if (s->proxies.count > 0)
        return settings_blame(s, "proxies", c,
                              "no address of listen has the word proxy");
    return 0;
}

/* Refuses client certificates without a CA: no certificate would be valid. */
static int check_clients(const struct settings *s, struct complaint *c)
{
    if (s->client_certificates != CLIENTS_OFF && !s->client_ca[0])
        return settings_blame(s, "client_certificates", c,
                              "name the file of the CA too, such as: "
                              "client_ca = /etc/sallyport/tls/client-ca.pem");
    return 0;
}

/* Checks that every row of A has its partner in B. */
static int have_partners(const struct settings *s, const char *key,
                         const struct labelled_list *a, const char *other,
                         const struct labelled_list *b, struct complaint *c)
{
    for (size_t i = 0; i < a->count; i++) {
        char why[SETTINGS_NAME_MAX + 64];

        if (settings_find_label(b, a->all[i].label))
            continue;
        snprintf(why, sizeof(why), "there is no %s%s", other, a->all[i].label);
        return settings_blame_labelled(s, key, &a->all[i], c, why);
    }
    return 0;
}

/* Checks that each certificate has its key, and each key its certificate. */
static int check_labelled(const struct settings *s, struct complaint *c)
{
    int r =
        have_partners(s, "certificate.", &s->certificates, "key.", &s->keys, c);

    return r != 0 ? r
                  : have_partners(s, "key.", &s->keys, "certificate.",
                                  &s->certificates, c);
}

static int (*const checks[])(const struct settings *, struct complaint *) = {
    check_uid_range, check_gid_range, check_accounts, check_listeners,
    check_ports,     check_proxies,   check_labelled, check_clients,
};
#define CHECKS (sizeof(checks) / sizeof(checks[0]))

int conf_check(const struct settings *s, conf_report *report,
               struct complaint *c)
{
    int r = 0;

    for (size_t i = 0; i < CHECKS; i++) {
        struct complaint one = { .text = "" };

        if (checks[i](s, &one))
            r = conf_mistake(one.text, report, c);
    }
    return r;
}
