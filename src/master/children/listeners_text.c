/* Describes the listeners for the log line that reports that the server is
 * ready. Runs in master. */
#include "listeners.h"

#define ROWS_TOLD 32

/* Returns the index after the row of neighbouring ports that begins at I.
 * Several hosts may have the same ports. */
static size_t ports_row_end(const struct listeners *l, size_t i)
{
    for (i++; i < l->passive_count; i++)
        if (l->passive[i].address.port > l->passive[i - 1].address.port + 1)
            break;
    return i;
}

static int ports_text(const struct listeners *l, size_t begin, size_t end,
                      struct buf *into)
{
    unsigned first = l->passive[begin].address.port;
    unsigned last = l->passive[end - 1].address.port;

    if (first == last)
        return buf_add_format(into, " %u", first);
    return buf_add_format(into, " %u-%u", first, last);
}

/* Writes "50000-50099", or the kernel's choice: "40001 40007-40009". If there
 * are very many rows, it writes only the first and the last port. */
static int all_ports_text(const struct listeners *l, struct buf *into)
{
    size_t n = l->passive_count, rows = 0;
    int r = 0;

    for (size_t i = 0; i < n; i = ports_row_end(l, i))
        rows++;
    if (rows > ROWS_TOLD) {
        r = ports_text(l, 0, n, into);
        return r == 0 ? buf_add_format(into, " (%zu of them)", n) : r;
    }
    for (size_t i = 0; i < n && r == 0; i = ports_row_end(l, i))
        r = ports_text(l, i, ports_row_end(l, i), into);
    return r;
}

int listeners_text(const struct listeners *l, struct buf *into)
{
    char text[ADDRESS_TEXT_MAX];
    int r = 0;

    for (size_t i = 0; i < l->control_count && r == 0; i++)
        r = buf_add_format(into, "%s%s%s%s", i > 0 ? ", " : "",
                           address_port_text(&l->control[i].address, text),
                           l->control[i].implicit ? " tls" : "",
                           l->control[i].proxied ? " proxy" : "");
    if (r == 0 && l->passive_count > 0)
        r = buf_add_text(into, ", data ports");
    return r == 0 ? all_ports_text(l, into) : r;
}
