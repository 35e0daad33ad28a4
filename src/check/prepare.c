/* Prepares what master needs before it starts a process: accounts, two
 * directories, a kernel whose sandbox works. A mistake is reported with the
 * line of its setting. Runs in check, so that no lasting process of root looks
 * up names or makes files. */
#include "prepare.h"

#include <errno.h>
#include <string.h>

#include "account.h"
#include "check.h"
#include "sallyport/sandbox/sandbox.h"
#include "state.h"

struct account_row {
    const char *key, *account;
    enum process process;
};

/* "VALUE: WHY" becomes "FILE:LINE: KEY = VALUE: WHY". */
static int prepare_refuse(const struct check *k, const char *key, int r,
                          struct prepared *p)
{
    if (r == -EINVAL)
        settings_place(&k->settings, key, &p->why);
    return r;
}

static int account_in_range(const struct settings *s, const char *key,
                            uid_t uid, struct complaint *c)
{
    if (uid < s->uid_first || uid > s->uid_last)
        return 0;
    return settings_blame(s, key, c,
                          "uid %lu is within uid_first to uid_last, the users' "
                          "range",
                          (unsigned long)uid);
}

/* Against the users, and the accounts of the rows before it. */
static int account_apart(const struct settings *s, struct prepared *p,
                         const struct account_row *rows, size_t at)
{
    uid_t uid = p->identity[rows[at].process].uid;

    for (size_t i = 0; i < at; i++)
        if (p->identity[rows[i].process].uid == uid)
            return settings_blame(s, rows[at].key, &p->why,
                                  "must not be the account of %s", rows[i].key);
    return account_in_range(s, rows[at].key, uid, &p->why);
}

int prepare_accounts(const struct check *k, struct prepared *p)
{
    const struct settings *s = &k->settings;
    const struct account_row rows[] = {
        { "uid.gate", s->uid_gate, PROCESS_GATE },
        { "uid.auth", s->uid_auth, PROCESS_AUTH },
        { "uid.keys", s->uid_keys, PROCESS_KEYS },
        { "uid.log", s->uid_log, PROCESS_LOG },
        { "uid.lookup", s->uid_lookup, PROCESS_LOOKUP },
    };
    /* The last one needn't be there where it isn't needed. */
    const size_t n =
        sizeof(rows) / sizeof(rows[0]) - (settings_have_hosts(s) ? 0 : 1);

    for (size_t i = 0; i < n && k->root; i++) {
        struct identity *id = &p->identity[rows[i].process];
        int r = account_find(rows[i].account, id, &p->why);

        if (r < 0)
            return prepare_refuse(k, rows[i].key, r, p);
        if (account_apart(s, p, rows, i) < 0)
            return -EINVAL;
    }
    return 0;
}

int prepare_empty(const struct check *k, struct prepared *p)
{
    int r = account_empty_folder(k->settings.empty, p->make, &p->why);

    return prepare_refuse(k, "empty", r, p);
}

int prepare_key(const struct check *k, struct prepared *p)
{
    uint8_t key[STATE_KEY];
    int r;

    memcpy(key, p->key, sizeof(key));
    r = state_key(k->settings.state, p->make, key, &p->why);
    if (r == 0 && p->inherited && memcmp(key, p->key, sizeof(key)) != 0) {
        complain(&p->why, "%s: has another key than the one in use",
                 k->settings.state);
        r = -EACCES;
    }
    if (r == 0)
        memcpy(p->key, key, sizeof(key));
    explicit_bzero(key, sizeof(key));
    return prepare_refuse(k, "state", r, p);
}

/* Master's filter too: it loads it when the others have started already. */
int prepare_sandbox(const struct check *k, struct prepared *p)
{
    const struct sandbox_filter *own[] = {
        k->settings.active ? &filter_master_active : &filter_master, NULL
    };
    const struct sandbox_filter *files[] = { own[0], &filter_files, NULL };
    unsigned weaker = k->settings.allow_weaker;
    int r = weaker & SANDBOX_LANDLOCK ? 0 : sandbox_landlock_test(&p->why);

    if (r < 0 || weaker & SANDBOX_SECCOMP)
        return r;
    r = sandbox_try_filters(PROCESS_MASTER, own, &p->why);
    return r < 0 ? r : sandbox_try_filters(PROCESS_FILES, files, &p->why);
}
