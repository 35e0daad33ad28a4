/* "status" and "reload": each asks the running server one question. */
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/domain/bans.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ipc/generation.h"

#define LISTENERS_MAX 64 /* a server has at most 16 */
#define DAY_S         86400
#define GUESSERS_MAX  5

static const char *const state_words[SERVER_STATES] = {
    [SERVER_STARTS] = "starting",
    [SERVER_RUNS] = "running",
    [SERVER_STOPS] = "stopping",
};

struct certificate {
    char file[STATUS_TEXT_MAX],
        ocsp[STATUS_TEXT_MAX]; /* ocsp "": none is configured */
    int64_t expires, ocsp_until;
    char sha256[FINGERPRINT_TEXT_MAX], pin[KEY_PIN_TEXT_MAX]; /* "": unknown */
};

struct status {
    struct address listener[LISTENERS_MAX];
    size_t listeners;
    struct certificate certificate[CERTIFICATES_MAX];
    size_t certificates;
    const char *state;
    int64_t since;
    uint64_t sessions, logged_in, limit, users;
    bool knows_guessing; /* an older server doesn't */
    struct msg_guessing_is guessing;
    struct msg_guesser guesser[GUESSERS_MAX];
    size_t guessers;
    uint64_t pid, generations; /* 0: an older server doesn't know */
    uint64_t transfers;        /* under way; sessions that are busy don't say */
    bool knows_transfers;
    char away[STATUS_TEXT_MAX];    /* what can't be reached; "": nothing */
    char refused[STATUS_TEXT_MAX]; /* why the users file is; "": it isn't */
    bool knows_totals;
    struct msg_totals_is totals;
};

static void take_status(const struct msg_status_is *msg, struct status *st)
{
    st->state = state_words[msg->state];
    st->since = msg->since;
    st->sessions = msg->sessions;
    st->logged_in = msg->logged_in;
    st->limit = msg->limit;
    st->users = msg->users;
}

static int take_listener(struct server *s,
                         const struct msg_status_listener *msg,
                         struct status *st)
{
    if (st->listeners == LISTENERS_MAX)
        return server_lies(s->x, "too many listeners");
    st->listener[st->listeners++] = msg->bound;
    return 0;
}

/* Another user may have written the paths, into the configuration. */
static int status_take_certificate(struct server *s,
                                   const struct msg_status_certificate *msg,
                                   struct status *st)
{
    struct certificate *c = &st->certificate[st->certificates];

    if (st->certificates == CERTIFICATES_MAX)
        return server_lies(s->x, "too many certificates");
    if (server_escape(msg->path, c->file, sizeof(c->file)) < 0 ||
        server_escape(msg->staple_path, c->ocsp, sizeof(c->ocsp)) < 0)
        return server_lies(s->x, "a path that is too long");
    c->expires = msg->expires;
    c->ocsp_until = msg->staple_until;
    st->certificates++;
    return 0;
}

static int ask_status(struct server *s, struct status *st)
{
    struct message m;
    int code =
        server_asked(s, SEND(&s->channel, status, server_request(s)), &m);

    while (code == 0 && m.kind != MSG_status_is) {
        if (m.kind == MSG_status_listener)
            code = take_listener(s, &m.status_listener, st);
        else if (m.kind == MSG_status_certificate)
            code = status_take_certificate(s, &m.status_certificate, st);
        else
            code = server_lies(s->x, "no answer to status");
        if (code == 0)
            code = server_next(s, &m);
    }
    if (code == 0)
        take_status(&m.status_is, st);
    return code;
}

static int ask_guessing_of(struct server *s, struct status *st)
{
    struct message m;
    int code =
        server_asked(s, SEND(&s->channel, guessing, server_request(s)), &m);

    while (code == 0 && m.kind == MSG_guesser) {
        if (st->guessers == GUESSERS_MAX)
            return server_lies(s->x, "too many addresses");
        st->guesser[st->guessers++] = m.guesser;
        code = server_next(s, &m);
    }
    if (code == 0 && m.kind != MSG_guessing_is)
        code = server_lies(s->x, "no answer to guessing");
    if (code)
        return code;
    st->knows_guessing = true;
    st->guessing = m.guessing_is;
    return 0;
}

static int ask_details_of(struct server *s, struct status *st)
{
    struct certificate *c = st->certificate;
    struct message m;
    int code =
        server_asked(s, SEND(&s->channel, details, server_request(s)), &m);

    while (code == 0 && m.kind == MSG_details_certificate) {
        if (c == st->certificate + st->certificates ||
            server_escape(m.details_certificate.fingerprint, c->sha256,
                          sizeof(c->sha256)) < 0 ||
            server_escape(m.details_certificate.pin, c->pin, sizeof(c->pin)) <
                0)
            return server_lies(s->x, "a certificate that isn't there");
        c++;
        code = server_next(s, &m);
    }
    if (code == 0 && m.kind != MSG_details_is)
        code = server_lies(s->x, "no answer to details");
    if (code)
        return code;
    st->pid = m.details_is.pid;
    st->generations = m.details_is.generations;
    return 0;
}

static int ask_draining_of(struct server *s, struct status *st)
{
    bool on;
    int code = drain_ask(s, DRAIN_ASK, &on);

    if (on && st->state == state_words[SERVER_RUNS])
        st->state = "draining";
    return code;
}

int status_ask_away(struct server *s, char away[STATUS_TEXT_MAX])
{
    struct message m;
    int code = server_asked(s, SEND(&s->channel, away, server_request(s)), &m);

    if (code == 0 && m.kind != MSG_away_is)
        code = server_lies(s->x, "no answer to away");
    if (code == 0 && server_words(m.away_is.what, away, STATUS_TEXT_MAX) < 0)
        code = server_lies(s->x, "a text that is too long");
    return code;
}

static int ask_away_of(struct server *s, struct status *st)
{
    return status_ask_away(s, st->away);
}

int status_ask_refused(struct server *s, char why[STATUS_TEXT_MAX])
{
    struct message m;
    int code = server_asked(
        s, SEND(&s->channel, users_refused, server_request(s)), &m);

    if (code == 0 && m.kind != MSG_users_refused_is)
        code = server_lies(s->x, "no answer to users_refused");
    if (code == 0 &&
        server_words(m.users_refused_is.why, why, STATUS_TEXT_MAX) < 0)
        code = server_lies(s->x, "a text that is too long");
    return code;
}

static int ask_refused_of(struct server *s, struct status *st)
{
    return status_ask_refused(s, st->refused);
}

static int ask_totals_of(struct server *s, struct status *st)
{
    struct message m;
    int code =
        server_asked(s, SEND(&s->channel, totals, server_request(s)), &m);

    if (code == 0 && m.kind != MSG_totals_is)
        code = server_lies(s->x, "no answer to totals");
    if (code)
        return code;
    st->knows_totals = true;
    st->totals = m.totals_is;
    return 0;
}

/* A server of another version may not know the question, and hangs up. */
static int ask_if_known(struct server *s, struct status *st,
                        int (*ask)(struct server *s, struct status *st))
{
    int code = ask(s, st);

    if (code == EX_TEMPFAIL && strcmp(s->version, SALLYPORT_VERSION) != 0) {
        s->x->complaint.text[0] = '\0';
        return 0;
    }
    return code;
}

/* Whole days from now on; negative: before now. */
static int64_t days_until(int64_t seconds)
{
    int64_t now = time(NULL);

    return seconds <= now ? -1 : (seconds - now) / DAY_S;
}

static void print_certificate(const struct certificate *c)
{
    char when[WHEN_MAX];

    printf("%s", c->file);
    if (c->expires > 0 && days_until(c->expires) < 0)
        printf(", EXPIRED %s: most clients refuse it; renew it, and reload",
               when_text(c->expires, when));
    else if (c->expires > 0)
        printf(", expires %s (%" PRId64 " d)", when_text(c->expires, when),
               days_until(c->expires));
    if (days_until(c->ocsp_until) >= 0)
        printf(", OCSP until %s", when_text(c->ocsp_until, when));
    else if (c->ocsp[0])
        printf(", no OCSP response that counts");
    putchar('\n');
    if (c->sha256[0])
        printf("    SHA-256 %s\n    pin %s\n", c->sha256, c->pin);
}

/* An IPv6 address stands for its /64. */
static const char *guesser_text(const struct msg_guesser *g,
                                char out[BAN_TEXT_MAX])
{
    return ban_text(&g->address, address_client_bits(&g->address), out);
}

static void print_guessing(const struct status *st)
{
    char text[BAN_TEXT_MAX];

    if (!st->knows_guessing)
        return;
    printf("guessing:  %" PRIu64 " wrong password%s in the last hour, from "
           "%" PRIu64 " address%s\n",
           st->guessing.wrong, st->guessing.wrong == 1 ? "" : "s",
           st->guessing.addresses, st->guessing.addresses == 1 ? "" : "es");
    for (size_t i = 0; i < st->guessers; i++)
        printf("           %" PRIu64 " from %s\n", st->guesser[i].wrong,
               guesser_text(&st->guesser[i], text));
    printf("bans:      %" PRIu64 "\n", st->guessing.bans);
}

/* The server's pid is that of the supervisor, which has started the
 * generations. */
static void print_generation(const struct status *st)
{
    char when[WHEN_MAX];

    printf("since:     %s",
           st->since > 0 ? when_text(st->since, when) : "not yet");
    if (st->pid > 0)
        printf(" (this generation, pid %" PRIu64 ")", st->pid);
    if (st->generations > 1)
        printf(", %" PRIu64 " older with sessions", st->generations - 1);
    putchar('\n');
}

static void print_totals(const struct msg_totals_is *t)
{
    char in[SIZE_TEXT_MAX], out[SIZE_TEXT_MAX];

    printf("ended:     %" PRIu64 " complete, %" PRIu64 " failed, %s received, "
           "%s sent, %" PRIu64 " failed login%s since the service started\n"
           "           unfinished uploads: sallyportctl partials list\n",
           t->complete, t->failed, size_text(t->bytes_in, in),
           size_text(t->bytes_out, out), t->logins_failed,
           t->logins_failed == 1 ? "" : "s");
}

static void print_status(const struct server *s, const struct status *st)
{
    char text[ADDRESS_TEXT_MAX];

    printf("server:    %s, version %s, pid %" PRIu64 "\n", st->state,
           s->version, s->pid);
    if (st->away[0])
        printf("AWAY:      new clients get 421: %s\n", st->away);
    if (st->refused[0])
        printf("USERS:     the old users stay: %s\n", st->refused);
    print_generation(st);
    for (size_t i = 0; i < st->listeners; i++)
        printf("%s %s\n", i == 0 ? "listening:" : "          ",
               address_port_text(&st->listener[i], text));
    for (size_t i = 0; i < st->certificates; i++) {
        fputs(i == 0 ? "certificates:\n  " : "  ", stdout);
        print_certificate(&st->certificate[i]);
    }
    printf("sessions:  %" PRIu64 " of %" PRIu64 ", %" PRIu64 " logged in\n",
           st->sessions, st->limit, st->logged_in);
    if (st->knows_transfers)
        printf("transfers: %" PRIu64 "\n", st->transfers);
    else if (st->generations > 0)
        puts("transfers: unknown");
    if (st->knows_totals)
        print_totals(&st->totals);
    printf("users:     %" PRIu64 "\n", st->users);
    print_guessing(st);
}

static json_t *certificates_json(const struct status *st)
{
    json_t *all = json_array();

    for (size_t i = 0; i < st->certificates; i++) {
        const struct certificate *c = &st->certificate[i];
        bool counts = days_until(c->ocsp_until) >= 0;

        json_array_append_new(
            all, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "file",
                           json_text(c->file), "expires", json_time(c->expires),
                           "days",
                           c->expires > 0 ? json_integer(days_until(c->expires))
                                          : json_null(),
                           "ocsp_file",
                           c->ocsp[0] ? json_text(c->ocsp) : json_null(),
                           "ocsp_until", json_time(counts ? c->ocsp_until : 0),
                           "sha256", json_slice(slice_from(c->sha256)), "pin",
                           json_slice(slice_from(c->pin))));
    }
    return all;
}

/* null: the server is older, and doesn't know. */
static json_t *guessing_json(const struct status *st)
{
    char text[BAN_TEXT_MAX];
    json_t *worst = json_array();

    for (size_t i = 0; i < st->guessers; i++)
        json_array_append_new(
            worst, json_pack("{s:s, s:I}", "address",
                             guesser_text(&st->guesser[i], text), "wrong",
                             (json_int_t)st->guesser[i].wrong));
    if (st->knows_guessing)
        return json_pack("{s:I, s:I, s:o}", "wrong",
                         (json_int_t)st->guessing.wrong, "addresses",
                         (json_int_t)st->guessing.addresses, "worst", worst);
    json_decref(worst);
    return json_null();
}

static json_t *json_known(const struct status *st, uint64_t n)
{
    return st->generations > 0 ? json_integer((json_int_t)n) : json_null();
}

static json_t *totals_json(const struct status *st)
{
    const struct msg_totals_is *t = &st->totals;

    if (!st->knows_totals)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "complete",
                     (json_int_t)t->complete, "failed", (json_int_t)t->failed,
                     "bytes_in", (json_int_t)t->bytes_in, "bytes_out",
                     (json_int_t)t->bytes_out, "logins_failed",
                     (json_int_t)t->logins_failed);
}

static json_t *status_json(const struct server *s, const struct status *st)
{
    char text[ADDRESS_TEXT_MAX], when[WHEN_MAX];
    json_t *listen = json_array();

    for (size_t i = 0; i < st->listeners; i++)
        json_array_append_new(
            listen, json_string(address_port_text(&st->listener[i], text)));
    return json_pack(
        "{s:s, s:o, s:o, s:I, s:s?, s:o, s:o, s:I, s:I, s:I, s:I, s:o, "
        "s:o, s:o, s:o, s:o, s:o, s:o}",
        "state", st->state, "away",
        st->away[0] ? json_text(st->away) : json_null(), "version",
        json_text(s->version), "pid", (json_int_t)s->pid, "since",
        st->since > 0 ? when_text(st->since, when) : NULL, "listening", listen,
        "certificates", certificates_json(st), "sessions",
        (json_int_t)st->sessions, "logged_in", (json_int_t)st->logged_in,
        "max_sessions", (json_int_t)st->limit, "users", (json_int_t)st->users,
        "guessing", guessing_json(st), "bans",
        st->knows_guessing ? json_integer((json_int_t)st->guessing.bans)
                           : json_null(),
        "generation_pid", json_known(st, st->pid), "generations",
        json_known(st, st->generations), "transfers",
        st->knows_transfers ? json_integer((json_int_t)st->transfers)
                            : json_null(),
        "totals", totals_json(st), "users_refused",
        st->refused[0] ? json_text(st->refused) : json_null());
}

static int status_ask(struct context *x, struct server *s, struct status *st)
{
    int code = server_open(s, x);

    if (code == 0)
        code = ask_status(s, st);
    if (code == 0)
        code = ask_if_known(s, st, ask_guessing_of);
    if (code == 0 && st->knows_guessing)
        code = ask_if_known(s, st, ask_details_of);
    if (code == 0 && st->generations > 0)
        code = ask_if_known(s, st, ask_draining_of);
    if (code == 0 && st->generations > 0)
        code = ask_if_known(s, st, ask_totals_of);
    if (code == 0 && st->knows_totals)
        code = ask_if_known(s, st, ask_away_of);
    if (code == 0 && st->knows_totals)
        code = ask_if_known(s, st, ask_refused_of);
    server_close(s);
    return code;
}

int status_read(struct context *x, json_t **ret)
{
    struct status st = { 0 };
    struct server s;
    int code = status_ask(x, &s, &st);

    *ret = code == 0 ? status_json(&s, &st) : NULL;
    return code;
}

int status_show(struct context *x)
{
    struct status st = { 0 };
    struct server s;
    int code = status_ask(x, &s, &st);

    if (code == 0 && st.generations > 0) {
        st.knows_transfers = who_count_transfers(x, &st.transfers) == 0;
        x->complaint.text[0] = '\0'; /* the rest is known */
    }
    if (code == 0 && x->args.json)
        code = json_write(x, status_json(&s, &st));
    else if (code == 0)
        print_status(&s, &st);
    return code;
}

/* Master hangs up after 150 s: a start may take 60 s, and a takeover 12 s; the
 * reload may have to wait for another start. */
#define RELOAD_PATIENCE 6 /* times that for other answers: 180 s */

/* A reload that only waits, and a takeover that has failed, say themselves what
 * goes on. */
int status_reload_failed(struct context *x, int code)
{
    char *text = x->complaint.text, *end = text + strlen(text);
    const size_t room = (size_t)(text + COMPLAINT_MAX - end);
    const bool again = slice_starts(slice_from(text), SLICE(GENERATION_AGAIN));

    if (code == EX_CONFIG)
        snprintf(end, room, "; a running server continues as before");
    else if (code == EX_DATAERR || again)
        snprintf(end, room, "; the running server continues as before%s",
                 strstr(text, GENERATION_FOREIGN)
                     ? "; restart it once: sallyportctl drain --timeout 30min; "
                       "systemctl restart sallyport"
                     : "");
    return code;
}

int status_reload(struct context *x)
{
    struct message m;
    struct server s;
    int code = server_open(&s, x);

    s.patience *= RELOAD_PATIENCE;
    if (code == 0)
        code =
            server_asked(&s, SEND(&s.channel, reload, server_request(&s)), &m);
    if (code == 0 && m.kind != MSG_control_done)
        code = server_lies(x, "no answer to reload");
    if (code == 0)
        puts("reloaded: new sessions get the new configuration, certificates "
             "and users file");
    server_close(&s);
    return code;
}
