/* Sends the events of a session to log. The process log adds the session's
 * serial and the client's address, which it has from master, so a session can't
 * forge them. */
#include "transfer.h"

#include <stdio.h>
#include <string.h>

#include "sallyport/base/clock.h"
#include "sallyport/domain/tls.h"
#include "sallyport/tls/stream.h"

#define STRANGER_MS 1000 /* ms between two events about strangers */
#define REASON_MAX  256

/* Begins an event of a session, with its user. */
static void report_begin(const struct session *s, struct event_record *r,
                         enum event event)
{
    event_begin(r, event);
    if (s->login.user[0])
        event_text(r, FIELD_USER, slice_from(s->login.user));
}

static void report_add_client(const struct session *s, struct event_record *r)
{
    if (s->login.user[0] && s->client[0])
        event_text(r, FIELD_CLIENT, slice_from(s->client));
}

void report_connect(struct session *s)
{
    char local[ADDRESS_TEXT_MAX], via[ADDRESS_TEXT_MAX];
    struct event_record r;

    report_begin(s, &r, EVENT_CONNECT);
    event_text(&r, FIELD_LOCAL,
               slice_from(address_port_text(&s->local, local)));
    if (s->via.family != 0)
        event_text(&r, FIELD_VIA, slice_from(address_port_text(&s->via, via)));
    event_send(&s->log, &r);
}

/* Adds the fingerprint, which is the first line of the certificate's claims.
 * TEXT must live as long as the record. */
static void report_add_certificate(struct session *s, struct event_record *r,
                                   char text[PIN_TEXT_MAX])
{
    struct buf claims;
    struct slice rest, line;

    buf_init(&claims, CLIENT_CLAIMS_MAX);
    stream_claims(s->control.stream, &claims);
    rest = buf_slice(&claims);
    if (rest.len > 0 && slice_cut(&rest, '\n', &line) &&
        slice_copy(line, text, PIN_TEXT_MAX) == 0)
        event_text(r, FIELD_CERTIFICATE, slice_from(text));
    buf_release(&claims);
}

void report_login(struct session *s)
{
    char certificate[PIN_TEXT_MAX];
    struct event_record r;

    report_begin(s, &r, EVENT_LOGIN);
    event_text(&r, FIELD_TLS, slice_from(stream_cipher(s->control.stream)));
    event_text(&r, FIELD_BINDING, slice_from(binding_words[s->login.binding]));
    report_add_certificate(s, &r, certificate);
    event_send(&s->log, &r);
}

void report_client(struct session *s)
{
    struct event_record r;

    if (!s->login.user[0] || !s->client[0])
        return;
    report_begin(s, &r, EVENT_CLIENT);
    event_text(&r, FIELD_NAME, slice_from(s->client));
    event_send(&s->log, &r);
}

/* People type passwords in place of the name, so the log doesn't get a text
 * that can't be a user's name. Capitals and @ are in many passwords, so the log
 * gets a name with them only if the user is verified. */
void report_login_failed(struct session *s, const char *reason, bool verified)
{
    const char *may = verified ? USER_NAME_LETTERS : NAME_LETTERS;
    struct slice name = slice_from(s->login.name);
    char certificate[PIN_TEXT_MAX];
    struct event_record r;

    if (name.len > USER_NAME_MAX || strspn(s->login.name, may) != name.len)
        name = SLICE("?");
    event_begin(&r, EVENT_LOGIN_FAILED);
    event_text(&r, FIELD_USER, name);
    event_text(&r, FIELD_REASON, slice_from(reason));
    report_add_certificate(s, &r, certificate);
    event_send(&s->log, &r);
}

void report_of_transfer(struct event_record *r, const struct session *s,
                        unsigned result, const char *reason,
                        struct slice stored_as)
{
    const struct transfer *t = &s->transfer;

    report_begin(s, r, EVENT_TRANSFER);
    event_text(r, FIELD_VERB, slice_from(command_name(t->verb)));
    event_text(r, FIELD_PATH, path_slice(&t->path));
    if (stored_as.len > 0)
        event_text(r, FIELD_TO, stored_as);
    event_number(r, FIELD_BYTES, t->bytes);
    if (stored_as.len > 0)
        event_number(r, FIELD_SIZE, t->offset);
    else if (t->file_size > 0 || t->promised != UINT64_MAX)
        event_number(r, FIELD_SIZE, t->file_size); /* an upload has no size */
    if (t->start > 0 && !transfer_is_listing(t))
        event_number(r, FIELD_FROM, t->start);
    event_number(r, FIELD_MS, clock_ms() - t->began);
    event_number(r, FIELD_RESULT, result);
    if (reason[0])
        event_text(r, FIELD_REASON, slice_from(reason));
    if (stored_as.len > 0 && t->sha256[0])
        event_text(r, FIELD_SHA256, slice_from(t->sha256));
    if (t->held[0])
        event_text(r, FIELD_HELD, slice_from(t->held));
    if (t->tls[0])
        event_text(r, FIELD_TLS, slice_from(t->tls));
    report_add_client(s, r);
}

void report_transfer(struct session *s, unsigned result, const char *reason)
{
    struct event_record r;

    report_of_transfer(&r, s, result, reason, NOTHING);
    event_send(&s->log, &r);
}

void report_stranger(struct session *s, const struct address *whose,
                     const char *why)
{
    char stranger[ADDRESS_TEXT_MAX], local[ADDRESS_TEXT_MAX];
    struct data_port *p = &s->port;
    struct event_record r;

    if (whose && (s->log.full || debt_take(&p->strangers, STRANGER_MS,
                                           STRANGER_MS, clock_ms()) > 0)) {
        p->silenced++;
        return;
    }
    if (!whose && p->silenced == 0)
        return;
    report_begin(s, &r, EVENT_DATA_REFUSED);
    if (whose) {
        event_text(&r, FIELD_LOCAL,
                   slice_from(address_port_text(&p->bound, local)));
        event_text(&r, FIELD_STRANGER,
                   slice_from(address_port_text(whose, stranger)));
    }
    event_text(&r, FIELD_REASON, slice_from(why));
    if (p->silenced > 0)
        event_number(&r, FIELD_NUMBER, p->silenced);
    p->silenced = 0;
    event_send(&s->log, &r);
}

void report_cut(struct session *s, const char *reason)
{
    enum transfer_state state = s->transfer.state;
    const char *more = "";
    char text[128];

    if (state_of_transfer(s)->decided)
        return;
    if (state == TRANSFER_COMMITTING)
        more = ", and no answer from files: the change may have been made";
    else if (state_of_transfer(s)->whole)
        more = ", before the upload was stored";
    snprintf(text, sizeof(text), "%s%s", reason, more);
    report_transfer(s, state == TRANSFER_COMMITTING ? 0 : s->told, text);
}

void report_of_change(struct event_record *r, const struct session *s,
                      const struct change *c, unsigned result,
                      const char *reason)
{
    report_begin(s, r, EVENT_CHANGE);
    event_text(r, FIELD_VERB, slice_from(c->verb));
    event_text(r, FIELD_PATH, c->path);
    if (c->to.len > 0)
        event_text(r, FIELD_TO, c->to);
    event_number(r, FIELD_RESULT, result);
    if (reason[0])
        event_text(r, FIELD_REASON, slice_from(reason));
}

/* Returns the reason for the log. If the argument of a reply says more than the
 * reply's row does, the reason contains the argument. */
static struct slice report_reason(enum reply r, struct slice argument,
                                  char text[REASON_MAX])
{
    const bool password = r == REPLY_PASSWORD_KEPT;

    if (r == REPLY_NO_RIGHT && argument.len > 0)
        return argument;
    if (argument.len == 0 ||
        !(password || r == REPLY_NO_DATA || r == REPLY_LOCAL_ERROR))
        return slice_from(reply_reason(r));
    snprintf(text, REASON_MAX, "%s%s %.*s",
             password ? "the password" : reply_reason(r), password ? "" : ":",
             (int)argument.len, argument.ptr);
    return slice_from(text);
}

/* control.c calls it for each reply, so the log has each refusal. Transfers and
 * changes have events of their own, which reach log before the client gets its
 * reply (final_reply.c). */
void report_refusal(struct session *s, enum reply r, struct slice argument)
{
    const struct dispatched_command *d = &s->dispatched;
    struct event_record e;
    char text[REASON_MAX];

    if (!reply_reason(r) || !s->login.user[0] || !d->command)
        return;
    /* Logs a CWD to a missing directory: a new partner's first mistake, which
     * leaves no other trace. Logs it once in a session, since some programs
     * look for directories in this way. */
    if (r == REPLY_NOT_FOUND && (s->was_lost || d->command->verb != VERB_CWD))
        return;
    s->was_lost |= r == REPLY_NOT_FOUND;
    report_begin(s, &e, EVENT_COMMAND_REFUSED);
    event_text(&e, FIELD_VERB, slice_from(command_name(d->command->verb)));
    if (d->has_path)
        event_text(&e, FIELD_PATH, path_slice(&s->subject));
    else if (d->argument.len > 0)
        event_text(&e, FIELD_TO, d->argument);
    event_number(&e, FIELD_RESULT, reply_code(r));
    event_text(&e, FIELD_REASON, report_reason(r, argument, text));
    event_send(&s->log, &e);
}

/* Ignores a proxy's health check. Ignores also a client that gate has refused:
 * gate itself logs these clients, at most one event a second. */
void report_end(struct session *s, enum ending ending, const char *cause)
{
    const bool secure = control_is_secure(s);
    struct event_record r;
    char reason[REASON_MAX];

    if (ending == ENDING_CHECK || ending == ENDING_KEPT_OUT)
        return;
    if (s->why[0])
        cause = s->why;
    else if ((ending == ENDING_TLS || ending == ENDING_LOGIN_TIME) &&
             s->implicit && !secure && stream_traffic(s->control.stream) == 0)
        /* A client that is set to explicit TLS waits for a greeting, which this
         * port never sends in plain text. */
        cause = "the client sent nothing; with explicit TLS it waits for a "
                "greeting, which a port of implicit TLS never sends";
    else if (ending == ENDING_CLOSED && secure && !s->control.first_line_seen)
        /* Clients with GnuTLS, and people who are asked, judge the certificate
         * after the handshake. They send no alert. */
        cause = "at once after the TLS handshake; it may not trust the "
                "certificate";
    else if ((ending == ENDING_CLOSED || ending == ENDING_QUIT ||
              ending == ENDING_IDLE_TIME) &&
             s->port.came && !s->port.used)
        cause = "a data connection came, and no command for it; the client may "
                "wait for TLS there before it sends the command";
    /* Nobody has answered the login. If the client leaves, nobody refuses it.
     */
    if (s->login.request != 0 && !s->login.user[0] && ending != ENDING_CLOSED &&
        ending != ENDING_TLS)
        report_login_failed(s,
                            ending == ENDING_NO_LOGIN ? "no answer in time"
                                                      : ending_text(ending),
                            s->login.version != 0); /* it was granted */
    report_begin(s, &r, EVENT_END);
    event_number(&r, FIELD_BYTES, s->total);
    event_number(&r, FIELD_MS, clock_ms() - s->began);
    if (secure)
        event_text(&r, FIELD_TLS, slice_from(stream_cipher(s->control.stream)));
    report_add_client(s, &r);
    snprintf(reason, sizeof(reason), "%s%s%s", ending_text(ending),
             cause[0] ? ": " : "", cause);
    event_text(&r, FIELD_REASON, slice_from(reason));
    event_send(&s->log, &r);
}

/* Cuts the beginning of a path that is too long: the end says more. */
static struct slice report_tail(struct slice path)
{
    size_t cut = path.len > MESSAGE_TEXT_MAX ? path.len - MESSAGE_TEXT_MAX : 0;

    return (struct slice){ path.ptr + cut, path.len - cut };
}

/* Ignores a full channel: if master doesn't read, it doesn't need the
 * answer. */
int report_on_look_at(void *owner, struct msg_look_at *m)
{
    struct session *s = owner;
    const struct transfer *t = &s->transfer;
    const struct dispatched_command *last = &s->dispatched;
    struct msg_doing d = { .request = m->request,
                           .client = slice_from(s->client) };

    if (control_is_secure(s))
        d.tls = slice_from(stream_cipher(s->control.stream));
    if (t->state != TRANSFER_NONE) {
        d.verb = slice_from(command_name(t->verb));
        d.path = report_tail(path_slice(&t->path));
        d.bytes = t->bytes;
        d.of = transfer_is_upload(t)       ? t->announced
               : t->promised != UINT64_MAX ? t->promised
                                           : t->size;
        d.ms = clock_ms() - t->began;
    } else if (s->ask.message != MSG_NONE && last->command) {
        /* a command that waits for files */
        d.verb = slice_from(command_name(last->command->verb));
        if (last->has_path)
            d.path = report_tail(path_slice(&s->subject));
    }
    channel_send(&s->master, MSG_doing, &d);
    return 0;
}
