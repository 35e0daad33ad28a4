/* "who": the sessions of the running server, and what each of them does. The
 * server knows the first part; for the second it asks the sessions, and a
 * session that doesn't answer in time is busy. All texts come from others. */
#include "rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/address.h"

#define SERIAL_TEXT_MAX 17
/* ms: sessions that don't answer hold up each page for a second. */
#define LOOK_MS 3000
#define WATCH_S 2 /* between two lists of --watch */

/* The rows, and where they are found again: by their serials. */
struct sessions {
    json_t *list, *by_serial;
};

static int who_add(struct context *x, const struct sessions *all,
                   const struct msg_who_is *msg)
{
    char serial[SERIAL_TEXT_MAX], client[ADDRESS_TEXT_MAX];
    char local[ADDRESS_TEXT_MAX];
    int64_t now = time(NULL);
    json_t *row;
    int bad;

    snprintf(serial, sizeof(serial), "%016" PRIx64, msg->serial);
    row = json_pack("{s:s, s:o, s:s, s:s, s:o, s:I, s:o, s:b}", "serial",
                    serial, "user", json_foreign(msg->user), "client",
                    address_port_text(&msg->peer, client), "listener",
                    address_port_text(&msg->local, local), "since",
                    json_time(msg->since), "age",
                    (json_int_t)(msg->since < now ? now - msg->since : 0),
                    "logged_in", json_time(msg->login), "busy", true);
    bad = json_object_set(all->by_serial, serial, row);
    bad |= json_array_append_new(all->list, row);
    return bad ? ctl_no_memory(x) : 0;
}

/* A server of each version understands this. */
static int who_page(struct server *s, uint64_t *at, const struct sessions *all)
{
    struct message m;
    int code = server_asked(
        s, SEND(&s->channel, who, server_request(s), .place = *at), &m);

    while (code == 0 && m.kind == MSG_who_is) {
        code = who_add(s->x, all, &m.who_is);
        if (code == 0)
            code = server_next(s, &m);
    }
    if (code == 0 && m.kind != MSG_who_end)
        code = server_lies(s->x, "no answer to who");
    return code ? code : server_place(s, m.who_end.place, at);
}

static const struct column doing_columns[] = {
    COLUMN(serial, TEXT),  COLUMN(program, TEXT), COLUMN(tls, TEXT),
    COLUMN(command, TEXT), COLUMN(path, TEXT),    COLUMN(bytes, NUMBER),
    COLUMN(of, POSITIVE),  COLUMN(ms, NUMBER),    COLUMNS_END,
};
static const struct column look_columns[] = {
    COLUMNS(doing, ROWS, doing_columns),
    COLUMNS_END,
};

static json_int_t who_rate(const json_t *doing)
{
    const double ms = (double)number_of(doing, "ms");
    const double bytes = (double)number_of(doing, "bytes");
    const double rate = ms > 0 ? bytes * 1000 / ms : 0;

    return rate < 1e15 ? (json_int_t)rate : 0;
}

/* A session that has come meanwhile is left out. */
static int who_add_doing(struct context *x, const struct sessions *all,
                         json_t *doing)
{
    json_t *row = json_object_get(all->by_serial, text_of(doing, "serial", ""));
    const json_int_t rate = who_rate(doing);

    return !row || (json_object_set_new(row, "busy", json_false()) == 0 &&
                    json_object_update(row, doing) == 0 &&
                    json_object_set_new(row, "rate", json_integer(rate)) == 0)
               ? 0
               : ctl_no_memory(x);
}

/* Asks what all of them do. A server of another build doesn't answer: then all
 * sessions stay busy. */
static int who_look(struct server *s, const struct sessions *all)
{
    json_t *rows, *doing;
    int code = rows_read(s, SHOW_DOING, look_columns, LOOK_MS, &rows);
    size_t i;

    if (code == EX_TEMPFAIL || !s->ours) {
        s->x->complaint.text[0] = '\0';
        code = 0;
    }
    json_array_foreach(json_object_get(rows, "doing"), i, doing)
    {
        code = code ? code : who_add_doing(s->x, all, doing);
    }
    json_decref(rows);
    return code;
}

/* Reads all sessions into *ret, an array, which the caller owns. */
static int who_read(struct context *x, json_t **ret)
{
    const struct sessions all = { json_array(), json_object() };
    struct server s;
    uint64_t at = 0;
    int code = server_open(&s, x);

    *ret = all.list;
    do
        code = code ? code : who_page(&s, &at, &all);
    while (code == 0 && at > 0);
    if (code == 0)
        code = who_look(&s, &all);
    server_close(&s);
    json_decref(all.by_serial);
    return code == 0 && !all.list ? ctl_no_memory(x) : code;
}

static void age_text(const json_t *row, struct buf *into)
{
    char age[WHEN_MAX];

    buf_add_text(into, when_ago(0, (int64_t)number_of(row, "age"), age));
}

/* "STOR /in/a.pdf, 12.3 MiB of 20.0 MiB, 4.1 MiB/s", as far as it is known. */
static void doing_text(const json_t *row, struct buf *into)
{
    const char *path = text_of(row, "path", "");
    const uint64_t of = number_of(row, "of");
    char bytes[SIZE_TEXT_MAX], all[SIZE_TEXT_MAX], rate[SIZE_TEXT_MAX];

    if (json_is_true(json_object_get(row, "busy"))) {
        buf_add_text(into, "busy");
        return;
    }
    buf_add_format(into, "%s%s%s", text_of(row, "command", "idle"),
                   path[0] ? " " : "", path);
    if (number_of(row, "ms") > 0)
        buf_add_format(into, ", %s%s%s, %s/s",
                       size_text(number_of(row, "bytes"), bytes),
                       of > 0 ? " of " : "", of > 0 ? size_text(of, all) : "",
                       size_text(number_of(row, "rate"), rate));
}

static void who_print(struct context *x, const json_t *all)
{
    static const struct output_field columns[] = {
        { .title = "SERIAL", .key = "serial" },
        { .title = "USER", .key = "user", .none = "-" },
        { .title = "AGE", .key = "age", .width = 8, .text = age_text },
        { .title = "CLIENT", .key = "client" },
        { .title = "LISTENER", .key = "listener" },
        { .title = "TLS", .key = "tls", .none = "-" },
        { .title = "PROGRAM", .key = "program", .none = "-" },
        { .title = "DOES", .key = "command", .text = doing_text },
        { .key = "path" },
        { .key = "bytes" },
        { .key = "of" },
        { .key = "rate" },
        { 0 },
    };
    struct table t;
    json_t *row;
    size_t i;

    table_begin(&t, x, columns);
    json_array_foreach(all, i, row)
    {
        table_add(&t, json_incref(row));
    }
    table_end(&t, "nobody is connected");
}

/* Puts the fastest transfers first; the others keep their order. */
static void who_sort(json_t *all)
{
    const size_t n = json_array_size(all);

    for (size_t i = 1; i < n; i++) {
        json_t *row = json_incref(json_array_get(all, i));
        size_t at = i;

        while (at > 0 && number_of(json_array_get(all, at - 1), "rate") <
                             number_of(row, "rate"))
            at--;
        json_array_remove(all, i);
        json_array_insert_new(all, at, row);
    }
}

/* A busy server is asked again. */
static void who_watch(struct context *x)
{
    const struct timespec pause = { .tv_sec = WATCH_S };
    int code;

    do {
        json_t *all;

        x->complaint.text[0] = '\0';
        code = who_read(x, &all);
        if (code && code != EX_TEMPFAIL)
            need(x, code);
        fputs(isatty(STDOUT_FILENO) ? "\x1b[H\x1b[2J" : "\n", stdout);
        if (code)
            puts(x->complaint.text);
        who_sort(all);
        if (code == 0)
            who_print(x, all);
        json_decref(all);
    } while (fflush(stdout) == 0 && nanosleep(&pause, NULL) == 0);
}

void who_show(void)
{
    struct context *x = &ctl;
    json_t *all;

    if (x->args.watch)
        who_watch(x);
    need(x, who_read(x, &all));
    who_print(x, all);
    json_decref(all);
}
