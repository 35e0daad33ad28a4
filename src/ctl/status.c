/* "status" and "reload": one question each to the running server. */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/ipc/outcome.h"

#include "ctl.h"
#include "json.h"
#include "server.h"
#include "when.h"

#define LISTENERS_MAX 64 /* a server has 16 */

static const char *const state_words[SERVER_STATES] = {
    [SERVER_STARTS] = "starting",
    [SERVER_RUNS] = "running",
    [SERVER_STOPS] = "stopping",
};

struct status {
    struct address listener[LISTENERS_MAX];
    size_t listeners;
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

static int ask_status(struct server *s, struct status *st)
{
    struct packet request = { .message = MSG_STATUS }, p;
    int code = server_ask(s, &request, &p);

    while (code == 0 && p.message == MSG_STATUS_LISTENER) {
        if (st->listeners == LISTENERS_MAX)
            return lie(s, "too many listeners");
        st->listener[st->listeners++] = p.value[0].address;
        code = server_next(s, &request, &p);
    }
    return code ? code : take_status(s, &p, st);
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
    printf("sessions:  %" PRIu64 " of %" PRIu64 ", %" PRIu64 " logged in\n",
           st->sessions, st->limit, st->logged_in);
    printf("users:     %" PRIu64 "\n", st->users);
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
        json_pack("{s:s, s:o, s:I, s:s?, s:o, s:I, s:I, s:I, s:I}", "state",
                  st->state, "version", json_text(s->version), "pid",
                  (json_int_t)s->pid, "since",
                  st->since > 0 ? when_text(st->since, when) : NULL,
                  "listening", listen, "sessions", (json_int_t)st->sessions,
                  "logged_in", (json_int_t)st->logged_in, "max_sessions",
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
