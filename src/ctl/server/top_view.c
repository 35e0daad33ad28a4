/* The answers of the server for "top": the rate of each transfer since the
 * last answer, the sums, and the order. */
#include <stdlib.h>

#include "top.h"

static const json_t *view_find(const json_t *rows, const char *serial)
{
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        if (strcmp(text_of(row, "serial", ""), serial) == 0)
            return row;
    }
    return NULL;
}

/* "who" has the rate since the transfer's beginning. If BEFORE is the same
 * transfer, this is the rate since then. */
static uint64_t view_rate(const json_t *row, const json_t *before)
{
    uint64_t ms = number_of(row, "ms"), bytes = number_of(row, "bytes");
    uint64_t then = number_of(before, "ms");
    uint64_t had = number_of(before, "bytes");

    if (then == 0 || ms <= then || bytes < had ||
        strcmp(text_of(row, "path", ""), text_of(before, "path", "")) != 0)
        return number_of(row, "rate");
    return (uint64_t)((double)(bytes - had) * 1000 / (double)(ms - then));
}

static bool view_is_upload(const json_t *row)
{
    const char *verb = text_of(row, "command", "");

    return !strcmp(verb, "STOR") || !strcmp(verb, "APPE") ||
           !strcmp(verb, "STOU");
}

static void view_add_up(struct top_view *v, const json_t *before)
{
    json_t *row;
    size_t i;

    v->up = v->down = v->transfers = 0;
    json_array_foreach(v->rows, i, row)
    {
        uint64_t rate;

        if (number_of(row, "ms") == 0)
            continue;
        rate = view_rate(row, view_find(before, text_of(row, "serial", "")));
        json_object_set_new(row, "rate", json_integer((json_int_t)rate));
        *(view_is_upload(row) ? &v->up : &v->down) += rate;
        v->transfers++;
    }
}

int top_view_read(struct context *x, struct top_view *v)
{
    json_t *before = v->rows;
    int code;

    json_decref(v->status);
    *v = (struct top_view){ 0 };
    code = status_read(x, &v->status);
    if (code == 0)
        code = who_read(x, &v->rows);
    if (code == 0)
        view_add_up(v, before);
    else
        top_view_release(v);
    json_decref(before);
    return code;
}

static int view_compare(const void *a, const void *b, void *order)
{
    static const struct {
        const char *key;
        bool is_number;
    } keys[TOP_ORDERS] = {
        [TOP_RATE] = { "rate", true },       [TOP_USER] = { "user", false },
        [TOP_ADDRESS] = { "client", false }, [TOP_FILE] = { "path", false },
        [TOP_AGE] = { "age", true },
    };
    const json_t *one = *(json_t *const *)a, *other = *(json_t *const *)b;
    const enum top_order by = *(const enum top_order *)order;
    const char *key = keys[by].key;
    uint64_t m = number_of(one, key), n = number_of(other, key);
    int r = strcmp(text_of(one, key, ""), text_of(other, key, ""));

    if (keys[by].is_number)
        r = (m < n) - (m > n);
    return r ? r
             : strcmp(text_of(one, "serial", ""), text_of(other, "serial", ""));
}

void top_view_sort(struct top_view *v, enum top_order order)
{
    size_t n = json_array_size(v->rows);
    json_t **all = calloc(n + 1, sizeof(json_t *));

    for (size_t i = 0; all && i < n; i++)
        all[i] = json_incref(json_array_get(v->rows, i));
    if (all)
        qsort_r(all, n, sizeof(json_t *), view_compare, &order);
    for (size_t i = 0; all && i < n; i++)
        json_array_set_new(v->rows, i, all[i]);
    free(all);
}

void top_view_release(struct top_view *v)
{
    json_decref(v->status);
    json_decref(v->rows);
    *v = (struct top_view){ 0 };
}
