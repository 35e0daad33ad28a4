/* The events about refused commands, in session. They are made where replies
 * are sent, so that no refusal is missed. The first few of a verb have a line
 * each. More of them within INTERVAL_MS share one line with their number, so
 * that a client that continues doesn't fill the log. */
#include "refusal.h"

#include "control.h"
#include "report.h"

#define SINGLE      3 /* lines of a verb in an interval */
#define INTERVAL_MS 10000

/* Replies to transfers and changes aren't here: those have events of their own,
 * which are in the log before the client hears anything (verdict.c). */
static const char *const reasons[REPLY_COUNT] = {
    [REPLY_NO_RIGHT] = "no right",
    [REPLY_DENIED] = "permission denied",
    [REPLY_READ_ONLY] = "read-only file system",
    [REPLY_BAD_NAME] = "name not allowed",
    [REPLY_NAMES_DIRECTORY] = "the name of a directory",
    [REPLY_NO_PORT] = "no data port is free",
    [REPLY_ACTIVE_OFF] = "active = no",
    [REPLY_MODE_Z_OFF] = "mode_z = no",
    [REPLY_NEED_ALLO] = "upload_eof = announced",
    [REPLY_DATA_MUST_BE_P] = "data connections without TLS",
    [REPLY_POLICY] = "a connection without TLS",
    [REPLY_TOO_LARGE] = "over the file-size limit",
    [REPLY_ALLO_NO_SPACE] = "no space for that much",
};

static void refusal_send_line(struct session *s, enum verb verb, enum reply r,
                              struct refusal_tally *t, struct slice path,
                              struct slice arg)
{
    const struct refused_command about = { .verb = command_name(verb),
                                           .path = path,
                                           .argument = arg,
                                           .result = reply_code(r),
                                           .reason = t->reason,
                                           .number = t->more };

    t->more = 0;
    report_refusal(s, &about);
}

static void refusal_send_tally(struct session *s, enum verb verb)
{
    struct refusal_tally *t = &s->refusals.of[verb];
    struct slice last = slice_from(t->last);

    if (t->more > 0)
        refusal_send_line(s, verb, t->reply, t, t->has_path ? last : NOTHING,
                          t->has_path ? NOTHING : last);
    t->lines = 0;
}

void refusal_end(struct session *s)
{
    for (unsigned verb = 0; verb < VERB_COUNT; verb++)
        refusal_send_tally(s, (enum verb)verb);
}

static void refusal_on_interval(void *owner)
{
    refusal_end(owner);
}

void refusal_init(struct session *s)
{
    s->refusals.timer =
        (struct loop_timer){ .on_time = refusal_on_interval, .owner = s };
}

void refusal_expect(struct session *s, const struct command *c, bool has_path,
                    struct slice arg)
{
    s->refusals.command = c;
    s->refusals.has_path = has_path;
    s->refusals.argument = c->flags & COMMAND_SECRET ? NOTHING : arg;
}

void refusal_dispatched(struct session *s)
{
    s->refusals.argument = NOTHING;
}

/* For the line about this refusal and those before. */
static void refusal_count(struct refusal_tally *t, enum reply r, bool has_path,
                          struct slice what)
{
    t->more++;
    t->reply = r;
    t->has_path = has_path;
    if (what.len >= sizeof(t->last))
        what.len = sizeof(t->last) - 1;
    slice_copy(what, t->last, sizeof(t->last));
}

/* The reply names the missing right. */
static void refusal_keep_reason(struct refusal_tally *t, enum reply r,
                                struct slice argument)
{
    if (r != REPLY_NO_RIGHT || argument.len == 0 ||
        slice_copy(argument, t->reason, sizeof(t->reason)) < 0)
        slice_copy(slice_from(reasons[r]), t->reason, sizeof(t->reason));
}

void refusal_note(struct session *s, enum reply r, struct slice argument)
{
    struct refusals *all = &s->refusals;
    struct slice path = NOTHING;
    struct refusal_tally *t;

    if (!reasons[r] || !s->login.user[0] || !all->command)
        return;
    t = &all->of[all->command->verb];
    refusal_keep_reason(t, r, argument);
    if (all->has_path)
        path = path_slice(&s->subject);
    if (t->lines++ < SINGLE)
        refusal_send_line(s, all->command->verb, r, t, path, all->argument);
    else
        refusal_count(t, r, all->has_path,
                      all->has_path ? path : all->argument);
    if (!all->timer.armed)
        loop_timer_set(&s->loop, &all->timer, INTERVAL_MS);
}
