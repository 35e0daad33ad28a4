/* The context of the command, and what each command needs of it. */
#include "ctl.h"

#include <errno.h>
#include <unistd.h>

struct context ctl;
int ctl_status;
bool edit_stands;

const struct ctl_option ctl_options[] = {
#define ROW(field, name, value, key, none, help)                               \
    [OPTION_##field] = { name, value, key, none, help },
#include "option_list.h"
};

const char *ctl_name_of(const struct ctl_command *row, char out[CTL_NAME])
{
    snprintf(out, CTL_NAME, "%s%s%s", row->group, row->name ? " " : "",
             row->name ? row->name : "");
    return out;
}

uint64_t arguments_seconds(const char *option, const char *text)
{
    const int64_t seconds = user_duration_parse(slice_from(text));

    if (seconds <= 0)
        fail(EX_USAGE,
             "--%s %s: expected a number from 1 to 99999 with s, min, h, d or "
             "w, such as 7d",
             option, text);
    return (uint64_t)seconds;
}

int ctl_exit_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
        return EX_NOPERM;
    case EEXIST:
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
        return EX_CANTCREAT;
    default:
        return EX_IOERR;
    }
}

void fail_missing(const char *what, struct slice name)
{
    fail(EX_NOUSER, "there is no %s %.*s; run: sallyportctl %s list", what,
         (int)name.len, name.ptr, what);
}

const struct user *user_named(const struct users *u)
{
    const struct slice name = slice_from(ctl.rest[0]);
    const struct user *user = users_find(u, name);

    if (!user)
        fail_missing("user", name);
    return user;
}

void ctl_beside(const char *name, char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    char *slash;

    out[n > 0 ? n : 0] = '\0';
    slash = strrchr(out, '/');
    n = slash ? slash + 1 - out : 0;
    snprintf(out + n, PATH_MAX - (size_t)n, "%s", name);
}

static void warn_of_mistake(const char *mistake)
{
    stderr_print("warning: %s; this line has no effect here", mistake);
}

void ctl_load_settings(bool partly)
{
    struct settings *s = &ctl.settings;
    const char *path = ctl.args.config ? ctl.args.config : SETTINGS_FILE;
    struct complaint why = { "" };

    if (conf_load(s, path, partly ? warn_of_mistake : NULL, &why))
        fail(EX_CONFIG, "%s", why.text);
    place_tidy(slice_from(s->homes), s->homes, sizeof(s->homes));
    place_tidy(slice_from(s->shares), s->shares, sizeof(s->shares));
}

void ctl_end(int code)
{
    if (code == 0) {
        if (fflush(stdout) == EOF)
            fail(EX_IOERR, "standard output: %s", strerror(errno));
        /* After a failed write stdio has dropped the bytes, and errno is
         * gone. Some disks say only at the end that they have no room. */
        if (ferror(stdout) || close(STDOUT_FILENO) < 0)
            fail(EX_IOERR, "standard output: not all of it could be written");
    }
    fflush(stdout);
    _exit(code);
}
