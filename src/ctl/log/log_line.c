/* One line of the log, as text or as JSON: its fields, and what they mean.
 * Pure, but for the names of accounts. The names of fields come from the line,
 * so that a newer log's fields aren't lost. */
#include "log.h"

#include <inttypes.h>
#include <pwd.h>

#include "sallyport/event/event.h"

/* "2026-11-20T07:42:01.123Z" */
static bool read_time(struct slice s, int64_t *ret)
{
    char seconds[] = "2026-11-20T07:42:01Z";
    const size_t len = strlen(seconds) - 1;
    uint64_t ms;
    int64_t when;

    if (s.len != len + strlen(".123Z") || s.ptr[len] != '.' ||
        s.ptr[s.len - 1] != 'Z' ||
        slice_number((struct slice){ s.ptr + len + 1, 3 }, 999, &ms) < 0)
        return false;
    memcpy(seconds, s.ptr, len);
    if (user_expires_parse(slice_from(seconds), &when) < 0)
        return false;
    *ret = when * 1000 + (int64_t)ms;
    return true;
}

/* Is it a name of an event or a field? */
static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789-_", s.ptr[i], 38))
            return false;
    return s.len > 0 && s.len <= 32;
}

/* Is NAME a member of a record's JSON that isn't a field of the line? The first
 * three have places of their own; log_json() adds the others. */
static bool is_member(struct slice name)
{
    static const char *const members[] = { "v",    "time",   "event",
                                           "what", "failed", "cause" };

    return slice_among(name, members, 6) >= 0;
}

static bool add_field(struct log_record *r, struct slice name,
                      struct slice value)
{
    if (!is_name(name) || is_member(name) || r->fields == LOG_FIELDS_MAX)
        return false;
    for (size_t i = 0; i < r->fields; i++)
        if (slice_equal(r->field[i].name, name))
            return false; /* twice */
    r->field[r->fields++] = (struct log_field){ name, value };
    return true;
}

static bool read_pair(struct log_record *r, struct slice *rest)
{
    struct slice name, value;

    slice_cut(rest, '=', &name);
    if (!rest->ptr)
        return false;
    if (rest->len == 0 || rest->ptr[0] != '"')
        return slice_cut(rest, ' ', &value) && add_field(r, name, value);
    *rest = (struct slice){ rest->ptr + 1, rest->len - 1 };
    slice_cut(rest, '"', &value);
    if (!rest->ptr || !add_field(r, name, value))
        return false;
    slice_cut(rest, ' ', &name); /* the next pair, after nothing but a blank */
    return name.len == 0;
}

static bool read_pairs(struct log_record *r, struct slice line)
{
    struct slice rest = line, time;

    slice_cut(&rest, ' ', &time);
    if (!read_time(time, &r->ms) || !slice_cut(&rest, ' ', &r->event) ||
        !is_name(r->event))
        return false;
    while (rest.ptr)
        if (!read_pair(r, &rest))
            return false;
    return true;
}

static struct slice json_bytes(const json_t *value)
{
    return (struct slice){ json_string_value(value),
                           json_string_length(value) };
}

static bool read_member(struct log_record *r, const char *key,
                        const json_t *value)
{
    struct slice name = slice_from(key);
    char *number;

    if (is_member(name))
        return true;
    if (json_is_string(value))
        return add_field(r, name, json_bytes(value));
    if (!json_is_integer(value) || !add_field(r, name, SLICE("")))
        return false;
    number = r->number[r->fields - 1];
    snprintf(number, sizeof(r->number[0]), "%" JSON_INTEGER_FORMAT,
             json_integer_value(value));
    r->field[r->fields - 1].value = slice_from(number);
    return true;
}

static bool read_json(struct log_record *r, struct slice line)
{
    const char *key;
    json_t *value;

    r->json = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
    r->event = json_bytes(json_object_get(r->json, "event"));
    if (json_integer_value(json_object_get(r->json, "v")) != 1 ||
        !is_name(r->event) ||
        !read_time(json_bytes(json_object_get(r->json, "time")), &r->ms))
        return false;
    json_object_foreach(r->json, key, value)
    {
        if (!read_member(r, key, value))
            return false;
    }
    return true;
}

/* Recognises messages that the programs print in the service's journal beside
 * the events; the unit's ExecReload= is sallyportctl. */
static bool is_message(struct slice line)
{
    return line.len == 0 || slice_starts(line, SLICE("sallyportd: ")) ||
           slice_starts(line, SLICE("sallyportctl: ")) ||
           slice_starts(line, SLICE("reloaded: "));
}

enum log_line log_record_read(struct log_record *r, struct slice line)
{
    bool ok;

    r->fields = 0;
    r->json = NULL;
    if (line.len > 2 && line.ptr[0] == '<' && line.ptr[2] == '>')
        line = (struct slice){ line.ptr + 3, line.len - 3 }; /* a severity */
    if (is_message(line))
        return LOG_LINE_OTHER;
    ok = line.ptr[0] == '{' ? read_json(r, line) : read_pairs(r, line);
    return ok ? LOG_LINE_EVENT : LOG_LINE_TORN;
}

void log_record_release(struct log_record *r)
{
    json_decref(r->json);
    r->json = NULL;
}

struct slice log_get(const struct log_record *r, const char *name)
{
    for (size_t i = 0; i < r->fields; i++)
        if (slice_equal(r->field[i].name, slice_from(name)))
            return r->field[i].value;
    return (struct slice){ NULL, 0 };
}

uint64_t log_number(const struct log_record *r, const char *name)
{
    uint64_t n = 0;

    slice_number(log_get(r, name), INT64_MAX, &n);
    return n;
}

/* An end before the login that blames somebody: new clients begin with these.
 * The number is the signal of a crash. */
static bool is_failed_end(const struct log_record *r)
{
    static const char *const begins[] = { "TLS failed", "not FTP",
                                          "login without TLS",
                                          "protocol error" };
    const struct slice reason = log_get(r, "reason");

    if (log_get(r, "number").ptr)
        return true;
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
        if (!log_get(r, "user").ptr &&
            slice_starts(reason, slice_from(begins[i])))
            return true;
    return false;
}

bool log_failed(const struct log_record *r)
{
    static const char *const failures[] = { "login-failed",    "refused",
                                            "command-refused", "data-refused",
                                            "peer-error",      "syscall",
                                            "child",           "ban" };
    uint64_t result = log_number(r, "result");

    if (slice_equal(r->event, SLICE("end")))
        return is_failed_end(r);
    if (slice_among(r->event, failures,
                    sizeof(failures) / sizeof(failures[0])) >= 0)
        return true;
    return log_get(r, "result").ptr && (result == 0 || result >= 400);
}

static const struct {
    const char *verb, *word;
} verbs[] = {
    { "STOR", "upload" },      { "APPE", "upload" },
    { "STOU", "upload" },      { "RETR", "download" },
    { "LIST", "list" },        { "NLST", "list" },
    { "MLSD", "list" },        { "DELE", "delete" },
    { "MKD", "make dir" },     { "RMD", "remove dir" },
    { "RNTO", "rename" },      { "RNFR", "rename" },
    { "MFMT", "set time" },    { "HASH", "checksum" },
    { "XCRC", "checksum" },    { "XSHA256", "checksum" },
    { "XSHA512", "checksum" },
};

struct slice log_word(const struct log_record *r)
{
    struct slice verb = log_get(r, "verb");

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (verb.ptr && slice_equal(verb, slice_from(verbs[i].verb)))
            return slice_from(verbs[i].word);
    return r->event;
}

bool log_is_among(const struct log_record *r, struct slice list)
{
    struct slice one;

    while (slice_cut(&list, ',', &one))
        if (slice_equal(one, r->event) || slice_equal(one, log_word(r)))
            return true;
    return false;
}

void log_names_check(struct slice list)
{
    const char *names[EVENT_COUNT + sizeof(verbs) / sizeof(verbs[0])];
    struct slice one;
    size_t n = 0;

    for (int e = 0; e < EVENT_COUNT; e++)
        names[n++] = event_name((enum event)e);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        names[n++] = verbs[i].word;
    while (slice_cut(&list, ',', &one)) {
        const char *nearest = slice_nearest(one, names, n);

        if (slice_among(one, names, n) < 0)
            fail(EX_USAGE, "--event %.*s: no such event; %s%s%s", (int)one.len,
                 one.ptr,
                 nearest ? "did you mean "
                         : "use names such as transfer, "
                           "login-failed or ban, or words of the column WHAT, "
                           "such as "
                           "upload",
                 nearest ? nearest : "", nearest ? "?" : "");
    }
}

struct slice log_address(const struct log_record *r)
{
    const struct slice peer = log_get(r, "peer");
    struct slice rest = peer, host;

    if (peer.len > 0 && peer.ptr[0] == '[') {
        rest = (struct slice){ peer.ptr + 1, peer.len - 1 };
        slice_cut(&rest, ']', &host);
        return host;
    }
    slice_cut(&rest, ':', &host);
    return rest.ptr && !slice_has(rest, ':') ? host : peer;
}

/* Causes that the log gives only as the code of the reply. */
static const struct {
    unsigned result;
    const char *word;
} causes[] = {
    { 0, "cut off, without a reply" },
    { 421, "the session was ended" },
    { 425, "no data connection" },
    { 426, "the transfer was cut off" },
    { 450, "busy" },
    { 451, "the server failed" },
    { 452, "the disk or the quota is full" },
    { 550, "no such file, or not permitted" },
    { 552, "over the quota or a size limit" },
    { 553, "the name is refused" },
};

struct slice log_cause(const struct log_record *r)
{
    struct slice reason = log_get(r, "reason");
    uint64_t result = log_number(r, "result");

    if (reason.ptr || !log_get(r, "result").ptr)
        return reason;
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        if (causes[i].result == result)
            return slice_from(causes[i].word);
    return reason;
}

bool log_admin(const struct log_record *r, char out[ADMIN_MAX])
{
    uint64_t uid;
    const struct passwd *row;

    if (slice_number(log_get(r, "loginuid"), UINT32_MAX, &uid) < 0)
        return false;
    row = getpwuid((uid_t)uid);
    if (row && strlen(row->pw_name) < ADMIN_MAX)
        snprintf(out, ADMIN_MAX, "%s", row->pw_name);
    return row && strlen(row->pw_name) < ADMIN_MAX;
}

/* The backslashes of the log's own escapes stay. */
void log_safe(struct slice value, struct buf *into)
{
    struct slice part;

    while (slice_cut(&value, '\\', &part))
        if (event_escape(part, into) < 0 ||
            (value.ptr && buf_add_text(into, "\\") < 0))
            fail_no_memory();
}

static json_t *json_safe(struct slice value)
{
    json_t *text;
    struct buf b;

    buf_init(&b, 4 * LOG_LINE_MAX);
    log_safe(value, &b);
    text = json_stringn(b.len > 0 ? b.data : "", b.len);
    buf_release(&b);
    return text;
}

/* A number with a leading zero is none that the log has written. */
static json_t *json_field(const struct log_field *f)
{
    static const char *const numbers[] = {
        "bytes", "ms", "result", "number", "size", "from", "uid", "loginuid"
    };
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);
    uint64_t n;

    if (slice_among(f->name, numbers, count) >= 0 &&
        slice_number(f->value, INT64_MAX, &n) == 0 &&
        (f->value.ptr[0] != '0' || f->value.len == 1))
        return json_integer((json_int_t)n);
    return json_safe(f->value);
}

json_t *log_json(const struct log_record *r, struct slice machine)
{
    char when[WHEN_MAX], time[WHEN_MAX + 8], name[40], admin[ADMIN_MAX];
    const struct slice word = log_word(r), cause = log_cause(r);
    const bool failed = log_failed(r);
    int bad = 0;

    when_text(r->ms / 1000, when);
    snprintf(time, sizeof(time), "%.19s.%03dZ", when, (int)(r->ms % 1000));
    json_t *one = json_pack("{s:i, s:s, s:s%}", "v", 1, "time", time, "event",
                            r->event.ptr, r->event.len);
    for (size_t i = 0; i < r->fields; i++) {
        slice_copy(r->field[i].name, name, sizeof(name));
        bad |= json_object_set_new(one, name, json_field(&r->field[i]));
    }
    if (log_admin(r, admin))
        bad |= json_object_set_new(one, "admin", json_text(admin));
    if (machine.ptr)
        bad |= json_object_set_new(one, "machine", json_safe(machine));
    bad |= json_object_set_new(one, "what", json_safe(word));
    bad |= json_object_set_new(one, "failed", json_boolean(failed));
    if (failed && cause.len > 0)
        bad |= json_object_set_new(one, "cause", json_safe(cause));
    if (bad)
        fail_no_memory();
    return one;
}
