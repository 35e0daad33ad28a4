/* Parses a line of the log, and explains its fields. Takes the names of the
 * fields from the line, so that it keeps the fields of a newer server. */
#include "log.h"

#include <pwd.h>

#include "sallyport/event/event.h"

#define NAME_ROOM 33

bool log_time(const char *text, int64_t *ret)
{
    char seconds[] = "2026-11-20T07:42:01Z"; /* the log writes 01.123Z */
    const size_t len = strlen(seconds) - 1;
    uint64_t ms;

    if (strlen(text) != len + 5 || text[len] != '.' || text[len + 4] != 'Z' ||
        slice_number((struct slice){ text + len + 1, 3 }, 999, &ms) < 0)
        return false;
    memcpy(seconds, text, len);
    return user_expires_parse(slice_from(seconds), ret) == 0;
}

/* Can NAME be the name of an event or of a field? */
static bool is_name(const char *name)
{
    const size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

    return len > 0 && !name[len] && len < NAME_ROOM;
}

static void set(json_t *one, const char *key, json_t *value)
{
    if (json_object_set_new(one, key, value) < 0)
        fail_no_memory();
}

/* Adds a field. Returns false if its name isn't valid, or occurs twice. The log
 * never writes a number with a leading zero, so a value with one stays a
 * text. */
static bool add_field(json_t *one, struct slice name, struct slice text)
{
    static const char *const numbers[] = {
        "bytes", "ms", "result", "number", "size", "from", "uid", "loginuid"
    };
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);
    char key[NAME_ROOM];
    uint64_t n;

    if (slice_copy(name, key, sizeof(key)) < 0 || !is_name(key) ||
        json_object_get(one, key))
        return false;
    set(one, key,
        slice_among(name, numbers, count) >= 0 &&
                slice_number(text, INT64_MAX, &n) == 0 &&
                (text.ptr[0] != '0' || text.len == 1)
            ? json_integer((json_int_t)n)
            : json_foreign(text));
    return true;
}

static bool read_pair(json_t *one, struct slice *rest)
{
    struct slice name, value;

    slice_cut(rest, '=', &name);
    if (!rest->ptr)
        return false;
    if (rest->len == 0 || rest->ptr[0] != '"')
        return slice_cut(rest, ' ', &value) && add_field(one, name, value);
    *rest = (struct slice){ rest->ptr + 1, rest->len - 1 };
    slice_cut(rest, '"', &value);
    if (!rest->ptr || !add_field(one, name, value))
        return false;
    slice_cut(rest, ' ', &name); /* only a blank or the end may follow */
    return name.len == 0;
}

static bool read_pairs(struct slice rest, json_t **ret)
{
    struct slice time, event;
    bool ok;

    *ret = json_pack("{s:i}", "v", 1);
    slice_cut(&rest, ' ', &time);
    ok = add_field(*ret, SLICE("time"), time) &&
         slice_cut(&rest, ' ', &event) &&
         add_field(*ret, SLICE("event"), event);
    while (ok && rest.ptr)
        ok = read_pair(*ret, &rest);
    return ok;
}

static bool read_json(struct slice line, json_t **ret)
{
    const char *key;
    json_t *value;
    void *next;

    *ret = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
    json_object_foreach_safe(*ret, next, key, value)
    {
        if (!is_name(key) || json_is_object(value) || json_is_array(value) ||
            json_is_real(value))
            return false;
        if (json_is_string(value))
            set(*ret, key,
                json_foreign((struct slice){ json_string_value(value),
                                             json_string_length(value) }));
    }
    return true;
}

bool log_has_failed(const json_t *one)
{
    static const char *const failures[] = { "login-failed",    "refused",
                                            "command-refused", "data-refused",
                                            "peer-error",      "syscall",
                                            "child",           "ban" };
    /* An "end" before the login is a failure if its reason begins with one of
     * these. New clients often fail like this at first. */
    static const char *const begins[] = { "TLS failed", "not FTP",
                                          "login without TLS",
                                          "protocol error" };
    const struct slice reason = slice_from(text_of(one, "reason", ""));
    const struct slice event = slice_from(text_of(one, "event", ""));
    const uint64_t result = number_of(one, "result");
    const bool named = text_of(one, "user", NULL) != NULL;
    bool ended = json_object_get(one, "number") != NULL; /* a crash's signal */

    if (!slice_equal(event, SLICE("end")))
        return slice_among(event, failures,
                           sizeof(failures) / sizeof(failures[0])) >= 0 ||
               (json_object_get(one, "result") &&
                (result == 0 || result >= 400));
    for (size_t i = 0; !named && i < sizeof(begins) / sizeof(begins[0]); i++)
        ended |= slice_starts(reason, slice_from(begins[i]));
    return ended;
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
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* Explains the code of the reply, for failures without a reason in the log. */
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

const char *log_what(const json_t *one)
{
    const char *verb = text_of(one, "verb", "");

    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verb, verbs[i].verb) == 0)
            return verbs[i].word;
    return text_of(one, "event", "");
}

void log_explain(json_t *one)
{
    const uint64_t uid = number_of(one, "loginuid");
    const uint64_t result = number_of(one, "result");
    const bool failed = log_has_failed(one);
    const bool coded = failed && json_object_get(one, "result") != NULL;
    const char *cause = failed ? text_of(one, "reason", NULL) : NULL;
    const struct passwd *row = NULL;

    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        if (coded && !cause && causes[i].result == result)
            cause = causes[i].word;
    if (json_is_integer(json_object_get(one, "loginuid")) && uid < UINT32_MAX)
        row = getpwuid((uid_t)uid);
    if (row)
        set(one, "admin", json_text(row->pw_name));
    set(one, "what", json_string(log_what(one)));
    set(one, "failed", json_boolean(failed));
    if (cause)
        set(one, "cause", json_string(cause));
    else
        json_object_del(one, "cause");
}

json_t *log_read(struct slice line, bool *message)
{
    json_t *one = NULL;
    int64_t when;

    if (line.len > 2 && line.ptr[0] == '<' && line.ptr[2] == '>')
        line = (struct slice){ line.ptr + 3, line.len - 3 }; /* a severity */
    /* Find messages that the programs print in the service's journal beside the
     * events. sallyportctl prints there since the unit runs it by
     * ExecReload=. */
    *message = line.len == 0 || slice_starts(line, SLICE("sallyportd: ")) ||
               slice_starts(line, SLICE("sallyportctl: ")) ||
               slice_starts(line, SLICE("reloaded: "));
    if (*message)
        return NULL;
    if ((line.ptr[0] == '{' ? read_json : read_pairs)(line, &one) &&
        number_of(one, "v") == 1 && is_name(text_of(one, "event", "")) &&
        log_time(text_of(one, "time", ""), &when))
        return one;
    json_decref(one);
    return NULL;
}

void log_names_check(struct slice list)
{
    const char *names[EVENT_COUNT + VERBS];
    struct slice one;
    size_t n = 0;

    for (int e = 0; e < EVENT_COUNT; e++)
        names[n++] = event_name((enum event)e);
    for (size_t i = 0; i < VERBS; i++)
        names[n++] = verbs[i].word;
    while (slice_cut(&list, ',', &one)) {
        const char *nearest = slice_nearest(one, names, n);

        if (slice_among(one, names, n) < 0)
            fail(EX_USAGE, "--event %.*s: no such event; %s%s%s", (int)one.len,
                 one.ptr,
                 nearest ? "did you mean "
                         : "use names such as transfer, login-failed or ban, "
                           "or words of the column WHAT, such as upload",
                 nearest ? nearest : "", nearest ? "?" : "");
    }
}

struct slice log_address(const json_t *record)
{
    const struct slice peer = slice_from(text_of(record, "peer", ""));
    struct slice rest = peer, host;

    if (slice_starts(peer, SLICE("["))) {
        rest = (struct slice){ peer.ptr + 1, peer.len - 1 };
        slice_cut(&rest, ']', &host);
        return host;
    }
    slice_cut(&rest, ':', &host);
    return rest.ptr && !slice_has(rest, ':') ? host : peer;
}
