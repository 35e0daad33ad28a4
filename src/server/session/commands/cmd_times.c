/* MDTM, MFMT, MFF, SITE UTIME and SITE CHMOD (RFC 3659, draft-somers-ftp-mfxx):
 * a file's time, in UTC, and its mode. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>

#include "sallyport/base/clock.h"
#include "sallyport/ftp/listing.h"
#include "sallyport/ftp/times.h"

bool times_facts_of_file(struct session *s, struct message *m)
{
    if (ask_refused(s, m))
        return false;
    if (m->facts_are.kind == ENTRY_FILE)
        return true;
    control_reply(s, m->facts_are.kind == ENTRY_DIRECTORY ? REPLY_IS_DIRECTORY
                                                          : REPLY_NOT_REGULAR);
    return false;
}

static struct change times_change_of(const struct session *s, const char *verb,
                                     struct slice to)
{
    return (struct change){ verb, path_slice(&s->subject), to };
}

static void times_on_set(struct session *s, struct message *m)
{
    char text[16];
    struct slice to = slice_from(listing_time(s->times.modify, text));
    struct change c = times_change_of(s, s->times.verb, to);

    final_of_change(s, m, &c, s->times.done, to, c.path);
}

static void times_note(struct session *s, const char *verb, enum reply done,
                       int form, const struct times *t)
{
    s->times.verb = verb;
    s->times.done = done;
    s->times.form = form;
    if (form < 0)
        return;
    s->times.access = t->access;
    s->times.modify = t->modify;
    if (path_resolve(&s->cwd, t->path, &s->times.path) < 0)
        s->times.form = -ENAMETOOLONG;
}

/* Sets the noted times, or replies why it can't. */
static void times_set(struct session *s, const char *syntax)
{
    struct set_times *t = &s->times;

    if (t->form == -ENAMETOOLONG) {
        control_reply(s, REPLY_BAD_NAME);
    } else if (t->form < 0) {
        control_bad_argument(s, syntax);
    } else {
        ASK(s, times, times_on_set, .path = ask_subject(s, &t->path),
            .access = t->access, .modify = t->modify,
            .directory = t->path.directory);
    }
}

/* The last upload was given another name than the client asked for, in a drop
 * or since it was taken. The client still means what it has sent. */
static void times_mean_stored(struct session *s, struct path *path)
{
    if (s->stored[0] && transfer_is_upload(&s->transfer) &&
        slice_equal(path_slice(path), path_slice(&s->transfer.path)))
        path_resolve(&s->cwd, slice_from(s->stored), path);
}

void cmd_mfmt(struct session *s, const struct call *call)
{
    struct times t;
    int form = times_parse(call->argument, &t);

    times_note(s, "MFMT", REPLY_TIMES, form, &t);
    if (form == 0)
        times_mean_stored(s, &s->times.path);
    times_set(s, call->command->help);
}

void cmd_site_utime(struct session *s, const struct call *call)
{
    struct times t;
    int form = times_parse_utime(call->argument, &t);

    times_note(s, "SITE UTIME", REPLY_UTIME_OK, form, &t);
    times_set(s, "SITE UTIME YYYYMMDDHHMM[SS] path");
}

/* A file may be called "20200101000000 x". Only if there is none, this is a
 * time and a path. */
static void times_on_facts(struct session *s, struct message *m)
{
    char text[16];

    if (m->kind == MSG_refused && s->times.form != -EINVAL) {
        times_set(s, "MDTM YYYYMMDDHHMMSS path");
        return;
    }
    if (!times_facts_of_file(s, m))
        return;
    if (!clock_has_year((time_t)m->facts_are.mtime)) {
        control_reply(s, REPLY_NO_TIME);
        return;
    }
    listing_time((time_t)m->facts_are.mtime, text);
    control_reply_with(s, REPLY_MDTM, slice_from(text));
}

/* "20200101000000 a/../b" doesn't name the file b: the time would be part of
 * the first name, which the path no longer has. */
static bool times_keeps_time(const struct session *s, struct slice argument,
                             const struct path *path)
{
    struct slice first;
    struct path head;

    slice_cut(&argument, '/', &first);
    return path_resolve(&s->cwd, first, &head) == 0 &&
           slice_starts(path_slice(path), path_slice(&head)) &&
           (path->len == head.len || path->bytes[head.len] == '/');
}

void cmd_mdtm(struct session *s, const struct call *call)
{
    struct times t;
    struct path path;
    int form = times_parse(call->argument, &t);
    bool names = path_resolve(&s->cwd, call->argument, &path) == 0;

    times_note(s, "MDTM", REPLY_TIMES, form, &t);
    if (names &&
        (form == -EINVAL || times_keeps_time(s, call->argument, &path)))
        ASK(s, facts, times_on_facts, .path = ask_subject(s, &path),
            .purpose = FACTS_FOR_ANY, .directory = path.directory);
    else if (form == -EINVAL)
        control_reply(s, REPLY_BAD_NAME);
    else
        times_set(s, call->command->help);
}

static void times_on_mode_set(struct session *s, struct message *m)
{
    struct change c;
    char text[16];

    snprintf(text, sizeof(text), "%04o", s->mode);
    c = times_change_of(s, "SITE CHMOD", slice_from(text));
    final_of_change(s, m, &c, REPLY_CHMOD_OK, c.to, NOTHING);
}

static void times_bad_mode(struct session *s)
{
    control_reply_with(s, REPLY_BAD_PARAMETER, SLICE("400 to 777"));
}

void cmd_site_chmod(struct session *s, const struct call *call)
{
    struct slice rest = call->argument, mode;
    struct path path;
    int r;

    slice_cut(&rest, ' ', &mode);
    r = mff_parse_mode(mode, &s->mode);
    if (r == -ERANGE)
        times_bad_mode(s);
    else if (r < 0 || rest.len == 0)
        control_bad_argument(s, "SITE CHMOD mode path");
    else if (path_resolve(&s->cwd, rest, &path) < 0)
        control_reply(s, REPLY_BAD_NAME);
    else
        ASK(s, mode, times_on_mode_set, .path = ask_subject(s, &path),
            .mode = s->mode, .directory = path.directory);
}

static void times_end_mff(struct session *s, struct message *m, struct slice to)
{
    struct change c = times_change_of(s, "MFF", to);
    struct buf facts;

    buf_init(&facts, 128);
    mff_text(&s->mff, &facts);
    final_of_change(s, m, &c, REPLY_MFF, buf_slice(&facts), c.path);
    buf_release(&facts);
}

static void times_on_mff_mode_set(struct session *s, struct message *m)
{
    char text[16];

    snprintf(text, sizeof(text), "%04o", s->mff.mode);
    times_end_mff(s, m, slice_from(text));
}

static void times_set_mff_mode(struct session *s)
{
    struct path path = s->subject;

    ASK(s, mode, times_on_mff_mode_set, .path = ask_subject(s, &path),
        .mode = s->mff.mode, .directory = path.directory);
}

static void times_on_mff_set(struct session *s, struct message *m)
{
    char text[16];
    struct slice to = slice_from(listing_time(s->mff.modify, text));
    struct change c = times_change_of(s, "MFF", to);

    if (m->kind == MSG_refused || !(s->mff.facts & MFF_MODE)) {
        times_end_mff(s, m, to);
        return;
    }
    report_change(s, &c,
                  reply_code(REPLY_MFF)); /* an event before the mode's own */
    times_set_mff_mode(s);
}

/* The time is set first. Setting it can fail for lack of space; setting the
 * mode can't. */
static void times_set_mff(struct session *s, const struct path *path)
{
    struct slice subject = ask_subject(s, path);

    if (s->mff.facts & MFF_MODIFY)
        ASK(s, times, times_on_mff_set, .path = subject,
            .access = s->mff.modify, .modify = s->mff.modify,
            .directory = path->directory);
    else
        times_set_mff_mode(s);
}

/* MFF's row has the right for times; a mode needs the rights of SITE CHMOD. */
static bool times_may_set(const struct session *s, const struct mff *m)
{
    return !(m->facts & MFF_MODE) ||
           !(site_table[SITE_CHMOD].rights & ~s->login.rights);
}

void cmd_mff(struct session *s, const struct call *call)
{
    struct path path;
    int r = mff_parse(call->argument, &s->mff);

    if (r == -ENOTSUP)
        control_reply_with(s, REPLY_BAD_PARAMETER,
                           SLICE("modify or UNIX.mode"));
    else if (r == -ERANGE)
        times_bad_mode(s);
    else if (r < 0)
        control_bad_argument(s, call->command->help);
    else if (!times_may_set(s, &s->mff))
        dispatch_refuse_right(s,
                              site_table[SITE_CHMOD].rights & ~s->login.rights);
    else if (path_resolve(&s->cwd, s->mff.path, &path) < 0)
        control_reply(s, REPLY_BAD_NAME);
    else
        times_set_mff(s, &path);
}
