/* Events as records, and their bytes. The names of events and fields are the
 * list of everything that a line of the log can have. */
#include "record.h"

static const char *const event_names[EVENT_COUNT] = {
    [EVENT_SERVICE] = "service",
    [EVENT_CONNECT] = "connect",
    [EVENT_REFUSED] = "refused",
    [EVENT_LOGIN] = "login",
    [EVENT_LOGIN_FAILED] = "login-failed",
    [EVENT_CLIENT] = "client",
    [EVENT_TRANSFER] = "transfer",
    [EVENT_CHANGE] = "change",
    [EVENT_DATA_REFUSED] = "data-refused",
    [EVENT_BAN] = "ban",
    [EVENT_END] = "end",
    [EVENT_SYSCALL] = "syscall",
    [EVENT_PEER] = "peer-error",
    [EVENT_CHILD] = "child",
    [EVENT_COMMAND_REFUSED] = "command-refused",
};

const struct field_row field_rows[FIELD_COUNT] = {
    [FIELD_PROCESS] = { "process", false },
    [FIELD_PEER] = { "peer", false },
    [FIELD_LOCAL] = { "local", false },
    [FIELD_USER] = { "user", false },
    [FIELD_VERB] = { "verb", false },
    [FIELD_PATH] = { "path", false },
    [FIELD_TO] = { "to", false },
    [FIELD_BYTES] = { "bytes", true },
    [FIELD_MS] = { "ms", true },
    [FIELD_RESULT] = { "result", true },
    [FIELD_REASON] = { "reason", false },
    [FIELD_TLS] = { "tls", false },
    [FIELD_NUMBER] = { "number", true },
    [FIELD_NAME] = { "name", false },
    [FIELD_VIA] = { "via", false },
    [FIELD_BINDING] = { "binding", false },
    [FIELD_SHA256] = { "sha256", false },
    [FIELD_CERTIFICATE] = { "certificate", false },
    [FIELD_SERIAL] = { "serial", true },
};

const char *event_name(enum event e)
{
    return (unsigned)e < EVENT_COUNT ? event_names[e] : "?";
}

void event_begin(struct event_record *r, enum event e)
{
    *r = (struct event_record){ .event = e };
}

void event_text(struct event_record *r, enum event_field f, struct slice s)
{
    if (s.len > EVENT_TEXT_MAX)
        s.len = EVENT_TEXT_MAX;
    if (!s.ptr)
        s.ptr = "";
    r->text[f] = s;
}

void event_number(struct event_record *r, enum event_field f, uint64_t n)
{
    r->number[f] = n;
    r->has_number |= 1U << f;
}

/* Field, length, bytes. A number has eight bytes. */
static int add_field(struct buf *into, enum event_field f, const void *bytes,
                     size_t len)
{
    uint8_t head[3] = { (uint8_t)f, (uint8_t)len, (uint8_t)(len >> 8) };
    int r = buf_add(into, head, sizeof(head));

    return r < 0 ? r : buf_add(into, bytes, len);
}

int event_encode(const struct event_record *r, struct buf *into)
{
    uint8_t event = (uint8_t)r->event;
    int e = buf_add(into, &event, 1);

    for (unsigned f = 0; f < FIELD_COUNT && e == 0; f++) {
        if (r->text[f].ptr)
            e = add_field(into, f, r->text[f].ptr, r->text[f].len);
        else if (r->has_number & 1U << f)
            e = add_field(into, f, &r->number[f], sizeof(r->number[f]));
    }
    return e;
}
