/* Prepares what master needs before it starts a process: accounts, the
 * directory `empty`, a kernel whose sandbox works. A mistake is reported with
 * the line of its setting. Runs in check, so that no lasting process of root
 * looks up names (/etc/passwd and beyond, NSS) or makes files. It never touches
 * what a user made. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"
#include "sallyport/settings/prepared.h"
#include "sallyport/settings/settings.h"

/* A number is both uid and gid: for a trial that makes no accounts. */
int account_find(const char *account, struct identity *ret, struct complaint *c)
{
    struct identity id;
    uint64_t number;

    if (slice_number(slice_from(account), UINT32_MAX - 1, &number) == 0) {
        id = (struct identity){ (uid_t)number, (gid_t)number };
    } else {
        const struct passwd *entry = getpwnam(account);

        if (!entry)
            return complain(c,
                            "%s: there is no account of this name; run: "
                            "systemd-sysusers",
                            account);
        id = (struct identity){ entry->pw_uid, entry->pw_gid };
    }
    if (id.uid == 0 || id.gid == 0)
        return complain(c, "%s: is root's", account);
    if (id.uid >= SETTINGS_RESERVED_FIRST && id.uid <= SETTINGS_RESERVED_LAST)
        return complain(c,
                        "%s: 65533 to 65535 are reserved (reader, nobody); "
                        "choose another",
                        account);
    *ret = id;
    return 0;
}

int account_find_group(const char *name, gid_t *ret, struct complaint *c)
{
    const struct group *entry;
    uint64_t number;

    if (slice_number(slice_from(name), UINT32_MAX - 1, &number) == 0) {
        *ret = (gid_t)number;
        return 0;
    }
    entry = getgrnam(name);
    if (!entry || entry->gr_gid == 0)
        return complain(c, "%s: %s", name,
                        entry ? "is root's"
                              : "there is no group of this name; run: "
                                "groupadd --system");
    *ret = entry->gr_gid;
    return 0;
}

static int directory_make(const char *path, struct complaint *c)
{
    char part[SETTINGS_PATH_MAX];
    size_t len = strlen(path);

    if (path[0] != '/' || len >= sizeof(part))
        return complain(c, "%s: not an absolute path", path);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return complain(c, "%s: %s: %s", path, part, strerror(errno));
    }
    return 0;
}

static int directory_check_empty(int fd, const char *path, struct complaint *c)
{
    int r = sandbox_check_empty(fd);

    if (r == 0)
        return 0;
    if (r == -EPERM)
        return complain(c,
                        "%s: must be root's and writable by nobody else; run: "
                        "chown 0:0 %s; chmod 0755 %s",
                        path, path, path);
    return complain(c, "%s: %s", path,
                    r == -ENOTEMPTY ? "is not empty" : strerror(-r));
}

/* The kernel says ENOTDIR of a symbolic link, too. */
static int directory_not_opened(const char *path, int error,
                                struct complaint *c)
{
    struct stat s;

    if (error == ENOTDIR && lstat(path, &s) == 0 && S_ISLNK(s.st_mode))
        return complain(c,
                        "%s: is a symbolic link; name the directory that it "
                        "leads to",
                        path);
    return complain(c, "%s: %s", path, strerror(error));
}

int account_empty_directory(const char *path, bool make, struct complaint *c)
{
    mode_t old = umask(022);
    int r = make ? directory_make(path, c) : 0;
    FD_CLEANUP int fd = -1;

    umask(old);
    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT && !make)
        return -ENOENT;
    if (fd < 0)
        return directory_not_opened(path, errno, c);
    return directory_check_empty(fd, path, c);
}

struct account_row {
    const char *key, *account;
    enum process process;
};

int part_refuse(const struct check *k, const char *key, int r,
                struct complaint *c)
{
    if (r == -EINVAL)
        settings_place(&k->settings, key, c);
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
static int account_apart(const struct settings *s, const struct prepared *p,
                         const struct account_row *rows, size_t at,
                         struct complaint *c)
{
    uid_t uid = p->identity[rows[at].process].uid;

    for (size_t i = 0; i < at; i++)
        if (p->identity[rows[i].process].uid == uid)
            return settings_blame(s, rows[at].key, c,
                                  "must not be the account of %s", rows[i].key);
    return account_in_range(s, rows[at].key, uid, c);
}

static bool account_is_missing(const char *account)
{
    uint64_t number;

    return slice_number(slice_from(account), UINT32_MAX - 1, &number) != 0 &&
           !getpwnam(account);
}

/* If row AT's account is missing, adds the missing ones of the rows after it.
 */
static void account_add_missing(const struct account_row *rows, size_t at,
                                size_t count, struct complaint *c)
{
    const char *between = "; nor one of the names ";

    for (size_t i = account_is_missing(rows[at].account) ? at + 1 : count;
         i < count; i++) {
        const size_t len = strlen(c->text);

        if (!account_is_missing(rows[i].account))
            continue;
        snprintf(c->text + len, sizeof(c->text) - len, "%s%s", between,
                 rows[i].account);
        between = ", ";
    }
}

int part_accounts(const struct check *k, struct prepared *p,
                  struct complaint *c)
{
    const struct settings *s = &k->settings;
    const struct account_row rows[] = {
        { "uid.gate", s->uid_gate, PROCESS_GATE },
        { "uid.auth", s->uid_auth, PROCESS_AUTH },
        { "uid.keys", s->uid_keys, PROCESS_KEYS },
        { "uid.log", s->uid_log, PROCESS_LOG },
    };
    const size_t count = sizeof(rows) / sizeof(rows[0]);

    for (size_t i = 0; i < count && k->root; i++) {
        struct identity *id = &p->identity[rows[i].process];
        int r = account_find(rows[i].account, id, c);

        if (r < 0) {
            account_add_missing(rows, i, count, c);
            return part_refuse(k, rows[i].key, r, c);
        }
        if (account_apart(s, p, rows, i, c) < 0)
            return -EINVAL;
    }
    if (s->control_group[0] == '\0')
        return 0;
    return part_refuse(k, "control_group",
                       account_find_group(s->control_group,
                                          &p->identity[IDENTITY_CONTROL].gid,
                                          c),
                       c);
}

int part_empty(const struct check *k, struct prepared *p, struct complaint *c)
{
    int r = account_empty_directory(k->settings.empty, p->make, c);

    return part_refuse(k, "empty", r, c);
}

/* Master's filter too: it loads it when the others have started already. */
int part_sandbox(const struct check *k, struct prepared *p, struct complaint *c)
{
    const struct sandbox_filter *own[] = {
        k->settings.active ? &filter_master_active : &filter_master, NULL
    };
    const struct sandbox_filter *files[] = { own[0], &filter_files, NULL };
    unsigned weaker = k->settings.allow_weaker;
    int r = weaker & SANDBOX_LANDLOCK ? 0 : sandbox_landlock_test(c);

    (void)p;
    if (r < 0 || weaker & SANDBOX_SECCOMP)
        return r;
    r = sandbox_try_filters(PROCESS_MASTER, own, c);
    return r < 0 ? r : sandbox_try_filters(PROCESS_FILES, files, c);
}
