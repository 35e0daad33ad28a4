/* Prepares what master needs before it starts a process: accounts, the
 * directory `empty`, a kernel with a working sandbox. Reports a mistake with
 * the line of the setting. Runs in check, so that no lasting process of root
 * looks up names (/etc/passwd and beyond, NSS) or makes files. Never touches a
 * file that a user made. */
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
#include "sallyport/base/idmap.h"
#include "sallyport/sandbox/sandbox.h"
#include "sallyport/settings/prepared.h"
#include "sallyport/settings/settings.h"

int account_find(const char *name, struct account_ids *ret, struct complaint *c)
{
    const struct passwd *entry = getpwnam(name);

    if (!entry)
        return -ENOENT;
    if (entry->pw_uid == 0 || entry->pw_gid == 0)
        return complain(c, "the account %s is root's", name);
    if (entry->pw_uid >= SETTINGS_RESERVED_FIRST &&
        entry->pw_uid <= SETTINGS_RESERVED_LAST)
        return complain(c,
                        "the account %s has uid %lu; 65533 to 65535 are "
                        "reserved (reader, nobody)",
                        name, (unsigned long)entry->pw_uid);
    *ret = (struct account_ids){ entry->pw_uid, entry->pw_gid };
    return 0;
}

/* Finds a group, by name or number, that isn't root's. Returns 0, or -EINVAL
 * with the complaint "GROUP: WHY". */
static int account_find_group(const char *name, gid_t *ret, struct complaint *c)
{
    const struct group *entry;
    uint64_t number;

    if (slice_number(slice_from(name), UINT32_MAX - 1, &number) == 0) {
        *ret = (gid_t)number;
        return 0;
    }
    entry = getgrnam(name);
    if (!entry || entry->gr_gid == 0)
        return entry ? complain(c, "%s: is root's", name)
                     : complain(c,
                                "%s: there is no group of this name; run: "
                                "groupadd --system %s",
                                name, name);
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
    if (fd < 0) {
        /* The kernel says ENOTDIR of a symbolic link, too. */
        struct stat s;

        if (errno == ENOTDIR && lstat(path, &s) == 0 && S_ISLNK(s.st_mode))
            return complain(
                c,
                "%s: is a symbolic link; name the directory that it "
                "leads to",
                path);
        return complain(c, "%s: %s", path, strerror(errno));
    }
    return directory_check_empty(fd, path, c);
}

int part_refuse(const struct check *k, const char *key, int r,
                struct complaint *c)
{
    if (r == -EINVAL)
        settings_place(&k->settings, key, c);
    return r;
}

/* The accounts, in the order of the numbers that begin at the setting
 * `accounts`. */
static const struct {
    const char *name;
    enum process process;
} accounts[SETTINGS_ACCOUNTS] = {
    { "_sallyport-gate", PROCESS_GATE },
    { "_sallyport-auth", PROCESS_AUTH },
    { "_sallyport-log", PROCESS_LOG },
    { "_sallyport-keys", PROCESS_KEYS },
};

/* Checks account AT against the users and the accounts before it, so that no
 * process can trace or end another process. */
static int account_apart(const struct settings *s, const struct prepared *p,
                         size_t at, struct complaint *c)
{
    const uid_t uid = p->account[accounts[at].process].uid;
    uint64_t there;

    for (size_t i = 0; i < at; i++)
        if (p->account[accounts[i].process].uid == uid)
            return complain(c, "the accounts %s and %s have one uid",
                            accounts[i].name, accounts[at].name);
    if (!idmap_has(IDMAP_UIDS, uid, uid, &there))
        return complain(c,
                        "the account %s has uid %lu, which this container "
                        "doesn't have (" IDMAP_UIDS "); choose a lower number",
                        accounts[at].name, (unsigned long)uid);
    if (uid < s->uid_first || uid > s->uid_last)
        return 0;
    return complain(c,
                    "the account %s has uid %lu, which is within uid_first to "
                    "uid_last, the users' range",
                    accounts[at].name, (unsigned long)uid);
}

static int accounts_by_name(const struct settings *s, struct prepared *p,
                            struct complaint *c)
{
    char missing[COMPLAINT_MAX / 2] = "";

    for (size_t i = 0; i < SETTINGS_ACCOUNTS; i++) {
        const size_t len = strlen(missing);
        int r =
            account_find(accounts[i].name, &p->account[accounts[i].process], c);

        if (r == -ENOENT)
            snprintf(missing + len, sizeof(missing) - len, "%s%s",
                     len > 0 ? ", " : "", accounts[i].name);
        else if (r < 0 || account_apart(s, p, i, c) < 0)
            return -EINVAL;
    }
    return missing[0] == '\0'
               ? 0
               : complain(c,
                          "no account %s; for a trial without accounts set: "
                          "accounts = 69990; else run: systemd-sysusers",
                          missing);
}

int part_accounts(const struct check *k, struct prepared *p,
                  struct complaint *c)
{
    const struct settings *s = &k->settings;

    if (k->root && s->accounts > 0) {
        for (size_t i = 0; i < SETTINGS_ACCOUNTS; i++)
            p->account[accounts[i].process] =
                (struct account_ids){ (uid_t)(s->accounts + i),
                                      (gid_t)(s->accounts + i) };
    } else if (k->root && accounts_by_name(s, p, c) < 0)
        return -EINVAL;
    if (s->control_group[0] == '\0')
        return 0;
    return part_refuse(k, "control_group",
                       account_find_group(s->control_group,
                                          &p->account[ACCOUNT_CONTROL].gid, c),
                       c);
}

int part_empty(const struct check *k, struct prepared *p, struct complaint *c)
{
    int r = account_empty_directory(k->settings.empty, p->make, c);

    return part_refuse(k, "empty", r, c);
}

/* Also tries master's own filter, since master loads it when its children have
 * started already. */
int part_sandbox(const struct check *k, struct prepared *p, struct complaint *c)
{
    const struct sandbox_filter *own[] = { &filter_master, NULL };
    const struct sandbox_filter *files[] = { own[0], &filter_files, NULL };
    unsigned weaker = k->settings.allow_weaker;
    int r = weaker & SANDBOX_LANDLOCK ? 0 : sandbox_landlock_test(c);

    (void)p;
    if (r < 0 || weaker & SANDBOX_SECCOMP)
        return r;
    r = sandbox_try_filters(PROCESS_MASTER, own, c);
    return r < 0 ? r : sandbox_try_filters(PROCESS_FILES, files, c);
}
