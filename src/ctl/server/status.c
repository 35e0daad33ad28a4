/* "status", the first screen, and "reload": each asks the running server one
 * question. */
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
    COLUMN(away, WORDS),
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
    COLUMN(users_refused, WORDS),
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

static void print_attention(const json_t *all)
{
    const json_t *list = json_object_get(all, "attention"), *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        printf("attention: %s\n", text_of(one, "text", ""));
    }
    if (json_array_size(list) == 0)
        puts("attention: nothing");
}

static void print_sessions(const json_t *all)
{
    printf("sessions:  %" PRIu64 " of %" PRIu64 ", %" PRIu64 " logged in\n",
           number_of(all, "sessions"), number_of(all, "max_sessions"),
           number_of(all, "logged_in"));
}

/* The pid belongs to the supervisor, which has started the generations. */
static void print_server(const json_t *all)
{
    const uint64_t generations = number_of(all, "generations");

    printf("server:    %s, version %s, pid %" PRIu64 "\n"
           "since:     %s (this generation, pid %" PRIu64 ")",
           text_of(all, "state", ""), text_of(all, "version", ""),
           number_of(all, "pid"), text_of(all, "since", "not yet"),
           number_of(all, "generation_pid"));
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

static void print_certificates(const json_t *all, const char *table,
                               const char *title)
{
    const json_t *c;
    size_t i;

    json_array_foreach(json_object_get(all, table), i, c)
    {
        const char *expires = text_of(c, "expires", NULL);
        const json_int_t days = json_integer_value(json_object_get(c, "days"));

        printf("%s  %s", i == 0 ? title : "", text_of(c, "file", ""));
        if (expires)
            printf(days < 0 ? ", EXPIRED %s"
                            : ", expires %s (%" JSON_INTEGER_FORMAT " d)",
                   expires, days);
        putchar('\n');
        if (text_of(c, "sha256", NULL))
            printf("    SHA-256 %s\n    pin %s\n", text_of(c, "sha256", ""),
                   text_of(c, "pin", ""));
    }
}

static void print_totals(const json_t *t)
{
    const uint64_t failed = number_of(t, "logins_failed");
    char in[SIZE_TEXT_MAX], out[SIZE_TEXT_MAX];

    printf("ended:     %" PRIu64 " complete, %" PRIu64 " failed, %s received, "
           "%s sent, %" PRIu64 " failed login%s since the service started\n",
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

void status_show(void)
{
    json_t *all;

    read_status(&all);
    if (ctl.args.json) {
        json_print(all);
        return;
    }
    print_server(all);
    print_listeners(all);
    print_certificates(all, "certificates", "certificates:\n");
    print_certificates(all, "client_files", "client_ca, client_crl:\n");
    print_sessions(all);
    print_totals(json_object_get(all, "totals"));
    printf("users:     %" PRIu64 "\n", number_of(all, "users"));
    print_guessing(json_object_get(all, "guessing"));
    printf("bans:      %" PRIu64 "\n", number_of(all, "bans"));
    print_attention(all);
    json_decref(all);
}

/* A server that doesn't run is no failure of the screen. */
int status_first_look(void)
{
    struct complaint why;
    json_t *all;
    const int code = status_read(&all, &why);

    if (code) {
        printf("server:    %s\n", why.text);
        return code;
    }
    printf("server:    %s, version %s, since %s\n", text_of(all, "state", ""),
           text_of(all, "version", ""), text_of(all, "since", "now"));
    print_sessions(all);
    printf("users:     %" PRIu64 "\n", number_of(all, "users"));
    print_attention(all);
    json_decref(all);
    return 0;
}

/* Master hangs up after 150 s: a start may take 60 s, and a takeover 12 s; the
 * reload may have to wait for another start. */
#define RELOAD_PATIENCE 6 /* times that for other answers: 180 s */

static void reload(void *data)
{
    struct message m;

    (void)data;
    ctl_load_settings(false);
    server_open();
    server.patience *= RELOAD_PATIENCE;
    SERVER_ASK(&m, control_done, reload);
}

/* After a failure it adds what the running server does. */
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
