/* "who": shows the sessions of the running server, and their work. The server
 * lists its sessions, and asks each for its work; a session that doesn't answer
 * in time is shown as busy. All texts are foreign. */
#include "rows.h"

#include <inttypes.h>
#include <time.h>

#include "sallyport/base/address.h"

#define SERIAL_TEXT_MAX 17
/* ms for all pages: sessions that don't answer delay each page by a second. */
#define LOOK_MS 3000

/* Reads a page of sessions into ALL, with their serials as keys. Works with a
 * server of any version. Returns false after the last page. */
static bool who_page(uint64_t *at, json_t *all)
{
    const struct msg_who_is *who;
    const int64_t now = time(NULL);
    struct message m;

    server_asked(SEND(&server.channel, who, server_request(), .place = *at),
                 &m);
    for (who = &m.who_is; m.kind == MSG_who_is; server_next(&m)) {
        char serial[SERIAL_TEXT_MAX], client[ADDRESS_TEXT_MAX];
        char local[ADDRESS_TEXT_MAX];

        snprintf(serial, sizeof(serial), "%016" PRIx64, who->serial);
        json_t *row =
            json_pack("{s:s, s:o, s:s, s:s, s:o, s:I, s:o, s:b}", "serial",
                      serial, "user", json_foreign(who->user), "client",
                      address_port_text(&who->peer, client), "listener",
                      address_port_text(&who->local, local), "since",
                      json_time(who->since), "age",
                      (json_int_t)(who->since < now ? now - who->since : 0),
                      "logged_in", json_time(who->login), "busy", true);
        if (json_object_set_new(all, serial, row) < 0)
            fail_no_memory();
    }
    if (m.kind != MSG_end)
        server_lies("no answer to who");
    return server_page(m.end.place, at);
}

static void look_rows(void *rows)
{
    rows_read(SHOW_DOING, LOOK_MS, rows);
}

/* Adds the work of each session that reports it; the others stay busy. A server
 * of another build reports no work. Leaves out a session that has begun since
 * who_page(). */
static void who_look(const json_t *all)
{
    json_t *rows = json_object(), *doing;
    struct complaint why;
    const int code = fail_caught(look_rows, rows, &why);
    size_t i;

    if (code && code != EX_TEMPFAIL && server.ours)
        fail(code, "%s", why.text);
    json_array_foreach(json_object_get(rows, "doing"), i, doing)
    {
        json_t *row = json_object_get(all, text_of(doing, "serial", ""));
        const double ms = (double)number_of(doing, "ms");
        const double bytes = (double)number_of(doing, "bytes");
        const double rate = ms > 0 ? bytes * 1000 / ms : 0;

        if (row && (json_object_set_new(row, "busy", json_false()) < 0 ||
                    json_object_update(row, doing) < 0 ||
                    json_object_set_new(
                        row, "rate",
                        json_integer(rate < 1e15 ? (json_int_t)rate : 0)) < 0))
            fail_no_memory();
    }
    json_decref(rows);
}

/* Writes "STOR /in/a.pdf, 12.3 MiB of 20.0 MiB, 4.1 MiB/s", without the parts
 * that the session didn't report. */
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

static void who_print(json_t *all)
{
    static const struct output_field columns[] = {
        { .title = "SERIAL", .key = "serial" },
        { .title = "USER", .key = "user", .none = "-" },
        { .title = "AGE", .key = "age", .width = 8, .text = output_age },
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

    json_t *list = json_array(), *row;
    const char *serial;

    json_object_foreach(all, serial, row)
    {
        if (json_array_append(list, row) < 0)
            fail_no_memory();
    }
    table_print(list, columns, "nobody is connected");
    json_decref(list);
}

void who_show(void)
{
    json_t *all = json_object();
    uint64_t at = 0;

    server_open();
    while (who_page(&at, all))
        ;
    who_look(all);
    server_close();
    who_print(all);
    json_decref(all);
}
