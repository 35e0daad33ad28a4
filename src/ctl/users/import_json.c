/* Users as JSON: an array of objects, or objects one after the other, as jq
 * writes them. Each object is parsed alone, so that its size has a bound. A key
 * that isn't known refuses the text: with a slip in "expires" a user would have
 * no end. Pure. */
#include "import.h"

/* A user has less than 2 KiB. */
#define OBJECT_MAX 65536u
#define KEY_SHOWN  64

struct json {
    struct import *m;
    struct slice rest; /* what isn't read yet */
    size_t line;       /* of its first byte */
};

static int json_mistake(const struct json *j, const char *what)
{
    return ctl_fail(j->m->x, EX_DATAERR, "%s:%zu: %s", j->m->path, j->line,
                    what);
}

/* Drops N bytes. */
static void json_skip(struct json *j, size_t n)
{
    for (size_t i = 0; i < n; i++)
        j->line += j->rest.ptr[i] == '\n';
    j->rest.ptr += n;
    j->rest.len -= n;
}

static void skip_blanks(struct json *j)
{
    while (j->rest.len > 0 && memchr(" \t\r\n", j->rest.ptr[0], 4))
        json_skip(j, 1);
}

/* Drops C if it is next. */
static bool takes(struct json *j, char c)
{
    skip_blanks(j);
    if (j->rest.len == 0 || j->rest.ptr[0] != c)
        return false;
    json_skip(j, 1);
    return true;
}

/* The values. */

static void take_locked(struct imported *e, struct slice text)
{
    (void)text;
    import_limits_closed(e, "it is locked there");
}

#define AT(member) offsetof(struct imported, member)
static const struct {
    const char *key;
    size_t at; /* without take(): the place of its slice */
    void (*take)(struct imported *e, struct slice text);
    bool flag; /* true or false, and not a text */
} json_keys[] = {
    { "name", AT(name), NULL, false },
    { "hash", 0, import_limits_password, false },
    { "comment", AT(comment), NULL, false },
    { "mail", AT(mail), NULL, false },
    { "expires", 0, import_limits_end, false },
    { "locked", 0, take_locked, true },
};
#define KEYS       (sizeof(json_keys) / sizeof(json_keys[0]))
#define KEYS_KNOWN "name, hash, comment, mail, expires and locked"

static int unknown_key(const struct json *j, const char *key)
{
    char shown[KEY_SHOWN];

    if (server_escape(slice_from(key), shown, sizeof(shown)))
        memcpy(shown, "a long one", sizeof("a long one"));
    return ctl_fail(j->m->x, EX_DATAERR,
                    "%s:%zu: unknown key \"%s\"; known are " KEYS_KNOWN,
                    j->m->path, j->line, shown);
}

static int wrong_type(const struct json *j, size_t key)
{
    return ctl_fail(j->m->x, EX_DATAERR, "%s:%zu: %s: expected %s, or null",
                    j->m->path, j->line, json_keys[key].key,
                    json_keys[key].flag ? "true or false" : "a text");
}

static int take_member(const struct json *j, struct imported *e,
                       const char *key, const json_t *value)
{
    size_t i = 0;

    while (i < KEYS && strcmp(json_keys[i].key, key) != 0)
        i++;
    if (i == KEYS)
        return unknown_key(j, key);
    if (json_is_null(value) || (json_keys[i].flag && json_is_false(value)))
        return 0;
    if (json_keys[i].flag ? !json_is_true(value) : !json_is_string(value))
        return wrong_type(j, i);
    const struct slice text = { json_string_value(value),
                                json_string_length(value) };
    if (json_keys[i].take)
        json_keys[i].take(e, text);
    else
        *(struct slice *)(void *)((char *)e + json_keys[i].at) = text;
    return 0;
}

static int take_object(const struct json *j, json_t *object)
{
    struct imported *e = import_add(j->m, j->line);
    const char *key;
    json_t *value;
    int code = 0;

    json_object_foreach(object, key, value)
    {
        code = take_member(j, e, key, value);
        if (code)
            return code;
    }
    return e->name.ptr ? import_named(j->m, e)
                       : json_mistake(j, "an object without a name");
}

/* Its message may have parts of a hash, so it isn't shown. */
static int no_object(struct json *j, const json_error_t *error, bool cut)
{
    if (error->line > 1)
        j->line += (size_t)error->line - 1;
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        return json_mistake(j, cut ? "the object is longer than 64 KiB"
                                   : "the text ends within an object");
    case json_error_duplicate_key:
        return json_mistake(j, "a key occurs twice in an object");
    default:
        return json_mistake(j, "this is no JSON");
    }
}

static int next_object(struct json *j)
{
    const bool cut = j->rest.len > OBJECT_MAX;
    const size_t len = cut ? OBJECT_MAX : j->rest.len;
    json_error_t error;
    json_t *object;
    int code;

    if (j->rest.len == 0 || j->rest.ptr[0] != '{')
        return json_mistake(j, j->rest.len == 0
                                   ? "the text ends within the array"
                                   : "expected an object of a user, {…}");
    object =
        json_loadb(j->rest.ptr, len,
                   JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
    if (!object)
        return no_object(j, &error, cut);
    if (json_array_append_new(j->m->json, object))
        return ctl_no_memory(j->m->x);
    code = take_object(j, object);
    if (code == 0)
        json_skip(j, (size_t)error.position);
    return code;
}

/* After "[". */
static int take_array(struct json *j)
{
    int code = 0;

    if (takes(j, ']'))
        return 0;
    do {
        skip_blanks(j);
        code = next_object(j);
    } while (code == 0 && takes(j, ','));
    if (code == 0 && !takes(j, ']'))
        code = json_mistake(j, j->rest.len == 0
                                   ? "the text ends within the array"
                                   : "expected , or ] after an object");
    return code;
}

/* Each user has a brace. */
static size_t most_users(struct slice text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len && n <= USERS_MAX; i++)
        n += text.ptr[i] == '{';
    return n;
}

int import_json(struct import *m)
{
    struct json j = { .m = m, .rest = buf_slice(&m->text), .line = 1 };
    int code = import_begin(m, most_users(j.rest));

    m->json = json_array();
    if (code == 0 && !m->json)
        code = ctl_no_memory(m->x);
    if (code == 0 && takes(&j, '['))
        code = take_array(&j);
    for (skip_blanks(&j); code == 0 && j.rest.len > 0; skip_blanks(&j))
        code = next_object(&j);
    return code;
}
