/* Output for people and for programs: times, modes, JSON, and JSON as text or
 * as a table. */
#include "ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/harmless.h"

#define VALUE_MAX   USERS_FILE_MAX
#define BLOCK_WIDTH 76 /* columns of a line in a block, without its margin */

const char *when_text(int64_t seconds, char out[WHEN_MAX])
{
    struct tm tm;

    clock_utc(seconds > 0 ? seconds : 0, &tm);
    snprintf(out, WHEN_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ",
             (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec);
    return out;
}

json_t *json_foreign(struct slice s)
{
    char *text = malloc(s.len + 1);
    json_t *value;

    if (!text)
        fail_no_memory();
    memcpy(text, s.ptr ? s.ptr : "", s.len);
    harmless_make(text, s.len);
    value = s.len > 0 ? json_stringn(text, s.len) : json_null();
    free(text);
    return value;
}

json_t *json_slice(struct slice s)
{
    json_t *value = s.len > 0 ? json_stringn(s.ptr, s.len) : NULL;

    return value ? value : json_foreign(s);
}

json_t *json_text(const char *text)
{
    return text[0] ? json_slice(slice_from(text)) : json_string("");
}

json_t *json_time(int64_t seconds)
{
    char when[WHEN_MAX];

    return seconds > 0 ? json_string(when_text(seconds, when)) : json_null();
}

json_t *json_mode(unsigned mode)
{
    return mode ? json_sprintf("%04o", mode) : json_null();
}

json_t *json_count(bool known, uint64_t n)
{
    return known ? json_integer((json_int_t)n) : json_null();
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

void json_print(json_t *value)
{
    if (!value)
        fail_no_memory();
    if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII))
        fail(EX_IOERR, "standard output: %s", strerror(errno));
    json_decref(value);
    putchar('\n');
}

/* Adds the text, made harmless: comments and homes come from people, and from
 * the files of other servers. */
static void add_text(struct buf *into, const char *text)
{
    const size_t at = into->len;

    if (text && buf_add_text(into, text) == 0)
        harmless_make(into->data + at, into->len - at);
}

/* Is N, the member KEY, a number of bytes? A limit of 0 isn't, since it means
 * "no limit". */
static bool is_size(const char *key, json_int_t n)
{
    return strstr(key, "bytes") || strcmp(key, "free") == 0 ||
           (n > 0 &&
            (strstr(key, "bandwidth") || strcmp(key, "max_file_size") == 0));
}

static void add_json(const char *key, json_t *value, struct buf *into);

/* Writes the members that have a value: "hours sat, max_sessions 3". BLOCK:
 * begins a new line before a line gets wider than a terminal. */
static void add_members(json_t *object, bool block, struct buf *into)
{
    const char *key, *before = "";
    size_t column = 0;
    json_t *one;

    json_object_foreach(object, key, one)
    {
        struct buf text;

        if (json_is_null(one) ||
            (json_is_array(one) && json_array_size(one) == 0))
            continue;
        buf_init(&text, VALUE_MAX);
        buf_add_format(&text, "%s ", key);
        add_json(key, one, &text);
        if (block && column > 0 && column + text.len > BLOCK_WIDTH) {
            before = ",\n    ";
            column = 0;
        }
        column += text.len + 2;
        buf_add_text(into, before);
        if (buf_add_slice(into, buf_slice(&text)))
            fail_no_memory();
        buf_release(&text);
        before = ", ";
    }
}

/* Writes an array's elements with commas or semicolons between them; BLOCK:
 * each in its own line. */
static void add_elements(json_t *array, const struct output_field *f,
                         bool block, struct buf *into)
{
    json_t *one;
    size_t i;

    json_array_foreach(array, i, one)
    {
        buf_add_text(into, block ? "\n  " : i == 0 ? "" : f ? "," : "; ");
        if (f && f->element)
            f->element(one, into);
        else if (block && json_is_object(one))
            add_members(one, true, into);
        else
            add_json("", one, into);
    }
}

static void add_json(const char *key, json_t *value, struct buf *into)
{
    const json_int_t n = json_integer_value(value);
    char size[SIZE_TEXT_MAX];

    if (json_is_integer(value) && !ctl.args.csv && is_size(key, n))
        buf_add_text(into, size_text((uint64_t)n, size));
    else if (json_is_integer(value))
        buf_add_format(into, "%" JSON_INTEGER_FORMAT, n);
    else if (json_is_boolean(value))
        buf_add_text(into, json_is_true(value) ? "yes" : "no");
    else if (json_is_object(value))
        add_members(value, false, into);
    else if (json_is_array(value))
        add_elements(value, NULL, false, into);
    else
        add_text(into, json_string_value(value));
}

/* Writes the value as it is printed, and a NUL. */
static void add_value(const char *key, json_t *value,
                      const struct output_field *f, bool block,
                      struct buf *into)
{
    const size_t at = into->len;

    if (f->count)
        buf_add_format(into, "%zu", json_array_size(value));
    else if (json_is_array(value))
        add_elements(value, f, block, into);
    else
        add_json(key, value, into);
    if (into->len == at && f->none && !ctl.args.csv)
        buf_add_text(into, f->none);
    if (buf_add(into, "", 1))
        fail_no_memory();
}

void output_one(json_t *one, const struct output_field *fields)
{
    const char *key;
    json_t *value;

    if (ctl.args.json || !one) {
        json_print(one);
        return;
    }
    json_object_foreach(one, key, value)
    {
        const struct output_field *f = fields;
        const int pad = strlen(key) < 8 ? 9 - (int)strlen(key) : 1;
        struct buf text;

        while (f->key && strcmp(f->key, key) != 0)
            f++;
        const bool block =
            json_array_size(value) > 0 &&
            (f->element || json_is_object(json_array_get(value, 0)));
        buf_init(&text, VALUE_MAX);
        add_value(key, value, f, block, &text);
        if (text.len > 1)
            printf("%s:%*s%s\n", key, block ? 0 : pad, "", text.data);
        buf_release(&text);
    }
    json_decref(one);
}

void output_age(const json_t *row, struct buf *into)
{
    static const struct {
        json_int_t seconds;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    const json_int_t n = json_integer_value(json_object_get(row, "age"));
    const json_int_t age = n > 0 ? n : 0; /* a file can have a future time */
    size_t i = 0;

    while (units[i].seconds > 1 && age < units[i].seconds)
        i++;
    buf_add_format(into, "%" JSON_INTEGER_FORMAT " %s", age / units[i].seconds,
                   units[i].name);
}

/* Tables. */

/* Writes a cell of CSV. Puts an apostrophe before = + - or @: a spreadsheet
 * would take such a text for a formula, and clients choose names. Puts quotes
 * around a text with a comma or a quote, as RFC 4180 wants. */
static void csv_put(const char *text)
{
    const bool quoted = strpbrk(text, ",\"") != NULL;

    fputs(quoted ? "\"" : "", stdout);
    if (text[0] && strchr("=+-@", text[0]))
        putchar('\'');
    for (; *text; text++)
        fputs(*text == '"' ? "\"\"" : (char[]){ *text, '\0' }, stdout);
    fputs(quoted ? "\"" : "", stdout);
}

/* Returns the number of characters of a text, as if a terminal needed one
 * column for each. */
static int columns_of(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static bool is_shown(const struct output_field *f)
{
    return f->title || ctl.args.csv;
}

/* Widens column I for its cell that begins at AT. */
static void end_cell(struct table *t, size_t i, size_t at)
{
    const int width = columns_of(t->cells.data + at);

    if (width > t->width[i])
        t->width[i] = width;
}

/* Prints the row whose cells begin at AT. Returns the end of the row. */
static const char *print_row(const struct table *t, const char *at)
{
    const struct output_field *f = t->columns;

    for (size_t i = 0; f[i].key; i++) {
        if (!is_shown(&f[i]))
            continue;
        const int wide = columns_of(at);
        const int pad = t->width[i] > wide ? t->width[i] - wide : 0;

        if (ctl.args.csv)
            csv_put(at);
        else
            printf("%*s%s%*s", f[i].width > 0 ? pad : 0, "", at,
                   f[i].width > 0 || i == t->last ? 0 : pad, "");
        putchar(i == t->last ? '\n' : ctl.args.csv ? ',' : ' ');
        at += strlen(at) + 1;
    }
    return at;
}

/* Prints the row, unless the widths of all rows must be known first. */
static void end_row(struct table *t)
{
    t->rows++;
    if (!ctl.args.csv && !t->stream)
        return;
    print_row(t, t->cells.data);
    buf_clear(&t->cells);
    if (ferror(stdout))
        fail(EX_IOERR, "standard output: %s", strerror(errno));
}

void table_begin(struct table *t, const struct output_field *columns,
                 bool stream)
{
    *t = (struct table){ .columns = columns, .stream = stream };
    buf_init(&t->cells, TABLE_MAX);
    if (ctl.args.json) {
        t->list = json_array();
        return;
    }
    for (size_t i = 0; columns[i].key && i < TABLE_COLUMNS; i++) {
        const size_t at = t->cells.len;
        const char *title = ctl.args.csv ? columns[i].key : columns[i].title;

        if (!is_shown(&columns[i]))
            continue;
        t->last = i;
        t->width[i] = abs(columns[i].width);
        if (buf_add(&t->cells, title, strlen(title) + 1))
            fail_no_memory();
        end_cell(t, i, at);
    }
    end_row(t);
}

static void add_cells(struct table *t, const json_t *one)
{
    const struct output_field *f = t->columns;

    for (size_t i = 0; f[i].key && i < TABLE_COLUMNS; i++) {
        const size_t at = t->cells.len;

        if (!is_shown(&f[i]))
            continue;
        if (f[i].text && !ctl.args.csv) {
            f[i].text(one, &t->cells);
            harmless_make(t->cells.data + at, t->cells.len - at);
            if (buf_add(&t->cells, "", 1))
                fail_no_memory();
        } else {
            add_value(f[i].key, json_object_get(one, f[i].key), &f[i], false,
                      &t->cells);
        }
        if (!t->stream)
            end_cell(t, i, at);
    }
    end_row(t);
}

void table_add(struct table *t, json_t *one)
{
    if (!one)
        fail_no_memory();
    if (!ctl.args.json)
        add_cells(t, one);
    else if (!t->stream && json_array_append(t->list, one))
        fail_no_memory();
    else if (t->stream &&
             (json_dumpf(one, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) ||
              putchar('\n') < 0))
        fail(EX_IOERR, "standard output: %s", strerror(errno));
    json_decref(one);
}

void table_end(struct table *t, const char *nothing)
{
    const char *at = t->cells.data;

    if (ctl.args.json && !t->stream)
        json_print(t->list);
    else if (!ctl.args.csv && t->rows == 1 && nothing)
        printf("%s%s", nothing, nothing[0] ? "\n" : "");
    else
        while (t->cells.len > 0 && at < t->cells.data + t->cells.len)
            at = print_row(t, at);
    buf_release(&t->cells);
}

void table_print(const json_t *rows, const struct output_field *columns,
                 const char *nothing)
{
    struct table t;
    json_t *one;
    size_t i;

    table_begin(&t, columns, false);
    json_array_foreach(rows, i, one)
    {
        table_add(&t, json_incref(one));
    }
    table_end(&t, nothing);
}

void output_list(size_t n, output_describe *describe,
                 const struct output_field *columns)
{
    struct table t;

    table_begin(&t, columns, false);
    for (size_t i = 0; i < n; i++)
        table_add(&t, describe(i));
    table_end(&t, NULL);
}

/* Prints JSON without line ends: a command that calls this for several names
 * prints a line for each. */
void output_done(const char *what, const char *name, json_t *details,
                 const char *format, ...)
{
    struct complaint text;
    va_list args;

    if (ctl.args.json) {
        json_t *one = json_pack("{s:s}", what, name);

        if (!one || json_object_update(one, details) ||
            json_dumpf(one, stdout, JSON_COMPACT | JSON_ENSURE_ASCII))
            fail(EX_IOERR, "JSON can't be written");
        putchar('\n');
        json_decref(one);
    } else {
        va_start(args, format);
        complaint_list(text.text, sizeof(text.text), format, args);
        va_end(args);
        printf("%s %s: %s\n", what, name, text.text);
    }
    json_decref(details);
}
