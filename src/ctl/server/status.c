/* "status" and "reload": each asks the running server one question. What
 * "status" reads is also what "doctor", "top" and the first screen know of the
 * server. */
#include "rows.h"

#include <inttypes.h>

#include "sallyport/ipc/generation.h"

static const struct column certificate_columns[] = {
    COLUMN(file, TEXT),        COLUMN(expires, TIME),
    COLUMN(days, DAYS),        COLUMN(ocsp_file, TEXT),
    COLUMN(ocsp_until, AHEAD), COLUMN(sha256, TEXT),
    COLUMN(pin, TEXT),         COLUMNS_END,
};
static const struct column worst_columns[] = {
    COLUMN(address, TEXT),
    COLUMN(wrong, NUMBER),
    COLUMNS_END,
};
static const struct column guessing_columns[] = {
    COLUMN(wrong, NUMBER),
    COLUMN(addresses, NUMBER),
    COLUMNS(worst, ROWS, worst_columns),
    COLUMNS_END,
};
static const struct column totals_columns[] = {
    COLUMN(complete, NUMBER),      COLUMN(failed, NUMBER),
    COLUMN(bytes_in, NUMBER),      COLUMN(bytes_out, NUMBER),
    COLUMN(logins_failed, NUMBER), COLUMNS_END,
};
static const struct column status_columns[] = {
    COLUMN(state, TEXT),
    COLUMN(away, WORDS),
    COLUMN(version, LATER),
    COLUMN(pid, LATER),
    COLUMN(since, TIME),
    COLUMN(listening, LIST),
    COLUMNS(certificates, ROWS, certificate_columns),
    COLUMN(sessions, NUMBER),
    COLUMN(logged_in, NUMBER),
    COLUMN(max_sessions, NUMBER),
    COLUMN(users, NUMBER),
    COLUMNS(guessing, ROW, guessing_columns),
    COLUMN(bans, NUMBER),
    COLUMN(generation_pid, NUMBER),
    COLUMN(generations, NUMBER),
    COLUMN(transfers, LATER),
    COLUMNS(totals, ROW, totals_columns),
    COLUMN(users_refused, WORDS),
    COLUMNS_END,
};

int status_of(struct server *s, json_t **ret)
{
    int code = rows_read(s, SHOW_STATUS, status_columns, INT64_MAX, ret);

    if (code == 0 && !text_of(*ret, "state", NULL))
        code = server_lies(s->x, "no state");
    if (code)
        return code;
    return json_object_set_new(*ret, "version", json_text(s->version)) == 0 &&
                   json_object_set_new(*ret, "pid",
                                       json_integer((json_int_t)s->pid)) == 0
               ? 0
               : ctl_no_memory(s->x);
}

int status_read(struct context *x, json_t **ret)
{
    struct server s;
    int code = server_open(&s, x);

    *ret = NULL;
    if (code == 0)
        code = status_of(&s, ret);
    server_close(&s);
    return code;
}

/* The server's pid is that of the supervisor, which has started the
 * generations. */
static void print_server(const json_t *all)
{
    const char *away = text_of(all, "away", NULL);
    const char *refused = text_of(all, "users_refused", NULL);
    const uint64_t generations = number_of(all, "generations");

    printf("server:    %s, version %s, pid %" PRIu64 "\n",
           text_of(all, "state", ""), text_of(all, "version", ""),
           number_of(all, "pid"));
    if (away)
        printf("AWAY:      new clients get 421: %s\n", away);
    if (refused)
        printf("USERS:     the old users stay: %s\n", refused);
    printf("since:     %s (this generation, pid %" PRIu64 ")",
           text_of(all, "since", "not yet"), number_of(all, "generation_pid"));
    if (generations > 1)
        printf(", %" PRIu64 " older with sessions", generations - 1);
    putchar('\n');
}

static void print_listeners(const json_t *all)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(all, "listening"), i, one)
    {
        const char *address = json_string_value(one);

        printf("%s %s\n", i == 0 ? "listening:" : "          ",
               address ? address : "");
    }
}

static void print_certificate(const json_t *c)
{
    const char *expires = text_of(c, "expires", NULL);
    const char *until = text_of(c, "ocsp_until", NULL);
    const json_int_t days = json_integer_value(json_object_get(c, "days"));

    printf("%s", text_of(c, "file", ""));
    if (expires && days < 0)
        printf(", EXPIRED %s: most clients refuse it; renew it, and reload",
               expires);
    else if (expires)
        printf(", expires %s (%" JSON_INTEGER_FORMAT " d)", expires, days);
    if (until)
        printf(", OCSP until %s", until);
    else if (text_of(c, "ocsp_file", NULL))
        printf(", no OCSP response that counts");
    putchar('\n');
    if (text_of(c, "sha256", NULL))
        printf("    SHA-256 %s\n    pin %s\n", text_of(c, "sha256", ""),
               text_of(c, "pin", ""));
}

static void print_certificates(const json_t *all)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(all, "certificates"), i, one)
    {
        fputs(i == 0 ? "certificates:\n  " : "  ", stdout);
        print_certificate(one);
    }
}

static void print_sessions(const json_t *all)
{
    const json_t *transfers = json_object_get(all, "transfers");

    printf("sessions:  %" PRIu64 " of %" PRIu64 ", %" PRIu64 " logged in\n",
           number_of(all, "sessions"), number_of(all, "max_sessions"),
           number_of(all, "logged_in"));
    if (json_is_integer(transfers))
        printf("transfers: %" JSON_INTEGER_FORMAT "\n",
               json_integer_value(transfers));
    else
        puts("transfers: unknown");
}

static void print_totals(const json_t *t)
{
    const uint64_t failed = number_of(t, "logins_failed");
    char in[SIZE_TEXT_MAX], out[SIZE_TEXT_MAX];

    printf("ended:     %" PRIu64 " complete, %" PRIu64 " failed, %s received, "
           "%s sent, %" PRIu64 " failed login%s since the service started\n"
           "           unfinished uploads: sallyportctl partials list\n",
           number_of(t, "complete"), number_of(t, "failed"),
           size_text(number_of(t, "bytes_in"), in),
           size_text(number_of(t, "bytes_out"), out), failed,
           failed == 1 ? "" : "s");
}

static void print_guessing(const json_t *g)
{
    const uint64_t wrong = number_of(g, "wrong");
    const uint64_t addresses = number_of(g, "addresses");
    const json_t *one;
    size_t i;

    printf("guessing:  %" PRIu64 " wrong password%s in the last hour, from "
           "%" PRIu64 " address%s\n",
           wrong, wrong == 1 ? "" : "s", addresses, addresses == 1 ? "" : "es");
    json_array_foreach(json_object_get(g, "worst"), i, one)
    {
        printf("           %" PRIu64 " from %s\n", number_of(one, "wrong"),
               text_of(one, "address", ""));
    }
}

static void print_status(const json_t *all)
{
    print_server(all);
    print_listeners(all);
    print_certificates(all);
    print_sessions(all);
    print_totals(json_object_get(all, "totals"));
    printf("users:     %" PRIu64 "\n", number_of(all, "users"));
    print_guessing(json_object_get(all, "guessing"));
    printf("bans:      %" PRIu64 "\n", number_of(all, "bans"));
}

int status_show(struct context *x)
{
    uint64_t transfers = 0;
    json_t *all;
    int code = status_read(x, &all);

    if (code == 0) {
        if (who_count_transfers(x, &transfers) == 0)
            json_object_set_new(all, "transfers",
                                json_integer((json_int_t)transfers));
        x->complaint.text[0] = '\0'; /* the rest is known */
    }
    if (code == 0 && x->args.json)
        return json_write(x, all);
    if (code == 0)
        print_status(all);
    json_decref(all);
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
