/* "status" and "reload": each asks the running server one question. */
#include "rows.h"

#include "sallyport/ipc/generation.h"

static void read_status(void *data)
{
    json_t *all = json_object();

    server_open();
    rows_read(SHOW_STATUS, INT64_MAX, all);
    server_close();
    if (!text_of(all, "state", NULL))
        server_lies("no state");
    attention_add(all);
    *(json_t **)data = all;
}

int status_read(json_t **ret, struct complaint *why)
{
    *ret = NULL;
    return fail_caught(read_status, ret, why);
}

static void attention_text(const json_t *one, struct buf *into)
{
    buf_add_text(into, text_of(one, "text", ""));
}

void status_show(void)
{
    static const struct output_field lines[] = {
        { .key = "since", .none = "not yet" },
        { .key = "attention", .none = "nothing", .element = attention_text },
        { 0 },
    };
    json_t *all;

    read_status(&all);
    attention_add_numbers(json_object_get(all, "attention"));
    output_one(all, lines);
}

/* Master closes the connection after 150 s: a start can take 60 s, and a
 * takeover 12 s, and the reload can have to wait for another start. */
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

/* Reloads. If that fails, says also that the running server continues. */
void status_reload(void)
{
    struct complaint why = { "" };
    const int code = fail_caught(reload, NULL, &why);
    const bool again =
        slice_starts(slice_from(why.text), SLICE(GENERATION_AGAIN));

    if (code == EX_CONFIG)
        fail(code, "%s; a running server continues as before", why.text);
    if (code == EX_DATAERR || (code && again))
        fail(code,
             strstr(why.text, GENERATION_FOREIGN)
                 ? "%s; the running server continues as before; to restart it "
                   "once run: sallyportctl drain --timeout 30min; systemctl "
                   "restart sallyport"
                 : "%s; the running server continues as before",
             why.text);
    if (code)
        fail(code, "%s", why.text);
    puts("reloaded: new sessions get the new configuration, certificates "
         "and users file");
}
