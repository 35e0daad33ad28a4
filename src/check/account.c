/* See account.h. Runs in check, since names are looked up in /etc/passwd and
 * beyond (NSS). */
#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
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
    *ret = id;
    return 0;
}

static int folder_make(const char *path, struct complaint *c)
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

static int folder_check_empty(int fd, const char *path, struct complaint *c)
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
static int folder_not_opened(const char *path, int error, struct complaint *c)
{
    struct stat s;

    if (error == ENOTDIR && lstat(path, &s) == 0 && S_ISLNK(s.st_mode))
        return complain(c,
                        "%s: is a symbolic link; name the directory that it "
                        "leads to",
                        path);
    return complain(c, "%s: %s", path, strerror(error));
}

int account_empty_folder(const char *path, bool make, struct complaint *c)
{
    mode_t old = umask(022);
    int r = make ? folder_make(path, c) : 0;
    FD_CLEANUP int fd = -1;

    umask(old);
    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT && !make)
        return -ENOENT;
    if (fd < 0)
        return folder_not_opened(path, errno, c);
    return folder_check_empty(fd, path, c);
}
