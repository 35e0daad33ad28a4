/* MDTM, MFMT, MFF, SITE UTIME and SITE CHMOD (RFC 3659, draft-somers-ftp-mfxx):
 * what is known of a file beside its bytes. UTC only. */
#include <errno.h>
#include <stdio.h>

#include "ask.h"
#include "commands.h"
#include "control.h"
#include "facts.h"
#include "sallyport/base/clock.h"
#include "sallyport/ftp/listing.h"
#include "sallyport/ftp/site.h"
#include "sallyport/ftp/times.h"
#include "verdict.h"

bool facts_of_file(struct session *s, struct packet *p)
{
    if (ask_refused(s, p))
        return false;
    if (p->value[FACT_KIND].number == KIND_FILE)
        return true;
    control_reply(s, p->value[FACT_KIND].number == KIND_FOLDER
                         ? REPLY_IS_FOLDER
                         : REPLY_NOT_REGULAR);
    return false;
}

static void bad_argument(struct session *s, const char *syntax)
{
    control_reply_with(s, REPLY_BAD_ARGUMENT, slice_from(syntax), NOTHING);
}

static struct change change_of(const struct session *s, const char *verb,
                               struct slice to)
{
    return (struct change){ verb, path_slice(&s->subject), to };
}

static void times_are_set(struct session *s, struct packet *p)
{
    char text[16];
    struct slice to = slice_from(listing_time(s->times.modify, text));

    struct change c = change_of(s, s->times.verb, to);

    verdict_of_change(s, p, &c, REPLY_TIMES, to, c.path);
}

static void utime_is_set(struct session *s, struct packet *p)
{
    char text[16];
    struct slice to = slice_from(listing_time(s->times.modify, text));
    struct change c = change_of(s, s->times.verb, to);

    verdict_of_change(s, p, &c, REPLY_UTIME_OK, NOTHING, NOTHING);
}

static void note_times(struct session *s, const char *verb, int form,
                       const struct times *t)
{
    s->times.verb = verb;
    s->times.form = form;
    if (form < 0)
        return;
    s->times.access = t->access;
    s->times.modify = t->modify;
    if (path_resolve(&s->cwd, t->path, &s->times.path) < 0)
        s->times.form = -ENAMETOOLONG;
}

/* Sets what was noted, or says why not. */
static void set_times(struct session *s, const char *syntax, answer_fn *then)
{
    struct set_times *t = &s->times;
    struct packet p = { .message = MSG_TIMES,
                        .value = { TEXT(path_slice(&t->path)),
                                   NUMBER(t->access), NUMBER(t->modify) } };

    if (t->form == -ENAMETOOLONG) {
        control_reply(s, REPLY_BAD_NAME);
    } else if (t->form < 0) {
        bad_argument(s, syntax);
    } else {
        s->subject = t->path;
        ask_files(s, &p, then);
    }
}

void cmd_mfmt(struct session *s, const struct call *call)
{
    struct times t;
    int form = times_parse(call->argument, &t);

    note_times(s, "MFMT", form, &t);
    set_times(s, call->command->help, times_are_set);
}

void site_utime(struct session *s, const struct call *call)
{
    struct times t;
    int form = times_parse_utime(call->argument, &t);

    note_times(s, "SITE UTIME", form, &t);
    set_times(s, "SITE UTIME YYYYMMDDHHMM[SS] path", utime_is_set);
}

/* A file may be called "20200101000000 x"; only if none is, that is a time and
 * a path. */
static void timed(struct session *s, struct packet *p)
{
    char text[16];

    if (p->message == MSG_REFUSED && s->times.form != -EINVAL) {
        set_times(s, "MDTM YYYYMMDDHHMMSS path", times_are_set);
        return;
    }
    if (!facts_of_file(s, p))
        return;
    if (!clock_has_year((time_t)p->value[FACT_MTIME].number)) {
        control_reply(s, REPLY_NO_TIME);
        return;
    }
    listing_time((time_t)p->value[FACT_MTIME].number, text);
    control_reply_with(s, REPLY_MDTM, slice_from(text), NOTHING);
}

/* "20200101000000 a/../b" is no way to call the file b: the time would be the
 * beginning of a name that isn't in the path any more. */
static bool keeps_time(const struct session *s, struct slice argument,
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

    note_times(s, "MDTM", form, &t);
    if (names && (form == -EINVAL || keeps_time(s, call->argument, &path)))
        ask_path(s, MSG_FACTS, &path, 0, timed);
    else if (form == -EINVAL)
        control_reply(s, REPLY_BAD_NAME);
    else
        set_times(s, call->command->help, times_are_set);
}

static void mode_is_set(struct session *s, struct packet *p)
{
    struct change c;
    char text[16];

    snprintf(text, sizeof(text), "%04o", s->mode);
    c = change_of(s, "SITE CHMOD", slice_from(text));
    verdict_of_change(s, p, &c, REPLY_CHMOD_OK, c.to, NOTHING);
}

static void bad_mode(struct session *s)
{
    control_reply_with(s, REPLY_BAD_PARAMETER, SLICE("400 to 777"), NOTHING);
}

void site_chmod(struct session *s, const struct call *call)
{
    struct slice rest = call->argument, mode;
    struct path path;
    int r;

    slice_cut(&rest, ' ', &mode);
    r = mode_parse(mode, &s->mode);
    if (r == -ERANGE)
        bad_mode(s);
    else if (r < 0 || rest.len == 0)
        bad_argument(s, "SITE CHMOD mode path");
    else if (path_resolve(&s->cwd, rest, &path) < 0)
        control_reply(s, REPLY_BAD_NAME);
    else
        ask_path(s, MSG_MODE, &path, s->mode, mode_is_set);
}

static void end_mff(struct session *s, struct packet *p, struct slice to)
{
    struct change c = change_of(s, "MFF", to);
    struct buf facts;

    buf_init(&facts, 128);
    mff_text(&s->mff, &facts);
    verdict_of_change(s, p, &c, REPLY_MFF, buf_slice(&facts), c.path);
    buf_release(&facts);
}

static void mff_mode_is_set(struct session *s, struct packet *p)
{
    char text[16];

    snprintf(text, sizeof(text), "%04o", s->mff.mode);
    end_mff(s, p, slice_from(text));
}

static void set_mff_mode(struct session *s)
{
    struct path path = s->subject;

    ask_path(s, MSG_MODE, &path, s->mff.mode, mff_mode_is_set);
}

static void mff_times_are_set(struct session *s, struct packet *p)
{
    char text[16];
    struct slice to = slice_from(listing_time(s->mff.modify, text));
    struct change c = change_of(s, "MFF", to);

    if (p->message == MSG_REFUSED || !(s->mff.facts & MFF_MODE)) {
        end_mff(s, p, to);
        return;
    }
    report_change(s, &c, reply_code(REPLY_MFF)); /* before the mode's */
    set_mff_mode(s);
}

/* The time first: a disk may have no room for it, but a mode that may be set
 * can be. */
static void set_mff(struct session *s, const struct path *path)
{
    uint64_t when = (uint64_t)s->mff.modify;
    struct packet p = { .message = MSG_TIMES,
                        .value = { TEXT(path_slice(path)), NUMBER(when),
                                   NUMBER(when) } };

    s->subject = *path;
    if (s->mff.facts & MFF_MODIFY)
        ask_files(s, &p, mff_times_are_set);
    else
        set_mff_mode(s);
}

/* Its row knows the right for times; a mode takes what SITE CHMOD takes. */
static bool may_set(const struct session *s, const struct mff *m)
{
    return !(m->facts & MFF_MODE) ||
           !(site_table[SITE_CHMOD].rights & ~s->login.rights);
}

void cmd_mff(struct session *s, const struct call *call)
{
    struct path path;
    int r = mff_parse(call->argument, &s->mff);

    if (r == -ENOTSUP)
        control_reply_with(s, REPLY_BAD_PARAMETER, SLICE("modify or UNIX.mode"),
                           NOTHING);
    else if (r == -ERANGE)
        bad_mode(s);
    else if (r < 0)
        bad_argument(s, call->command->help);
    else if (!may_set(s, &s->mff))
        dispatch_refuse_right(s,
                              site_table[SITE_CHMOD].rights & ~s->login.rights);
    else if (path_resolve(&s->cwd, s->mff.path, &path) < 0)
        control_reply(s, REPLY_BAD_NAME);
    else
        set_mff(s, &path);
}
