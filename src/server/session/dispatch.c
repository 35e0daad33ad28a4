/* Finds the handler of a line, in session, and calls it. A handler runs only if
 * its command's row permits it, so no handler asks "is TLS up?" or "is there an
 * argument?". */
#include "transfer.h"

#include <stdio.h>

#include "data.h"
#include "sallyport/ftp/line.h"
#include "sallyport/ftp/listing.h"

/* Unknown commands before the login: the third one ends the session, against
 * ALPACA and scanners. */
#define UNKNOWN_MAX 3

static bool dispatch_is_secret_site(const struct request *q)
{
    struct slice rest = q->argument, name;
    const struct site_command *row = NULL;

    while (rest.len > 0 && rest.ptr[0] == ' ')
        rest = (struct slice){ rest.ptr + 1, rest.len - 1 };
    if (q->command->verb == VERB_SITE && slice_cut(&rest, ' ', &name))
        row = site_find(name);
    return row && row->secret;
}

static bool dispatch_is_secret(const struct request *q)
{
    return q->command->flags & COMMAND_SECRET || dispatch_is_secret_site(q);
}

static bool dispatch_phase_permits(struct session *s, const struct request *q)
{
    const struct command *c = q->command;
    const enum verb verb = c->verb;

    /* Refuses a name or password in plain text before it is used, and ends the
     * session, so that the client sends no more in plain text. */
    if (c->phase != COMMAND_ALWAYS && !control_is_secure(s)) {
        if (verb == VERB_USER || verb == VERB_PASS || verb == VERB_ACCT ||
            dispatch_is_secret_site(q))
            control_end(s, ENDING_PLAIN, REPLY_PLAIN_SECRET, NOTHING);
        else
            control_reply(s, REPLY_NEED_TLS);
    } else if (c->phase == COMMAND_NAMED && !s->login.name[0]) {
        control_reply_with(s, REPLY_BAD_SEQUENCE, SLICE("USER"));
    } else if (c->phase == COMMAND_LOGGED_IN && !state_of_control(s)->user) {
        control_reply(s, REPLY_NOT_LOGGED_IN);
    } else if (c->phase == COMMAND_LOGGED_IN && s->login.must_change &&
               !(c->flags & COMMAND_BEFORE_CHANGE)) {
        s->dispatched = (struct dispatched_command){ .command = c };
        control_reply(s, REPLY_MUST_CHANGE);
    } else {
        return true;
    }
    return false;
}

/* Sets the subject, if the command takes a path; the event of a refusal needs
 * it, too. Returns false if no file can have the command's path. */
static bool dispatch_resolve(struct session *s, const struct request *q,
                             struct call *call)
{
    const struct command *c = q->command;
    const bool takes =
        c->argument == ARGUMENT_PATH || c->argument == ARGUMENT_OPTIONAL_PATH;
    struct slice argument = q->argument;
    bool found = true;

    if (takes) {
        if (c->verb == VERB_LIST || c->verb == VERB_NLST ||
            c->verb == VERB_STAT)
            argument = listing_argument(argument);
        if (c->verb == VERB_STAT && argument.len == 0 && q->argument.len > 0)
            argument = SLICE("."); /* STAT with options alone is not about the
                                    * session */
        call->argument = argument;
        if (argument.len == 0)
            s->subject = s->cwd;
        else
            found = path_resolve(&s->cwd, argument, &s->subject) == 0;
    }
    s->dispatched = (struct dispatched_command){
        .command = c,
        .has_path = takes && found,
        .argument = dispatch_is_secret(q) ? NOTHING : q->argument
    };
    return found;
}

/* Replies 550 with the names of the missing rights. LACKING has bits of enum
 * right. */
static void dispatch_refuse_right(struct session *s, unsigned lacking)
{
    char words[COMMAND_LACKS_MAX];

    control_reply_with(s, REPLY_NO_RIGHT,
                       slice_from(command_lacks(lacking, words)));
}

/* Must the line wait? ABOR overtakes the lines that wait (RFC 959 4.1.3), but
 * never the commit of a complete upload. All other lines keep their order.
 * Until the 150 is sent, every line waits: otherwise the client would take the
 * line's reply for the transfer's reply. A checksum sends no 150, so lines wait
 * until it ends. */
static bool dispatch_must_hold(const struct session *s, const struct command *c)
{
    const enum transfer_state state = s->transfer.state;

    if (state == TRANSFER_NONE)
        return false;
    if (c && c->verb == VERB_ABOR)
        return !state_of_transfer(s)->abortable;
    return s->control.held.len > 0 || !c || !(c->flags & COMMAND_IN_TRANSFER) ||
           state == TRANSFER_ASKED || state == TRANSFER_HASHING;
}

/* Calls the handler, if the command's row permits it. */
static void dispatch_handle(struct session *s, const struct request *q)
{
    const struct command *c = q->command;
    struct call call = { .command = c, .argument = q->argument };
    const bool given = q->argument.len > 0,
               found = dispatch_resolve(s, q, &call);

    if (c->flags & COMMAND_REFUSED)
        control_reply(s, (enum reply)c->reply);
    else if (!given &&
             (c->argument == ARGUMENT_REQUIRED || c->argument == ARGUMENT_PATH))
        control_reply_with(s, REPLY_NEED_ARGUMENT, slice_from(c->help));
    else if (given && c->argument == ARGUMENT_NONE)
        control_bad_argument(s, c->help);
    else if (c->rights && !(c->rights & s->login.rights))
        dispatch_refuse_right(s, c->rights);
    else if (c->data != DATA_NONE && s->protection != PROTECTION_P)
        control_reply(s, REPLY_DATA_MUST_BE_P);
    else if ((c->flags & COMMAND_FILE) && call.argument.len > 0 &&
             path_names_directory(call.argument))
        control_reply(s, REPLY_NAMES_DIRECTORY);
    else if (!found)
        control_reply(s, REPLY_BAD_NAME);
    else
        handlers[c->verb](s, &call);
}

bool dispatch_line(struct session *s, struct slice line)
{
    bool first = !s->control.first_line_seen;
    struct request q;

    s->control.first_line_seen = true;
    command_parse(line, &q);
    if (first && !q.command && line.len > 0) {
        control_end_not_ftp(s, line);
        return true;
    }
    if (dispatch_must_hold(s, q.command))
        return false;
    if (s->data.state == DATA_REFUSED) /* left by data_after_transfer() */
        data_close(s);
    if (q.command) {
        /* Dispatches the command, then forgets REST, RANG, ALLO and RNFR, also
         * after a refusal: they are only for the next transfer or rename. The
         * rows of some commands keep them. */
        const struct command *c = q.command;

        if (dispatch_phase_permits(s, &q))
            dispatch_handle(s, &q);
        s->dispatched.argument = NOTHING;
        if (!(c->flags & COMMAND_KEEPS_REST) || c->data != DATA_NONE)
            s->first = s->end = 0;
        if (c->data != DATA_NONE) {
            s->announced = NOT_ANNOUNCED;
            s->sized = 0;
            s->port.used = true;
        }
        if (!(c->flags & COMMAND_KEEPS_RNFR))
            s->renames = RENAME_NOTHING;
        if (dispatch_is_secret(&q))
            line_wipe(&s->control.lines);
    } else if (!s->login.user[0] && ++s->login.unknown >= UNKNOWN_MAX) {
        snprintf(s->why, sizeof(s->why), "%d unknown commands", UNKNOWN_MAX);
        control_end(s, ENDING_PROTOCOL, REPLY_UNKNOWN_COMMAND, NOTHING);
    } else
        control_reply(s, REPLY_UNKNOWN_COMMAND);
    return true;
}

handler_fn *const handlers[VERB_COUNT] = {
#define HANDLER(name, handler, ...) [VERB_##name] = cmd_##handler,
#define NONE(...)
    COMMAND_LIST(HANDLER, NONE, NONE)
#undef HANDLER
#undef NONE
};

void cmd_site_help(struct session *s, const struct call *call)
{
    (void)call;
    reply_begin(&s->control.out, REPLY_SITE_HELP);
    site_help(&s->control.out);
    reply_end(&s->control.out, REPLY_SITE_HELP);
    control_flush(s);
}

handler_fn *const site_handlers[SITE_COUNT] = {
#define SITE(name, handler, ...) [SITE_##name] = cmd_site_##handler,
    SITE_LIST(SITE)
#undef SITE
};

void cmd_site(struct session *s, const struct call *call)
{
    struct call sub = *call;
    struct slice name;
    const struct site_command *row;

    slice_cut(&sub.argument, ' ', &name);
    row = site_find(name);
    if (!row)
        control_reply(s, REPLY_SITE_UNKNOWN);
    else if (row->argument == ARGUMENT_REQUIRED && sub.argument.len == 0)
        control_reply_with(s, REPLY_NEED_ARGUMENT, slice_from(row->help));
    else if (row->argument == ARGUMENT_NONE && sub.argument.len > 0)
        control_bad_argument(s, row->help);
    else if (s->login.must_change && row->verb != SITE_PSWD &&
             row->verb != SITE_HELP)
        control_reply(s, REPLY_MUST_CHANGE);
    else if (row->rights & ~s->login.rights)
        dispatch_refuse_right(s, row->rights & ~s->login.rights);
    else
        site_handlers[row->verb](s, &sub);
}
