/* The columns of a row, from options; checked before anything is written. A
 * hash is never an argument: all users of the machine could read it. */
#include "fields.h"

#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "home.h"
#include "password.h"

#define GID_MAX (UINT32_MAX - 1)

static int take_rights(struct context *x, struct fields *f)
{
    if (!x->args.role ||
        rights_parse(slice_from(x->args.role), &f->rights) == 0)
        return 0;
    return ctl_fail(x, EX_USAGE, "--role %s: %s", x->args.role,
                    rights_why_not(slice_from(x->args.role)));
}

static int take_ids(struct context *x, struct fields *f)
{
    const struct settings *s = &x->settings;

    if (x->args.uid &&
        (slice_number(slice_from(x->args.uid), s->uid_last, &f->uid) ||
         f->uid < s->uid_first))
        return ctl_fail(x, EX_USAGE,
                        "--uid %s: use a number from %llu to %llu (uid_first, "
                        "uid_last)",
                        x->args.uid, (unsigned long long)s->uid_first,
                        (unsigned long long)s->uid_last);
    if (x->args.gid &&
        (slice_number(slice_from(x->args.gid), GID_MAX, &f->gid) ||
         f->gid == 0))
        return ctl_fail(x, EX_USAGE, "--gid %s: use a number from 1 on",
                        x->args.gid);
    return 0;
}

int fields_take_home(struct context *x, struct fields *f, const char *home)
{
    if (!user_home_ok(slice_from(home)) ||
        home_tidy(slice_from(home), f->home, sizeof(f->home)) ||
        home_tidy(slice_from(x->settings.homes), f->homes, sizeof(f->homes)))
        return ctl_fail(x, EX_USAGE,
                        "home %s: use an absolute path without . and ..", home);
    if (geteuid() != 0 && !home_beneath(f->home, f->homes))
        return ctl_fail(x, EX_USAGE,
                        "home %s: without root it must lie beneath %s", f->home,
                        f->homes);
    return 0;
}

int fields_take(struct context *x, struct fields *f)
{
    int code;

    f->comment = x->args.comment;
    if (f->comment && !user_comment_ok(slice_from(f->comment)))
        return ctl_fail(x, EX_USAGE,
                        "--comment: at most 255 bytes, no ':', no line end");
    code = take_rights(x, f);
    if (code == 0)
        code = take_ids(x, f);
    if (code == 0 && x->args.home)
        code = fields_take_home(x, f, x->args.home);
    return code;
}

int fields_take_hash(struct context *x, struct fields *f)
{
    int code;

    if (!x->args.hash_stdin)
        return 0;
    code = password_line(f->hash, sizeof(f->hash), &x->complaint);
    if (code == 0 && (f->hash[0] != '$' || !user_hash_ok(f->hash)))
        return ctl_fail(x, EX_DATAERR,
                        "this hash isn't supported (%s); this user needs a new "
                        "password, or a hash of yescrypt, bcrypt, scrypt, "
                        "SHA-512 or SHA-256 (openssl passwd -6)",
                        f->hash[0] == '!' ? "it begins with a !"
                                          : user_hash_found(f->hash));
    return code;
}

int fields_check(struct context *x, const struct fields *f,
                 const struct users *u, const struct user *own)
{
    for (size_t i = 0; i < u->count; i++) {
        const struct user *row = &u->row[i];

        if (row == own)
            continue;
        if (f->uid != 0 && row->uid == f->uid)
            return ctl_fail(
                x, EX_DATAERR, "%s:%zu: uid %u belongs to %s; leave out --uid",
                x->settings.users, row->line, (unsigned)row->uid, row->name);
        if (f->home[0] && home_overlaps(f->home, row->home))
            return ctl_fail(x, EX_DATAERR,
                            "%s:%zu: home %s overlaps that of %s; give --home "
                            "DIR",
                            x->settings.users, row->line, f->home, row->name);
    }
    return 0;
}

bool fields_may_own(const struct context *x, const struct fields *f,
                    const struct users *u)
{
    struct stat st;

    if (geteuid() != 0 || stat(f->home, &st) ||
        st.st_uid < x->settings.uid_first || st.st_uid > x->settings.uid_last)
        return false;
    for (size_t i = 0; i < u->count; i++)
        if (u->row[i].uid == st.st_uid)
            return false;
    return true;
}

void fields_wipe(struct fields *f)
{
    explicit_bzero(f->hash, sizeof(f->hash));
}
