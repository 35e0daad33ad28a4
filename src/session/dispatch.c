/* The gate function of a session: a handler runs only if its row permits it,
 * so no handler asks "is TLS up?" or "is there an argument?". */
#include "dispatch.h"

#include "control.h"
#include "data.h"
#include "leave.h"
#include "refusal.h"
#include "sallyport/ftp/foreign.h"
#include "sallyport/ftp/listing.h"
#include "transfer.h"
#include "why.h"

#define UNKNOWN_MAX 3 /* before login; ALPACA and scanners */

static void unknown_command(struct session *s)
{
    if (!s->login.done && ++s->login.unknown >= UNKNOWN_MAX) {
        control_end(s, ENDING_PROTOCOL, REPLY_UNKNOWN_COMMAND, NOTHING);
        return;
    }
    control_reply(s, REPLY_UNKNOWN_COMMAND);
}

/* A name or password in plain text: refused before it is used, and the end, so
 * that the client sends no more of it. */
static bool gives_secret(enum verb verb)
{
    return verb == VERB_USER || verb == VERB_PASS || verb == VERB_ACCT;
}

static bool phase_permits(struct session *s, const struct command *c)
{
    if (c->phase >= COMMAND_SECURED && !s->control.secured) {
        if (gives_secret(c->verb))
            control_end(s, ENDING_PLAIN, REPLY_PLAIN_SECRET, NOTHING);
        else
            control_reply(s, REPLY_NEED_TLS);
        return false;
    }
    if (c->phase == COMMAND_NAMED && !s->login.done && !s->login.name[0]) {
        control_reply_with(s, REPLY_BAD_SEQUENCE, SLICE("USER"), NOTHING);
        return false;
    }
    if (c->phase == COMMAND_LOGGED_IN && !s->login.done) {
        control_reply(s, REPLY_NOT_LOGGED_IN);
        return false;
    }
    return true;
}

static bool argument_permits(struct session *s, const struct request *q)
{
    const struct command *c = q->command;
    bool given = q->argument.len > 0;
    bool needed =
        c->argument == ARGUMENT_REQUIRED || c->argument == ARGUMENT_PATH;
    enum reply r = REPLY_COUNT;

    if (needed && !given)
        r = REPLY_NEED_ARGUMENT;
    else if (c->argument == ARGUMENT_NONE && given)
        r = REPLY_NO_ARGUMENT;
    if (r != REPLY_COUNT)
        control_reply_with(s, r, slice_from(c->help), NOTHING);
    return r == REPLY_COUNT;
}

static bool takes_path(const struct command *c)
{
    return c->argument == ARGUMENT_PATH ||
           c->argument == ARGUMENT_OPTIONAL_PATH;
}

/* Also what is refused is logged by its path. False: there is none of that
 * name. */
static bool resolve(struct session *s, const struct request *q,
                    struct call *call)
{
    const struct command *c = q->command;
    struct slice argument = q->argument;
    bool found = true;

    call->path = s->cwd;
    if (takes_path(c)) {
        if (c->verb == VERB_LIST || c->verb == VERB_NLST)
            argument = listing_argument(argument);
        call->argument = argument;
        found = argument.len == 0 ||
                path_resolve(&s->cwd, argument, &call->path) == 0;
    }
    if (takes_path(c) && found) {
        s->subject = call->path;
        refusal_expect(s, c, true, NOTHING);
    } else {
        refusal_expect(s, c, false, q->argument);
    }
    return found;
}

static bool path_permits(struct session *s, const struct call *call, bool found)
{
    bool folder = call->command->flags & COMMAND_FILE &&
                  call->argument.len > 0 && path_names_folder(call->argument);

    if (folder)
        control_reply(s, REPLY_NAMES_FOLDER);
    else if (!found)
        control_reply(s, REPLY_BAD_NAME);
    return found && !folder;
}

void dispatch_refuse_right(struct session *s, unsigned lacking)
{
    char words[COMMAND_LACKS_MAX];

    control_reply_with(s, REPLY_NO_RIGHT,
                       slice_from(command_lacks(lacking, words)), NOTHING);
}

static bool rights_permit(struct session *s, const struct command *c)
{
    if (c->rights && !(c->rights & s->login.rights)) {
        dispatch_refuse_right(s, c->rights);
        return false;
    }
    if (c->data != DATA_NONE && !s->protected) {
        control_reply(s, REPLY_DATA_MUST_BE_P);
        return false;
    }
    return true;
}

/* Also where the command was refused: a REST or ALLO is for the transfer that
 * comes next, whatever becomes of that, and for no other file. */
static void forget_sequences(struct session *s, const struct command *c)
{
    if (!(c->flags & COMMAND_KEEPS_REST) || c->data != DATA_NONE)
        s->rest = s->until = 0;
    if (c->data != DATA_NONE)
        s->announced = s->sized = 0;
    if (!(c->flags & COMMAND_KEEPS_RNFR))
        s->has_rename_from = false;
}

/* ABOR overtakes the lines that wait (RFC 959 4.1.3); but of an upload that is
 * complete it must not race the commit. All else keeps its order. */
static bool must_hold(const struct session *s, const struct command *c)
{
    enum transfer_state state = s->transfer.state;

    if (state == TRANSFER_NONE)
        return false;
    if (c && c->verb == VERB_ABOR)
        return state >= TRANSFER_COMMITTING &&
               !(state == TRANSFER_COMMITTING && upload_is_preparing(s));
    return s->control.held.len > 0 || (c && !(c->flags & COMMAND_IN_TRANSFER));
}

static bool is_refused(const struct session *s, const struct command *c)
{
    return (c->flags & COMMAND_REFUSED) ||
           ((c->flags & COMMAND_ACTIVE) && !s->settings->active);
}

static void handle(struct session *s, const struct request *q)
{
    struct call call = { .command = q->command, .argument = q->argument };
    bool found;

    if (!phase_permits(s, q->command))
        return;
    found = resolve(s, q, &call);
    if (is_refused(s, q->command)) {
        control_reply(s, (enum reply)q->command->refusal);
        return;
    }
    if (!argument_permits(s, q) || !rights_permit(s, q->command) ||
        !path_permits(s, &call, found))
        return;
    handlers[q->command->verb](s, &call);
}

static void run(struct session *s, const struct request *q)
{
    handle(s, q);
    refusal_dispatched(s);
    forget_sequences(s, q->command);
    if (q->command->flags & COMMAND_SECRET)
        line_wipe(&s->control.lines);
}

enum dispatched dispatch_line(struct session *s, struct slice line)
{
    bool first = !s->control.first_line_seen;
    const char *protocol;
    struct request q;

    s->control.first_line_seen = true;
    request_parse(line, &q);
    protocol = first && !q.command ? foreign_line(line) : NULL;
    if (protocol) {
        why_foreign_line(s, protocol);
        control_end(s, ENDING_NOT_FTP, REPLY_UNKNOWN_COMMAND, NOTHING);
        return DISPATCH_DONE;
    }
    if (must_hold(s, q.command))
        return DISPATCH_HOLD;
    data_end_refused(s);
    if (q.command)
        run(s, &q);
    else
        unknown_command(s);
    return DISPATCH_DONE;
}
