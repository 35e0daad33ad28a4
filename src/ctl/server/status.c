/* "status" and "reload": each asks the running server one question. */
#include "rows.h"

#include <inttypes.h>

#include "sallyport/ipc/generation.h"

static const struct column certificate_columns[] = {
    COLUMN(file, TEXT),        COLUMN(name, TEXT),
    COLUMN(expires, TIME),     COLUMN(days, DAYS),
    COLUMN(self_signed, FLAG), COLUMN(sha256, TEXT),
    COLUMN(pin, TEXT),         COLUMNS_END,
};
static const struct column client_file_columns[] = {
    COLUMN(file, TEXT),
    COLUMN(expires, TIME),
    COLUMN(days, DAYS),
    COLUMNS_END,
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
    COLUMN(away, TEXT),
    COLUMN(version, LATER),
    COLUMN(pid, LATER),
    COLUMN(since, TIME),
    COLUMN(listening, LIST),
    COLUMNS(certificates, ROWS, certificate_columns),
    COLUMNS(client_files, ROWS, client_file_columns),
    COLUMN(sessions, NUMBER),
    COLUMN(logged_in, NUMBER),
    COLUMN(max_sessions, NUMBER),
    COLUMN(users, NUMBER),
    COLUMNS(guessing, ROW, guessing_columns),
    COLUMN(bans, NUMBER),
    COLUMN(generation_pid, NUMBER),
    COLUMN(generations, NUMBER),
    COLUMNS(totals, ROW, totals_columns),
    COLUMN(users_refused, TEXT),
    COLUMN(disks, LATER),
    COLUMN(attention, LATER),
    COLUMNS_END,
};

static void read_status(void *data)
{
    json_t *all = rows_empty(status_columns);

    server_open();
    rows_read(SHOW_STATUS, status_columns, INT64_MAX, all);
    server_close();
    if (!text_of(all, "state", NULL))
        server_lies("no state");
    if (json_object_set_new(all, "version", json_text(server.version)) < 0 ||
        json_object_set_new(all, "pid", json_integer((json_int_t)server.pid)) <
            0)
        fail_no_memory();
    attention_add(all);
    *(json_t **)data = all;
}

int status_read(json_t **ret, struct complaint *why)
{
    *ret = NULL;
    return fail_caught(read_status, ret, why);
}

/* Writes a certificate, in a line of its own. */

static void certificate_text(const json_t *c, struct buf *into)
{
    const char *expires = text_of(c, "expires", NULL);
    const char *sha256 = text_of(c, "sha256", NULL);
    const json_int_t days = json_integer_value(json_object_get(c, "days"));

    buf_add_text(into, text_of(c, "file", ""));
    if (expires)
        buf_add_format(into,
                       days < 0 ? ", EXPIRED %s"
                                : ", expires %s (%" JSON_INTEGER_FORMAT " d)",
                       expires, days);
    if (sha256)
        buf_add_format(into, "\n    SHA-256 %s\n    pin %s", sha256,
                       text_of(c, "pin", ""));
}

static void guessing_text(const json_t *g, struct buf *into)
{
    const json_t *one;
    size_t i;

    buf_add_format(into,
                   "%" PRIu64 " wrong passwords in the last hour, from "
                   "%" PRIu64 " addresses",
                   number_of(g, "wrong"), number_of(g, "addresses"));
    json_array_foreach(json_object_get(g, "worst"), i, one)
    {
        buf_add_format(into, ", %" PRIu64 " from %s", number_of(one, "wrong"),
                       text_of(one, "address", ""));
    }
}

static void attention_text(const json_t *one, struct buf *into)
{
    buf_add_text(into, text_of(one, "text", ""));
}

void status_show(void)
{
    static const struct output_field lines[] = {
        { .key = "state" },
        { .key = "version" },
        { .key = "pid" },
        { .key = "since", .none = "not yet" },
        { .key = "generation_pid" },
        { .key = "generations" },
        { .key = "listening" },
        { .key = "certificates", .element = certificate_text },
        { .key = "client_files", .none = "none", .element = certificate_text },
        { .key = "sessions" },
        { .key = "logged_in" },
        { .key = "max_sessions" },
        { .key = "users" },
        { .key = "totals" },
        { .key = "guessing", .element = guessing_text },
        { .key = "bans" },
        { .key = "attention", .none = "nothing", .element = attention_text },
        { 0 },
    };
    json_t *all;

    read_status(&all);
    output_one(all, lines);
}

/* Master hangs up after 150 s: a start may take 60 s, and a takeover 12 s; and
 * the reload may have to wait for another start. */
#define RELOAD_PATIENCE 6 /* times the usual patience: 180 s */

static void reload(void *data)
{
    struct message m;

    (void)data;
    ctl_load_settings(false);
    server_open();
    server.patience *= RELOAD_PATIENCE;
    SERVER_ASK(&m, control_done, reload);
}

/* Reloads. After a failure it adds that the running server continues. */
void status_reload(void)
{
    struct complaint why = { "" };
    const int code = fail_caught(reload, NULL, &why);
    const bool again =
        slice_starts(slice_from(why.text), SLICE(GENERATION_AGAIN));

    if (code == EX_CONFIG)
        fail(code, "%s; a running server continues as before", why.text);
    if (code == EX_DATAERR || (code && again))
        fail(code, "%s; the running server continues as before%s", why.text,
             strstr(why.text, GENERATION_FOREIGN)
                 ? "; restart it once: sallyportctl drain --timeout 30min; "
                   "systemctl restart sallyport"
                 : "");
    if (code)
        fail(code, "%s", why.text);
    puts("reloaded: new sessions get the new configuration, certificates "
         "and users file");
}
