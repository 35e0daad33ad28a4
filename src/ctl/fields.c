/* The columns of a user's row, from options; checked before anything is
 * written. A hash is never an argument: all users of the machine could read
 * it. */
#include "ctl.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/buf.h"
#include "sallyport/domain/tls.h"

#define GID_MAX    (UINT32_MAX - 1)
#define RIGHTS_KEY "rights."
/* The word for: use the server's setting. */
#define DEFAULT "default"

static int take_rights(struct context *x, struct fields *f)
{
    if (!x->args.role ||
        rights_parse(slice_from(x->args.role), &f->rights) == 0)
        return 0;
    return ctl_fail(x, EX_USAGE, "--role %s: %s", x->args.role,
                    RIGHTS_EXPECTED);
}

static int take_ids(struct context *x, struct fields *f)
{
    const struct settings *s = &x->settings;
    int account = 0, group = 0;

    if (x->args.uid &&
        (slice_number(slice_from(x->args.uid), s->uid_last, &f->uid) ||
         f->uid < s->uid_first))
        return ctl_fail(x, EX_USAGE,
                        "--uid %s: use a number from %llu to %llu (uid_first, "
                        "uid_last)",
                        x->args.uid, (unsigned long long)s->uid_first,
                        (unsigned long long)s->uid_last);
    if (x->args.uid)
        account = uid_is_of_system(f->uid);
    if (x->args.uid && !x->args.gid)
        group = gid_is_of_system(f->uid);
    if (account < 0 || group < 0)
        return nss_fail(x, account < 0 ? account : group);
    if (account)
        return ctl_fail(x, EX_USAGE,
                        "--uid %s: an account of the system has it (getent "
                        "passwd %s); leave out --uid, or give another one",
                        x->args.uid, x->args.uid);
    if (group)
        return ctl_fail(x, EX_USAGE,
                        "--uid %s: a group of the system has this number, and "
                        "the user would be in it; leave out --uid, or give "
                        "--gid, too",
                        x->args.uid);
    if (x->args.gid &&
        (slice_number(slice_from(x->args.gid), GID_MAX, &f->gid) ||
         f->gid == 0))
        return ctl_fail(x, EX_USAGE, "--gid %s: use a number from 1 on",
                        x->args.gid);
    if (f->gid >= s->gid_first && f->gid <= s->gid_last)
        return ctl_fail(x, EX_USAGE,
                        "--gid %s: gids from %llu to %llu (gid_first, "
                        "gid_last) are for shares; leave out --gid",
                        x->args.gid, (unsigned long long)s->gid_first,
                        (unsigned long long)s->gid_last);
    return 0;
}

int fields_take_home(struct context *x, struct fields *f, const char *home)
{
    if (!user_home_ok(slice_from(home)) ||
        place_tidy(slice_from(home), f->home, sizeof(f->home)))
        return ctl_fail(x, EX_USAGE, "home %s: use %s", home,
                        user_home_wanted(slice_from(home)));
    if (geteuid() != 0 && !user_path_within(f->home, x->settings.homes))
        return ctl_fail(x, EX_USAGE,
                        "home %s: without root it must lie beneath %s", f->home,
                        x->settings.homes);
    return 0;
}

int fields_take_group(struct context *x, const char *group, gid_t *ret)
{
    uint64_t number;
    const bool named = slice_number(slice_from(group), GID_MAX, &number);
    const struct group *found;
    int r;

    errno = 0;
    found = named ? getgrnam(group) : getgrgid((gid_t)number);
    r = found ? 0 : nss_result(errno);
    if (r < 0)
        return nss_fail(x, r);
    if (!found)
        return ctl_fail(x, EX_USAGE,
                        "%s: there is no such group; make it with: groupadd "
                        "--system %s%s%s",
                        group, named ? "" : "--gid ", group,
                        named ? "" : " NAME");
    if (found->gr_gid < SHARE_GID_MIN)
        return ctl_fail(x, EX_USAGE,
                        "%s is a group of the system, with gid %u; use one "
                        "with a gid from %d on",
                        group, (unsigned)found->gr_gid, SHARE_GID_MIN);
    *ret = found->gr_gid;
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

static int fields_check_home(struct context *x, const char *home,
                             const struct users *u, const struct user *own)
{
    if (user_path_within(x->settings.shares, home))
        return ctl_fail(x, EX_DATAERR,
                        "home %s contains %s (shares); give --home DIR", home,
                        x->settings.shares);
    return home_check_alone(x, u, own, home, "give --home DIR");
}

int fields_check(struct context *x, const struct fields *f,
                 const struct users *u, const struct user *own)
{
    for (size_t i = 0; i < u->count && f->uid != 0; i++) {
        const struct user *row = &u->row[i];

        if (row != own && row->uid == f->uid)
            return ctl_fail(
                x, EX_DATAERR, "%s:%zu: uid %u belongs to %s; leave out --uid",
                x->settings.users, row->line, (unsigned)row->uid, row->name);
    }
    for (size_t i = 0; i < u->shares && f->local_gid != 0; i++)
        if (u->share[i].gid == f->local_gid)
            return ctl_fail(x, EX_DATAERR,
                            "%s:%zu: gid %u is that of the share %s, whose "
                            "members could enter the home; make another group",
                            x->settings.users, u->share[i].line,
                            (unsigned)f->local_gid, u->share[i].name);
    return f->home[0] ? fields_check_home(x, f->home, u, own) : 0;
}

/* Could the user have the uid that the home belongs to? */
static bool may_own(const struct context *x, const struct fields *f,
                    const struct users *u)
{
    struct stat st;

    if (geteuid() != 0 || stat(f->home, &st) ||
        st.st_uid < x->settings.uid_first || st.st_uid > x->settings.uid_last ||
        uid_is_of_system(st.st_uid) != 0)
        return false;
    for (size_t i = 0; i < u->count; i++)
        if (u->row[i].uid == st.st_uid)
            return false;
    return true;
}

/* What is made on the user's disk: in a fork, since the disk may be dead. */
struct making {
    struct context *x;
    const struct fields *f;
    const struct users *users;
    const char *home; /* of the row, if f has none */
    bool only_check, made;
    int64_t stored; /* stored_in() */
    struct complaint complaint;
};

static int make_home(struct making *m)
{
    const struct fields *f = m->f;
    const struct home h = {
        .path = f->home,
        .below = m->x->settings.homes,
        .uid = (uid_t)f->uid,
        .gid = f->local_gid ? f->local_gid : (gid_t)f->gid,
        .mode = !f->local_gid   ? 0700
                : f->local_mode ? f->local_mode
                                : 02770,
        .offer = may_own(m->x, f, m->users),
        .only_check = m->only_check,
    };
    int code = m->only_check ? paths_permit(m->x, "home", f->home) : 0;

    if (code)
        return code;
    return m->only_check ? home_check(&h, &m->x->complaint)
                         : home_make(&h, &m->made, &m->x->complaint);
}

/* An earlier user of the home may have used up all of them. */
static void hint_counted(const struct context *x, const char *home, int64_t n)
{
    if (n > 0 && strcmp(x->args.max_files, DEFAULT) != 0)
        fprintf(stderr,
                "sallyportctl: %s: %" PRId64 " of %s files are counted "
                "already; to begin at 0 run: setfattr -x " STORED_ATTRIBUTE
                " %s\n",
                home, n, x->args.max_files, home);
}

/* With --max-files the home's directory holds the count. */
static int check_count(struct making *m, const char *home)
{
    struct context *x = m->x;

    if (!x->args.max_files)
        return 0;
    m->stored = stored_in(home);
    if (lgetxattr(home, STORED_ATTRIBUTE, NULL, 0) >= 0 || errno != EOPNOTSUPP)
        return 0;
    return ctl_fail(x, EX_CONFIG,
                    "--max-files: %s: its file system stores no extended "
                    "attributes, which hold the count; give a --home DIR on "
                    "ext4, xfs or btrfs",
                    home);
}

/* In a home that is new, each directory of PATH is new too. */
static void note_inside(struct edit *e, const char *home, const char *path)
{
    char all[2 * USER_HOME_MAX + 2];

    for (size_t i = 1; path[i - 1]; i++)
        if (path[i] == '/' || path[i] == '\0') {
            snprintf(all, sizeof(all), "%s%.*s", home, (int)i, path);
            edit_made(e, all);
        }
}

static int make_on_disk(struct making *m)
{
    struct context *x = m->x;
    const char *inside = x->rights_key + strlen(RIGHTS_KEY);
    char path[USER_HOME_MAX + 1];
    const struct home h = { .path = path,
                            .below = x->settings.homes,
                            .uid = (uid_t)m->f->uid,
                            .gid = (gid_t)m->f->gid };
    int code = m->f->home[0] ? make_home(m) : 0;

    if (m->only_check)
        return code;
    if (code == 0)
        code = check_count(m, m->home);
    if (code || !x->rights_role)
        return code;
    if (place_tidy(slice_from(m->home), path, sizeof(path)))
        return ctl_fail(x, EX_DATAERR, "the home's path is too long");
    return home_make_inside(&h, inside, &x->complaint);
}

static int make_in_fork(void *shared)
{
    struct making *m = shared;
    int code = make_on_disk(m);

    m->complaint = m->x->complaint;
    return code;
}

int fields_check_make(struct context *x, const struct fields *f, struct edit *e)
{
    struct making *m = f->home[0] ? disk_share(sizeof(*m)) : NULL;
    int code;

    if (!m)
        return f->home[0] ? ctl_fail(x, EX_OSERR, "out of memory") : 0;
    *m = (struct making){
        .x = x, .f = f, .users = &e->users, .only_check = true
    };
    code = disk_run_locked(x, make_in_fork, m, f->home, &m->complaint);
    munmap(m, sizeof(*m));
    return code;
}

int fields_make(struct context *x, const struct fields *f, struct edit *e,
                const char *home, bool *made)
{
    struct making *m = disk_share(sizeof(*m));
    int code;

    if (!m)
        return ctl_fail(x, EX_OSERR, "out of memory");
    home = f->home[0] ? f->home : home;
    *m = (struct making){
        .x = x, .f = f, .users = &e->users, .home = home, .stored = -1
    };
    code = disk_run_locked(x, make_in_fork, m, home, &m->complaint);
    *made = m->made;
    if (m->made && f->home[0])
        edit_made(e, f->home);
    if (m->made && x->rights_role)
        note_inside(e, home, x->rights_key + strlen(RIGHTS_KEY));
    if (code == 0)
        hint_counted(x, home, m->stored);
    munmap(m, sizeof(*m));
    return code;
}

void fields_wipe(struct fields *f)
{
    explicit_bzero(f->hash, sizeof(f->hash));
}

/* --certificate: names of client certificates, from the forms of other
 * programs. The room usersfile checks whether a name is valid. */

/* openssl(1) prints a backslash before a ';', and before a space at either end
 * of a value; that backslash is dropped. An escaped backslash belongs to the
 * name and stays. */
static int settle_pairs(const char *text, struct buf *into)
{
    int r = 0;

    for (size_t len; *text && r == 0; text += len) {
        len = *text == '\\' && text[1] ? 2 : 1;
        r = len == 2 && (text[1] == ' ' || text[1] == ';')
                ? buf_add_format(into, "\\%02X", (unsigned)text[1])
                : buf_add(into, text, len);
    }
    return r;
}

static int add_pin(struct slice name, struct buf *into)
{
    int r = buf_add_text(into, PIN_PREFIX);

    for (size_t i = sizeof(PIN_PREFIX) - 1; i < name.len && r == 0; i++) {
        char c = name.ptr[i];

        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (c != ':')
            r = buf_add(into, &c, 1);
    }
    return r;
}

static int add_other(struct slice name, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < name.len && r == 0; i++)
        r = name.ptr[i] == ' ' ? buf_add_text(into, "\\20")
                               : buf_add(into, &name.ptr[i], 1);
    return r;
}

static int add_all(struct slice rest, struct buf *into)
{
    struct slice name;
    int r = 0;

    while (r == 0 && slice_cut(&rest, ';', &name)) {
        if (into->len > 0)
            r = buf_add_text(into, ";");
        name = slice_trim(name);
        if (r == 0)
            r = slice_starts(name, SLICE(PIN_PREFIX)) ? add_pin(name, into)
                                                      : add_other(name, into);
    }
    return r;
}

int certificate_tidy(const char *text, char out[CERTIFICATE_MAX])
{
    struct buf settled, into;
    int r;

    buf_init(&settled, 2 * CERTIFICATE_MAX);
    buf_init(&into, CERTIFICATE_MAX - 1);
    r = settle_pairs(text, &settled);
    if (r == 0)
        r = add_all(buf_slice(&settled), &into);
    if (r == 0)
        r = slice_copy(buf_slice(&into), out, CERTIFICATE_MAX);
    else
        r = -ENAMETOOLONG;
    buf_release(&settled);
    buf_release(&into);
    return r;
}

/* Keys in the last column of a row. Most have the name and the value of their
 * option. */

#define KEY_MAX 32

/* The value of the option or NULL, and the KEY that it sets. */
static const char *key_of(const struct context *x, const struct ctl_option *row,
                          char key[KEY_MAX])
{
    size_t i = 0;

    if (!(row->bit & OPTIONS_OF_WORDS))
        return NULL;
    for (; row->name[i]; i++) {
        key[i] = row->name[i];
        if (key[i] == '-')
            key[i] = '_';
    }
    key[i] = '\0';
    return *(const char *const *)(const void *)((const char *)&x->args +
                                                row->offset);
}

/* Puts the certificate's name into x->certificate, as a row has it. */
static int keys_take_certificate(struct context *x, const char *text)
{
    struct complaint why = { "" };

    if (certificate_tidy(text, x->certificate) == 0 &&
        user_certificate_check(slice_from(x->certificate), &why) == 0) {
        x->args.certificate = x->certificate;
        return 0;
    }
    return ctl_fail(x, EX_USAGE, "--%s",
                    why.text[0] ? why.text : "certificate: too long");
}

/* --ttl counts from now, so the row gets a time. */
static int keys_take_ttl(struct context *x)
{
    uint64_t seconds;

    if (x->args.expires)
        return ctl_fail(x, EX_USAGE, "give --expires or --ttl, not both");
    if (arguments_seconds(x, "ttl", x->args.ttl, &seconds))
        return EX_USAGE;
    x->args.expires = when_text(time(NULL) + (int64_t)seconds, x->expires);
    return 0;
}

/* The users file has the rules, and their words. */
static int keys_check_one(struct context *x, const struct ctl_option *row)
{
    char key[KEY_MAX];
    const char *text = key_of(x, row, key);
    struct complaint why = { "" };

    if (!text || strcmp(text, DEFAULT) == 0)
        return 0;
    if (text == x->args.certificate)
        return keys_take_certificate(x, text);
    if (user_key_check(key, text, &why) == 0)
        return 0;
    return ctl_fail(x, EX_USAGE, "--%s %s; or " DEFAULT, row->name,
                    why.text + strlen(key) + 1);
}

/* --rights-in PATH:ROLE: the path may contain a ':', the role doesn't. */
static int keys_take_rights(struct context *x)
{
    const char *text = x->args.rights_in, *colon = strrchr(text, ':');
    char path[USER_HOME_MAX + 1] = "";
    unsigned rights;

    if (!colon ||
        place_tidy((struct slice){ text, (size_t)(colon - text) }, path,
                   sizeof(path)) ||
        text[0] != '/' || !user_path_ok(slice_from(path)) ||
        path[strcspn(path, " =")])
        return ctl_fail(x, EX_USAGE,
                        "--rights-in %s: expected PATH:ROLE, such as "
                        "/incoming:drop; a path without blanks, =, . and ..",
                        text);
    if (strcmp(colon + 1, DEFAULT) != 0 &&
        rights_parse(slice_from(colon + 1), &rights))
        return ctl_fail(x, EX_USAGE,
                        "--rights-in %s: " RIGHTS_EXPECTED ", or " DEFAULT,
                        text);
    snprintf(x->rights_key, sizeof(x->rights_key), RIGHTS_KEY "%s", path);
    x->rights_role = strcmp(colon + 1, DEFAULT) == 0 ? NULL : colon + 1;
    return 0;
}

/* --retain [PATH:]TIME: without a path for all of the home, or of the share. */
static int keys_take_retain(struct context *x)
{
    const char *text = x->args.retain, *colon = strrchr(text, ':');
    struct slice rest,
        path =
            colon ? (struct slice){ text, (size_t)(colon - text) } : SLICE("/");
    struct retention one;
    const char *time = colon ? colon + 1 : text;
    const bool off = strcmp(time, DEFAULT) == 0;

    snprintf(x->retain, sizeof(x->retain), "%.*s:%s", (int)path.len, path.ptr,
             off ? "1h" : time);
    rest = slice_from(x->retain);
    if (strlen(text) + 2 >= sizeof(x->retain) || text[strcspn(text, " ,")] ||
        user_retain_next(&rest, &one) != 1 || rest.ptr)
        return ctl_fail(x, EX_USAGE,
                        "--retain %s: " USER_RETAIN_EXPECTED "; or " DEFAULT,
                        text);
    x->retain_path = one.path;
    x->retain_off = off;
    return 0;
}

int keys_check(struct context *x)
{
    int code = x->args.ttl ? keys_take_ttl(x) : 0;

    for (size_t i = 0; i < ctl_option_count && code == 0; i++)
        code = keys_check_one(x, &ctl_options[i]);
    if (code == 0 && x->args.retain)
        code = keys_take_retain(x);
    return code || !x->args.rights_in ? code : keys_take_rights(x);
}

int keys_check_change(struct context *x)
{
    return x->args.given & OPTIONS_OF_USER
               ? keys_check(x)
               : ctl_fail(x, EX_USAGE,
                          "nothing to change; see: sallyportctl %s change "
                          "--help",
                          x->args.word[0]);
}

int keys_set(struct context *x, struct edit *e, size_t line)
{
    int code = 0;

    for (size_t i = 0; i < ctl_option_count && code == 0; i++) {
        char key[KEY_MAX];
        const char *word = key_of(x, &ctl_options[i], key);

        if (word)
            code = edit_set_key(e, line, key,
                                strcmp(word, DEFAULT) == 0 ? NULL : word);
    }
    if (code == 0 && x->args.must_change)
        code = edit_set_key(e, line, "must_change", "yes");
    if (code == 0 && x->args.retain)
        code = edit_set_entry(e, line, "retain", x->retain_path,
                              x->retain_off ? NULL : x->retain);
    return code || !x->rights_key[0]
               ? code
               : edit_set_key(e, line, x->rights_key, x->rights_role);
}

static void hint_expired(const struct context *x)
{
    int64_t when;

    if (x->args.expires &&
        user_expires_parse(slice_from(x->args.expires), &when) == 0 &&
        when <= time(NULL))
        fprintf(stderr, "sallyportctl: %s has expired, and can't log in\n",
                x->args.word[2]);
}

/* With systemd the server starts sallyport-retention.timer. */
static void hint_retention(const struct context *x)
{
    if (x->args.retain && !x->retain_off &&
        access("/run/systemd/system", F_OK) != 0)
        fputs("sallyportctl: without systemd nothing is removed until "
              "something runs, each day: sallyportctl retention run\n",
              stderr);
}

/* The server replaces the users file for such a user. */
static void hint_must_change(const struct context *x)
{
    char path[PATH_MAX], *slash;
    struct complaint c = { "" };

    if (!x->args.must_change || !realpath(x->settings.users, path))
        return;
    slash = strrchr(path, '/');
    slash[slash == path] = '\0';
    if (paths_forbid(x, "directory", path, &c))
        fprintf(stderr, "sallyportctl: %s can't change the password: %s\n",
                x->args.word[2], c.text);
}

void keys_hint(const struct context *x)
{
    hint_expired(x);
    hint_must_change(x);
    hint_retention(x);
    if (!x->args.certificate || strcmp(x->args.certificate, DEFAULT) == 0 ||
        x->settings.client_certificates != CLIENTS_OFF)
        return;
    fprintf(stderr,
            "sallyportctl: nobody is asked for a certificate, so %s can't log "
            "in; write into %s: client_certificates = request\n",
            x->args.word[2], x->settings.file);
}
