/* The messages that programs of two builds send each other: their numbers and
 * fields are published, and never change. Otherwise a sallyportctl or a
 * supervisor of another build would read another message than the sent one. */
#include "sallyport/base/buf.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ipc/channel.h"
#include "support/test.h"

/* The number of each is its place here, from 1 on. A new one goes to the end,
 * as in list.h. The ones without fields are between processes of one build. */
static const char *const published[] = {
    "keep word fd",
    "hello number",
    "up",
    "start_failed text",
    "lead",
    "leading",
    "renew",
    "renewed flag text",
    "admit",
    "not_admitted",
    "port",
    "port_is",
    "port_none",
    NULL, /* messages of 1.x that are gone */
    NULL,
    NULL,
    NULL,
    "ticket_keys",
    "welcome word number",
    "reload",
    "who number",
    "who_is number text address address time time",
    "end number",
    "end_sessions number text address",
    "control_done number",
    "control_refused enum5 text",
    "partial",
    "partials_end",
    "ban_add address number number text",
    "ban_remove address number",
    NULL, /* the same */
    NULL,
    NULL,
    NULL,
    NULL,
    "users_changed word text",
    "held_find",
    "held",
    "held_bytes",
    "drain enum3 number",
    "drain_is flag number number",
    "working",
    "replaced",
    "show word number number",
    "row word bytes",
    "metrics_are bytes",
    "find",
    "partial_owner",
};
#define PUBLISHED (sizeof(published) / sizeof(published[0]))

static const char *const types[TYPE_TYPES] = {
    [TYPE_NUMBER] = "number", [TYPE_TIME] = "time",
    [TYPE_FLAG] = "flag",     [TYPE_ENUM] = "enum",
    [TYPE_ERRNO] = "errno",   [TYPE_ADDRESS] = "address",
    [TYPE_WORD] = "word",     [TYPE_TEXT] = "text",
    [TYPE_WHY] = "text",      [TYPE_PATH] = "path",
    [TYPE_SECRET] = "secret", [TYPE_KEY] = "key",
    [TYPE_BYTES] = "bytes",   [TYPE_FD] = "fd",
};

static bool is_published(const struct message_row *row)
{
    return !((row->from | row->to) &
             ~(PROCESS_BIT(PROCESS_SUPERVISOR) | PROCESS_BIT(PROCESS_MASTER) |
               PROCESS_BIT(PROCESS_CTL)));
}

/* Writes "control_refused enum5 text"; the name alone if ROW isn't
 * published. */
static void describe(struct buf *into, const struct message_row *row)
{
    buf_clear(into);
    buf_add_text(into, row->name);
    for (const struct message_field *f = row->fields();
         is_published(row) && f->type != TYPE_END; f++) {
        buf_add_format(into, " %s", types[f->type]);
        if (f->type == TYPE_ENUM)
            buf_add_format(into, "%llu", (unsigned long long)f->count);
    }
    buf_add(into, "", 1);
}

Test(published, messages)
{
    struct buf text;

    buf_init(&text, 4096);
    for (size_t i = 0; i < PUBLISHED; i++) {
        const struct message_row *row = message_row((unsigned)i + 1);

        if (!published[i]) {
            cr_expect_null(row, "number %zu", i + 1);
            continue;
        }
        describe(&text, row);
        cr_expect_str_eq(text.data, published[i], "number %zu: %s", i + 1,
                         text.data);
    }
    buf_release(&text);
    for (unsigned kind = PUBLISHED + 1; kind < MSG_COUNT; kind++)
        cr_expect_not(is_published(message_row(kind)), "%s goes before these",
                      message_name(kind));
}

/* So a sallyportctl of another build understands a refusal, too. */
Test(published, values)
{
    cr_expect_eq(MSG_hello, 2);
    cr_expect_eq(MSG_welcome, 19);
    cr_expect_eq(MSG_control_refused, 26);
    cr_expect_eq(REFUSAL_BUSY, 0);
    cr_expect_eq(REFUSAL_DENIED, 1);
    cr_expect_eq(REFUSAL_BAD_FILE, 4);
    cr_expect_eq(DRAIN_OFF, 2);
    cr_expect_eq(ENDING_KICKED, 9);
    cr_expect_eq(ENDING_CHANGED, 19);
    cr_expect_eq(ENDING_TOO_MANY, 21);
    cr_expect_eq(ENDING_EXPIRED, 23);
    cr_expect_eq(ENDING_DRAINED, 24);
    cr_expect_eq(ENDING_NO_LOGIN, 25);
    cr_expect_eq(ENDING_SIZE, 26);
    cr_expect_eq(ENDING_MOVED, 27);
}
