/* Profiles, and private files: passwords, netrc, profiles and known hosts. The
 * checks look at the open file, since somebody could give its name to another
 * file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "options.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/slice.h"

/* Private files. */

/* Has root put this open file where Docker and Podman (0444) or systemd (0440
 * with an ACL) put a service's secrets? The caller can't change its mode, and
 * root alone decides who reads these directories. */
static bool private_is_given(int fd, const struct stat *st)
{
    static const char *const places[] = { "/run/secrets/",
                                          "/run/credentials/" };
    char link[32], path[PATH_MAX];

    if (st->st_uid != 0)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len < 0)
        return false;
    path[len] = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (strncmp(path, places[i], strlen(places[i])) == 0)
            return true;
    return false;
}

static int private_judge(int fd, const char *path, bool secret,
                         struct failure *why)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return fail_errno(why, errno, path);
    if (!S_ISREG(st.st_mode))
        return fail(why, EX_NOINPUT, "%s: not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return fail(why, EX_NOPERM, "%s: belongs to another user", path);
    /* If root owns the file, its group may read it: root has chosen this group
     * (Kubernetes). */
    mode_t others = st.st_uid == 0 ? 027 : 077;
    if (secret && st.st_mode & others && !private_is_given(fd, &st))
        return fail(why, EX_NOPERM, "%s: others can read it; run: chmod 600 %s",
                    path, path);
    if (st.st_mode & 022)
        return fail(why, EX_NOPERM,
                    "%s: others can change it; run: chmod go-w %s", path, path);
    return 0;
}

int private_read(const char *path, bool secret, bool must, struct buf *into,
                 struct failure *why)
{
    FD_CLEANUP int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && errno == ENOENT)
        return must ? fail(why, EX_NOINPUT, "%s: no such file", path) : 1;
    if (fd < 0)
        return fail_errno(why, errno, path);
    if (private_judge(fd, path, secret, why) < 0)
        return -1;
    int r = fd_read_file(fd, into);
    if (r == -EFBIG)
        return fail(why, EX_DATAERR, "%s: too large", path);
    if (r < 0)
        return fail_errno(why, -r, path);
    if (into->len >= 2 && (memcmp(into->data, "\xff\xfe", 2) == 0 ||
                           memcmp(into->data, "\xfe\xff", 2) == 0))
        return fail(why, EX_DATAERR, "%s: is UTF-16; save it as UTF-8", path);
    buf_consume(into, text_mark(into->data, into->len));
    return 0;
}

size_t text_mark(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

int private_place(const char *variable, const char *fallback, const char *name,
                  char out[PATH_MAX])
{
    const char *base = getenv(variable), *home = getenv("HOME");
    int n = -1;

    if (base && base[0] == '/')
        n = snprintf(out, PATH_MAX, "%s/sallyport/%s", base, name);
    else if (home && home[0] == '/')
        n = snprintf(out, PATH_MAX, "%s/%s/sallyport/%s", home, fallback, name);
    return n > 0 && n < PATH_MAX ? 0 : -1;
}

void private_directories(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
}

/* Reads the file of profiles. */

#define PROFILE_FILE_MAX 65536

void profile_init(struct profile *p)
{
    *p = (struct profile){ 0 };
    buf_init(&p->text, PROFILE_FILE_MAX);
}

/* Removes blanks at both ends; changes the text in place. */
static char *profile_trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static int profile_setting(struct profile *p, enum option_source source,
                           char *line, struct options *o, struct complaint *c)
{
    char *equals = strchr(line, '=');

    if (!equals)
        return complain(c, "expected key = value");
    *equals = '\0';
    char *key = profile_trim(line), *value = profile_trim(equals + 1);
    if (strcmp(key, "url") == 0) {
        if (source == OPTION_FROM_PROFILE)
            p->url = value;
        return source == OPTION_FROM_PROFILE
                   ? 0
                   : complain(c, "[default] takes no url");
    }
    return options_set(o, source, key, value, c);
}

/* Is LINE the title of a section? Then *IN gets where the settings below it
 * come from; OPTION_FROM_NOWHERE: neither from the profile NAME nor from the
 * default. Changes the text in place. */
static bool profile_is_title(char *line, const char *name,
                             enum option_source *in)
{
    size_t len = strlen(line);

    if (line[0] != '[' || line[len - 1] != ']')
        return false;
    line[len - 1] = '\0';
    *in = strcmp(line + 1, name) == 0        ? OPTION_FROM_PROFILE
          : strcmp(line + 1, "default") == 0 ? OPTION_FROM_DEFAULT
                                             : OPTION_FROM_NOWHERE;
    return true;
}

int profile_load(struct profile *p, const char *name, struct options *o,
                 struct failure *why)
{
    char place[PATH_MAX];
    const char *path = o->config ? o->config : place;
    struct complaint c = { "" };
    enum option_source in = OPTION_FROM_NOWHERE;
    bool found = false;
    int number = 0;

    if (!o->config &&
        private_place("XDG_CONFIG_HOME", ".config", "config", place) < 0)
        return 1;
    int r = private_read(path, false, o->config, &p->text, why);
    if (r == 0 && buf_add(&p->text, "", 1) < 0)
        r = fail(why, EX_DATAERR, "%s: too large", path);
    if (r != 0)
        return r;
    for (char *line = p->text.data, *end; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        number++;
        line = profile_trim(line);
        if (profile_is_title(line, name, &in)) {
            found |= in == OPTION_FROM_PROFILE;
        } else if (line[0] && !strchr("#;", line[0]) &&
                   in != OPTION_FROM_NOWHERE &&
                   profile_setting(p, in, line, o, &c) < 0) {
            if (r == 0)
                r = fail(why, EX_CONFIG, "%s:%d: %s", path, number, c.text);
            else
                fail_add(why, "; line %d: %s", number, c.text);
            c = (struct complaint){ "" };
        }
    }
    if (r != 0)
        return r;
    if (found)
        snprintf(p->name, sizeof(p->name), "%s", name);
    return found ? 0 : 1;
}
