/* "who": the sessions of the running server, and what each of them does. The
 * server knows the first part; for the second it asks the sessions, and one
 * that doesn't answer in time is busy. All texts come from others. */
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "sallyport/base/address.h"
#include "sallyport/base/clock.h"

#define SERIAL_TEXT_MAX 17
#define ESCAPED_MAX     (4 * MESSAGE_TEXT_MAX + 1) /* \xNN for each byte */
/* ms: sessions that don't answer hold up each page for a second. */
#define LOOK_MS 3000

/* Escaped for printing; null for an empty text. */
static json_t *who_text(struct slice text)
{
    char out[ESCAPED_MAX];

    if (text.len == 0)
        return json_null();
    return json_text(server_escape(text, out, sizeof(out)) == 0 ? out : "?");
}

/* A number that JSON can't hold is a lie. */
static json_int_t who_number(uint64_t n)
{
    return n < INT64_MAX ? (json_int_t)n : INT64_MAX;
}

static const char *who_serial(uint64_t serial, char out[SERIAL_TEXT_MAX])
{
    snprintf(out, SERIAL_TEXT_MAX, "%016" PRIx64, serial);
    return out;
}

/* The rows are the members of an object, so that they are found again. */
static int who_add(struct row_listing *l, const char *serial, json_t *row)
{
    return json_object_set_new(l->json, serial, row) == 0
               ? 0
               : ctl_fail(l->server.x, EX_OSERR, "no memory");
}

static int who_ask(struct server *s, uint64_t place)
{
    return SEND(&s->channel, who, server_request(s), .place = place);
}

static int who_take(struct row_listing *l, const struct message *m)
{
    const struct msg_who_is *msg = &m->who_is;
    char serial[SERIAL_TEXT_MAX], client[ADDRESS_TEXT_MAX];
    char local[ADDRESS_TEXT_MAX];
    int64_t now = time(NULL);

    who_serial(msg->serial, serial);
    return who_add(
        l, serial,
        json_pack("{s:s, s:o, s:s, s:s, s:o, s:I, s:o, s:b}", "serial", serial,
                  "user", who_text(msg->user), "client",
                  address_port_text(&msg->peer, client), "listener",
                  address_port_text(&msg->local, local), "since",
                  json_time(msg->since), "age",
                  (json_int_t)(msg->since < now ? now - msg->since : 0),
                  "logged_in", json_time(msg->login), "busy", true));
}

static json_int_t who_rate(const struct msg_doing *d)
{
    double rate = d->ms > 0 ? (double)d->bytes * 1000 / (double)d->ms : 0;

    return rate < 1e15 ? (json_int_t)rate : 0;
}

static int look_take(struct row_listing *l, const struct message *m)
{
    const struct msg_doing *d = &m->doing;
    char serial[SERIAL_TEXT_MAX];
    json_t *row = json_object_get(l->json, who_serial(d->serial, serial));
    json_t *more =
        json_pack("{s:b, s:o, s:o, s:o, s:o, s:I, s:o, s:I, s:I}", "busy",
                  false, "program", who_text(d->client), "tls",
                  who_text(d->tls), "command", who_text(d->verb), "path",
                  who_text(d->path), "bytes", who_number(d->bytes), "of",
                  d->of > 0 ? json_integer(who_number(d->of)) : json_null(),
                  "ms", who_number(d->ms), "rate", who_rate(d));

    if (row && more)
        json_object_update(row, more);
    json_decref(more);
    return more ? 0 : ctl_fail(l->server.x, EX_OSERR, "no memory");
}

static int look_ask(struct server *s, uint64_t place)
{
    return SEND(&s->channel, look, server_request(s), .place = place);
}

/* An older server doesn't know the question, and hangs up: then all sessions
 * stay busy. */
static int who_look(struct row_listing *l)
{
    uint64_t at = 0, end = clock_ms() + LOOK_MS;
    int code = 0;

    l->row = MSG_doing;
    l->end = MSG_look_end;
    l->ask = look_ask;
    l->take = look_take;
    do
        code = listing_page(l, &at);
    while (code == 0 && at > 0 && clock_ms() < end);
    if (code != EX_TEMPFAIL)
        return code;
    l->server.x->complaint.text[0] = '\0';
    return 0;
}

int who_read(struct context *x, json_t **ret)
{
    struct row_listing l = { .row = MSG_who_is,
                             .end = MSG_who_end,
                             .ask = who_ask,
                             .take = who_take,
                             .json = json_object() };
    uint64_t at = 0;
    int code = server_open(&l.server, x);
    const char *serial;
    json_t *row;

    do
        code = code ? code : listing_page(&l, &at);
    while (code == 0 && at > 0);
    if (code == 0)
        code = who_look(&l);
    server_close(&l.server);
    *ret = json_array();
    json_object_foreach(l.json, serial, row)
    {
        json_array_append(*ret, row);
    }
    json_decref(l.json);
    return code;
}

static const char *row_text(json_t *row, const char *key, const char *none)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : none;
}

static uint64_t row_number(json_t *row, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(row, key));
}

const char *who_amount(json_t *row, char out[WHO_AMOUNT_MAX])
{
    char bytes[SIZE_TEXT_MAX], of[SIZE_TEXT_MAX], rate[SIZE_TEXT_MAX];
    bool known = row_number(row, "of") > 0;

    out[0] = '\0';
    if (row_number(row, "ms") > 0)
        snprintf(out, WHO_AMOUNT_MAX, "%s%s%s, %s/s",
                 size_text(row_number(row, "bytes"), bytes),
                 known ? " of " : "",
                 known ? size_text(row_number(row, "of"), of) : "",
                 size_text(row_number(row, "rate"), rate));
    return out;
}

int who_count_transfers(struct context *x, uint64_t *ret)
{
    json_t *all, *row;
    int code = who_read(x, &all);
    size_t i;

    json_array_foreach(all, i, row)
    {
        *ret += row_number(row, "ms") > 0;
    }
    json_decref(all);
    return code;
}

/* The second line of a session: what it does, and with which program. */
static void who_print_doing(json_t *row)
{
    const char *command = row_text(row, "command", NULL);
    const char *path = row_text(row, "path", "");
    char amount[WHO_AMOUNT_MAX];

    if (json_is_true(json_object_get(row, "busy"))) {
        puts("    busy");
        return;
    }
    printf("    %s%s%s", command ? command : "idle", path[0] ? " " : "", path);
    if (who_amount(row, amount)[0])
        printf(", %s", amount);
    printf("; %s; %s\n", row_text(row, "program", "unnamed program"),
           row_text(row, "tls", "no TLS"));
}

static void who_print(json_t *row)
{
    char age[WHEN_MAX];

    printf("%s %-16s %8s %-24s %s\n", row_text(row, "serial", "-"),
           row_text(row, "user", "-"),
           when_ago(0, (int64_t)row_number(row, "age"), age),
           row_text(row, "client", "-"), row_text(row, "listener", "-"));
    who_print_doing(row);
}

int who_show(struct context *x)
{
    json_t *all, *row;
    int code = who_read(x, &all);
    size_t i;

    if (code == 0 && x->args.json)
        return json_write(x, all);
    if (code == 0 && json_array_size(all) == 0)
        puts("nobody is connected");
    else if (code == 0)
        printf("%-16s %-16s %8s %-24s %s\n", "SERIAL", "USER", "AGE", "CLIENT",
               "LISTENER");
    json_array_foreach(all, i, row)
    {
        if (code == 0)
            who_print(row);
    }
    json_decref(all);
    return code;
}
