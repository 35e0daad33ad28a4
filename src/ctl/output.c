/* Output for people and for programs: times and modes; JSON; and the text of
 * what was described as JSON. */
#include "ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/harmless.h"

#define VALUE_MAX USERS_FILE_MAX

const char *when_text(int64_t seconds, char out[WHEN_MAX])
{
    struct tm tm;

    clock_utc(seconds > 0 ? seconds : 0, &tm);
    snprintf(out, WHEN_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ",
             (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec);
    return out;
}

const char *when_ago(int64_t seconds, int64_t now, char out[WHEN_MAX])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    int64_t then = seconds > 0 ? seconds : 0;
    int64_t age = then < now ? now - then : 0;
    size_t i = 0;

    while (units[i].seconds > 1 && age < units[i].seconds)
        i++;
    snprintf(out, WHEN_MAX, "%" PRId64 " %s", age / units[i].seconds,
             units[i].name);
    return out;
}

const char *mode_text(unsigned mode, char out[MODE_MAX])
{
    snprintf(out, MODE_MAX, "%04o", mode);
    return out;
}

json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    char *plain;

    if (value)
        return value;
    plain = strdup(text);
    for (char *c = plain; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = plain ? json_string(plain) : NULL;
    free(plain);
    return value;
}

json_t *json_slice(struct slice s)
{
    char *text = s.len > 0 ? strndup(s.ptr, s.len) : NULL;
    json_t *value = text ? json_text(text) : json_null();

    free(text);
    return value;
}

json_t *json_time(int64_t seconds)
{
    char when[WHEN_MAX];

    return seconds > 0 ? json_string(when_text(seconds, when)) : json_null();
}

json_t *json_limit(uint64_t limit)
{
    return limit > 0 ? json_integer((json_int_t)limit) : json_null();
}

const char *text_of(const json_t *of, const char *key, const char *none)
{
    const char *text = json_string_value(json_object_get(of, key));

    return text ? text : none;
}

uint64_t number_of(const json_t *of, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(of, key));
}

static int json_failed(struct context *x)
{
    return ferror(stdout)
               ? ctl_fail(x, EX_IOERR, "standard output: %s", strerror(errno))
               : ctl_fail(x, EX_IOERR, "JSON can't be written");
}

int json_write(struct context *x, json_t *value)
{
    int r = value ? json_dumpf(value, stdout, JSON_INDENT(2)) : -1;

    json_decref(value);
    if (r)
        return json_failed(x);
    putchar('\n');
    return 0;
}

int json_element(struct context *x, json_t *one, uint64_t *count)
{
    int r = -1;

    if (one) {
        fputs((*count)++ == 0 ? "[\n" : ",\n", stdout);
        r = json_dumpf(one, stdout, JSON_COMPACT);
    }
    json_decref(one);
    return r == 0 ? 0 : json_failed(x);
}

void json_end(uint64_t count)
{
    fputs(count == 0 ? "[]\n" : "\n]\n", stdout);
}

/* Comments and homes come from people, and from the files of other servers. */
static void add_text(struct buf *into, const char *text)
{
    const size_t at = into->len;

    if (text && buf_add_text(into, text) == 0)
        harmless_make(into->data + at, into->len - at);
}

/* Writes an array's elements: with commas, or each in a line of a block. */
static void add_elements(const json_t *array, const struct output_field *f,
                         bool block, struct buf *into)
{
    const json_t *one;
    size_t i;

    json_array_foreach(array, i, one)
    {
        buf_add_text(into, block ? "\n  " : i > 0 ? "," : "");
        if (f->element)
            f->element(one, into);
        else
            add_text(into, json_string_value(one));
    }
}

static void add_scalar(const json_t *value, struct buf *into)
{
    if (json_is_integer(value))
        buf_add_format(into, "%" JSON_INTEGER_FORMAT,
                       json_integer_value(value));
    else if (json_is_boolean(value))
        buf_add_text(into, json_is_true(value) ? "yes" : "no");
    else
        add_text(into, json_string_value(value));
}

void output_members(json_t *object, struct buf *into)
{
    const char *key, *before = "";
    json_t *one;

    json_object_foreach(object, key, one)
    {
        if (json_is_null(one))
            continue;
        buf_add_format(into, "%s%s ", before, key);
        add_scalar(one, into);
        before = ", ";
    }
}

/* Returns false if there is no memory. */
static bool print_value(json_t *value, const struct output_field *f, bool block,
                        char end)
{
    struct buf text;

    buf_init(&text, VALUE_MAX);
    if (json_is_integer(value) || json_is_string(value) ||
        json_is_boolean(value))
        add_scalar(value, &text);
    else if (json_is_object(value))
        output_members(value, &text);
    else if (f->count)
        buf_add_format(&text, "%zu", json_array_size(value));
    else
        add_elements(value, f, block, &text);
    if (text.len == 0 && f->none)
        buf_add_text(&text, f->none);
    bool ok = buf_add(&text, "", 1) == 0;
    if (ok)
        printf("%*s%c", f->width, text.data, end);
    buf_release(&text);
    return ok;
}

static bool output_row(const json_t *one, const struct output_field *f)
{
    bool ok = one != NULL;

    for (; ok && f->key; f++)
        ok = print_value(json_object_get(one, f->key), f, false,
                         f[1].key ? ' ' : '\n');
    return ok;
}

int output_one(struct context *x, json_t *one, const struct output_field *f)
{
    bool ok = true;

    if (x->args.json || !one)
        return json_write(x, one);
    for (; ok && f->key; f++) {
        json_t *value = json_object_get(one, f->key);
        bool block = f->element && json_array_size(value) > 0;

        printf(block ? "%s" : "%-9s ", f->title);
        ok = print_value(value, f, block, '\n');
    }
    json_decref(one);
    return ok ? 0 : ctl_no_memory(x);
}

int output_list(struct context *x, size_t n, output_describe *describe,
                const struct output_field *columns)
{
    const bool json = x->args.json;
    json_t *list = json ? json_array() : NULL;

    for (const struct output_field *f = columns; !json && f->key; f++)
        printf("%*s%c", f->width, f->title, f[1].key ? ' ' : '\n');
    for (size_t i = 0; i < n; i++) {
        json_t *one = describe(x, i);
        bool ok =
            json ? json_array_append(list, one) == 0 : output_row(one, columns);

        json_decref(one);
        if (!ok) {
            json_decref(list);
            return ctl_no_memory(x);
        }
    }
    return json ? json_write(x, list) : 0;
}
