/* Settings that are right one by one and wrong together.
 * Runs wherever the configuration is read; changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "kinds.h"

#define NOBODY 65534 /* and 65535, the old (uid_t)-1 */

struct check {
    const struct settings *settings;
    const char *name;
    const size_t *lines;
    struct complaint *complaint;
};

/* "FILE:LINE: KEY: …", or without LINE when KEY has its default. */
static int wrong(const struct check *k, const char *key, const char *what)
{
    size_t line = k->lines[setting_find(slice_from(key)) - setting_table];

    if (line == 0)
        return complain(k->complaint, "%s: %s: %s", k->name, key, what);
    return complain(k->complaint, "%s:%zu: %s: %s", k->name, line, key, what);
}

static int check_uid_range(const struct check *k)
{
    const struct settings *s = k->settings;

    if (s->uid_first > s->uid_last)
        return wrong(k,
                     k->lines[setting_find(SLICE("uid_last")) - setting_table]
                         ? "uid_last"
                         : "uid_first",
                     "uid_first is above uid_last");
    if (s->uid_first <= NOBODY + 1 && s->uid_last >= NOBODY)
        return wrong(k, "uid_first",
                     "the range holds 65534 or 65535 (nobody); choose another");
    return 0;
}

/* A process whose uid is a user's could be killed or traced by that user. */
static int check_account(const struct check *k, const char *key,
                         const char *account)
{
    uint64_t uid;

    if (slice_number(slice_from(account), UINT32_MAX, &uid))
        return 0;
    if (uid < k->settings->uid_first || uid > k->settings->uid_last)
        return 0;
    return wrong(k, key, "is within uid_first to uid_last, the users' range");
}

static int check_accounts(const struct check *k)
{
    const struct settings *s = k->settings;

    if (check_account(k, "uid.gate", s->uid_gate) ||
        check_account(k, "uid.auth", s->uid_auth) ||
        check_account(k, "uid.log", s->uid_log))
        return -EINVAL;
    if (!strcmp(s->uid_gate, s->uid_auth))
        return wrong(k, "uid.auth", "must differ from uid.gate");
    if (!strcmp(s->uid_gate, s->uid_log) || !strcmp(s->uid_auth, s->uid_log))
        return wrong(k, "uid.log", "must differ from uid.gate and uid.auth");
    return 0;
}

/* A control listener would take a passive port away. */
static int check_ports(const struct check *k)
{
    const struct settings *s = k->settings;

    if (s->ports.automatic)
        return 0;
    for (size_t i = 0; i < s->listen_count; i++)
        if (s->listen[i].port >= s->ports.first &&
            s->listen[i].port <= s->ports.last)
            return wrong(k, "ports", "holds a port of listen");
    return 0;
}

static size_t ports_wanted(const struct settings *s)
{
    if (s->ports.automatic)
        return s->ports.automatic;
    return (size_t)(s->ports.last - s->ports.first) + 1;
}

/* What the busiest process (master: channels of session and files, their
 * pidfds; gate: a passive socket for each address listened on) may hold. */
static int check_descriptors(const struct check *k)
{
    const struct settings *s = k->settings;
    rlim_t need =
        64 + 4 * s->max_sessions + (ports_wanted(s) + 1) * s->listen_count;
    struct rlimit limit;
    char what[128];

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max == RLIM_INFINITY ||
        need <= limit.rlim_max)
        return 0;
    snprintf(what, sizeof(what),
             "with ports and listen needs %llu open files, the limit is %llu "
             "(LimitNOFILE=, ulimit -Hn)",
             (unsigned long long)need, (unsigned long long)limit.rlim_max);
    return wrong(k, "max_sessions", what);
}

int settings_check(const struct settings *s, const char *name,
                   const size_t lines[SETTING_ROWS_MAX], struct complaint *c)
{
    static int (*const checks[])(const struct check *) = {
        check_uid_range, check_accounts, check_ports, check_descriptors
    };
    struct check k = {
        .settings = s, .name = name, .lines = lines, .complaint = c
    };

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        if (checks[i](&k))
            return -EINVAL;
    return 0;
}
