/* "status" and "reload": one question each to the running server. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/outcome.h"

#include "ctl.h"
#include "json.h"
#include "server.h"
#include "when.h"

#define LISTENERS_MAX 64 /* a server has 16 */
#define ESCAPED_MAX   8192
#define DAY_S         86400

static const char *const state_words[SERVER_STATES] = {
    [SERVER_STARTS] = "starting",
    [SERVER_RUNS] = "running",
    [SERVER_STOPS] = "stopping",
};

struct certificate {
    char *file, *ocsp; /* fit to print; ocsp "": none is configured */
    uint64_t expires, ocsp_until;
};

struct status {
    struct address listener[LISTENERS_MAX];
    size_t listeners;
    struct certificate certificate[SETTINGS_PAIRS_MAX];
    size_t certificates;
    const char *state;
    uint64_t since, sessions, logged_in, limit, users;
};

static int lie(struct server *s, const char *what)
{
    return ctl_fail(s->x, EX_PROTOCOL, "the server lies: %s", what);
}

static int take_status(struct server *s, const struct packet *p,
                       struct status *st)
{
    if (p->message != MSG_STATUS_IS)
        return lie(s, "no answer to status");
    if (p->value[0].number >= SERVER_STATES)
        return lie(s, "an unknown state");
    st->state = state_words[p->value[0].number];
    st->since = p->value[1].number;
    st->sessions = p->value[2].number;
    st->logged_in = p->value[3].number;
    st->limit = p->value[4].number;
    st->users = p->value[5].number;
    return 0;
}

static int take_listener(struct server *s, const struct packet *p,
                         struct status *st)
{
    if (st->listeners == LISTENERS_MAX)
        return lie(s, "too many listeners");
    st->listener[st->listeners++] = p->value[0].address;
    return 0;
}

/* A path of the configuration, which another might have written. */
static char *escaped(struct slice text)
{
    struct buf b;
    char *copy = NULL;

    buf_init(&b, ESCAPED_MAX);
    if (event_escape(text, &b) == 0)
        copy = b.len > 0 ? strndup((const char *)b.data, b.len) : strdup("");
    buf_release(&b);
    return copy;
}

static int take_certificate(struct server *s, const struct packet *p,
                            struct status *st)
{
    struct certificate *c = &st->certificate[st->certificates];

    if (st->certificates == SETTINGS_PAIRS_MAX)
        return lie(s, "too many certificates");
    st->certificates++;
    *c = (struct certificate){ .file = escaped(p->value[0].text),
                               .ocsp = escaped(p->value[1].text),
                               .expires = p->value[2].number,
                               .ocsp_until = p->value[3].number };
    return c->file && c->ocsp ? 0 : ctl_fail(s->x, EX_OSERR, "no memory");
}

static void release(struct status *st)
{
    for (size_t i = 0; i < st->certificates; i++) {
        free(st->certificate[i].file);
        free(st->certificate[i].ocsp);
    }
}

static int ask_status(struct server *s, struct status *st)
{
    struct packet request = { .message = MSG_STATUS }, p;
    int code = server_ask(s, &request, &p);

    while (code == 0 && (p.message == MSG_STATUS_LISTENER ||
                         p.message == MSG_STATUS_CERTIFICATE)) {
        code = p.message == MSG_STATUS_LISTENER ? take_listener(s, &p, st)
                                                : take_certificate(s, &p, st);
        if (code == 0)
            code = server_next(s, &request, &p);
    }
    return code ? code : take_status(s, &p, st);
}

/* Whole days from now on, negative for none. */
static int64_t days_until(uint64_t seconds)
{
    int64_t left = seconds > INT64_MAX ? 0 : (int64_t)seconds - time(NULL);

    return left <= 0 ? -1 : left / DAY_S;
}

static void print_certificate(const struct certificate *c)
{
    char when[WHEN_MAX];

    printf("%s", c->file);
    if (c->expires > 0 && days_until(c->expires) < 0)
        printf(", expired %s", when_text(c->expires, when));
    else if (c->expires > 0)
        printf(", expires %s (%" PRId64 " d)", when_text(c->expires, when),
               days_until(c->expires));
    if (days_until(c->ocsp_until) >= 0)
        printf(", OCSP until %s", when_text(c->ocsp_until, when));
    else if (c->ocsp[0])
        printf(", no OCSP response that counts");
    putchar('\n');
}

static void print_plain(const struct server *s, const struct status *st)
{
    char text[ADDRESS_TEXT_MAX], when[WHEN_MAX];

    printf("server:    %s, version %s, pid %" PRIu64 "\n", st->state,
           s->version, s->pid);
    if (st->since > 0)
        printf("since:     %s\n", when_text(st->since, when));
    for (size_t i = 0; i < st->listeners; i++)
        printf("%s %s\n", i == 0 ? "listening:" : "          ",
               address_port_text(&st->listener[i], text));
    for (size_t i = 0; i < st->certificates; i++) {
        fputs(i == 0 ? "certificates:\n  " : "  ", stdout);
        print_certificate(&st->certificate[i]);
    }
    printf("sessions:  %" PRIu64 " of %" PRIu64 ", %" PRIu64 " logged in\n",
           st->sessions, st->limit, st->logged_in);
    printf("users:     %" PRIu64 "\n", st->users);
}

static json_t *time_json(uint64_t seconds)
{
    char when[WHEN_MAX];

    return seconds > 0 ? json_string(when_text(seconds, when)) : json_null();
}

static json_t *certificates_json(const struct status *st)
{
    json_t *all = json_array();

    for (size_t i = 0; i < st->certificates; i++) {
        const struct certificate *c = &st->certificate[i];
        bool counts = days_until(c->ocsp_until) >= 0;

        json_array_append_new(
            all, json_pack(
                     "{s:o, s:o, s:o, s:o, s:o}", "file", json_text(c->file),
                     "expires", time_json(c->expires), "days",
                     c->expires > 0 ? json_integer(days_until(c->expires))
                                    : json_null(),
                     "ocsp_file", c->ocsp[0] ? json_text(c->ocsp) : json_null(),
                     "ocsp_until", time_json(counts ? c->ocsp_until : 0)));
    }
    return all;
}

static int print_json(const struct server *s, const struct status *st)
{
    char text[ADDRESS_TEXT_MAX], when[WHEN_MAX];
    json_t *listen = json_array();

    for (size_t i = 0; i < st->listeners; i++)
        json_array_append_new(
            listen, json_string(address_port_text(&st->listener[i], text)));
    return json_write(
        s->x,
        json_pack("{s:s, s:o, s:I, s:s?, s:o, s:o, s:I, s:I, s:I, s:I}",
                  "state", st->state, "version", json_text(s->version), "pid",
                  (json_int_t)s->pid, "since",
                  st->since > 0 ? when_text(st->since, when) : NULL,
                  "listening", listen, "certificates", certificates_json(st),
                  "sessions", (json_int_t)st->sessions, "logged_in",
                  (json_int_t)st->logged_in, "max_sessions",
                  (json_int_t)st->limit, "users", (json_int_t)st->users));
}

int server_status(struct context *x)
{
    struct status st = { 0 };
    struct server s;
    int code = server_open(&s, x);

    if (code == 0)
        code = ask_status(&s, &st);
    if (code == 0 && x->args.json)
        code = print_json(&s, &st);
    else if (code == 0)
        print_plain(&s, &st);
    release(&st);
    server_close(&s);
    return code;
}

int server_reload(struct context *x)
{
    struct packet request = { .message = MSG_RELOAD }, p;
    struct server s;
    int code = server_open(&s, x);

    if (code == 0)
        code = server_ask(&s, &request, &p);
    if (code == 0 && p.message != MSG_CONTROL_DONE)
        code = lie(&s, "no answer to reload");
    if (code == 0)
        puts("reloaded: configuration, certificates and users file; the log "
             "names settings that need a restart");
    server_close(&s);
    return code;
}
