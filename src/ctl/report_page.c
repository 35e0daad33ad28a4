/* The page of "report": one file of HTML with its own style and SVG, without a
 * script, and nothing from elsewhere. Each text that isn't in this file passes
 * page_text(). Each chart has its figures beside it, in words. */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"

#define ROWS 15 /* of a table; the others are one row */

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
    "'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>\n"
    ":root{--back:#fff;--text:#1b1f24;--soft:#57606a;--line:#d0d7de;"
    "--up:#0b63b0;--down:#c76b00;--bad:#b3261e}\n"
    "@media (prefers-color-scheme:dark){:root{--back:#14171b;--text:#e6e9ec;"
    "--soft:#9da7b1;--line:#363d45;--up:#5eb1ff;--down:#ffb055;"
    "--bad:#ff8a80}}\n"
    "@media print{:root{--back:#fff;--text:#000;--soft:#444;--line:#bbb;"
    "--up:#0b63b0;--down:#c76b00;--bad:#b3261e}section{break-inside:avoid}"
    "body{max-width:none}}\n"
    "*{box-sizing:border-box;print-color-adjust:exact}\n"
    "body{margin:0 auto;padding:1rem;max-width:70rem;background:var(--back);"
    "color:var(--text);font:1rem/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem;"
    "border-bottom:1px solid var(--line)}\n"
    "p,dl{margin:.3rem "
    "0}div.soft,figcaption{font-size:.85rem}.soft,th,dt{color:var(--soft)}\n"
    "dl.sum{display:grid;grid-template-columns:repeat(auto-fit,"
    "minmax(9rem,1fr));gap:.5rem 1rem}dd{margin:0;font-size:1.25rem}\n"
    "table{width:100%;border-collapse:collapse;font-size:.95rem}\n"
    "th,td{padding:.2rem .6rem .2rem 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid var(--line);overflow-wrap:anywhere}\n"
    "th{font-weight:normal}td.n,th.n{text-align:right;white-space:nowrap;"
    "overflow-wrap:normal}td.bar{width:30%;vertical-align:middle}\n"
    "svg{display:block;width:100%}td.bar svg{height:.7rem}"
    "figure svg{height:9rem;border-bottom:1px solid var(--soft)}\n"
    "figure{margin:.5rem 0}.axis{display:flex;font-size:.8rem;"
    "color:var(--soft)}.axis span{overflow:hidden;white-space:nowrap}\n"
    ".up{fill:var(--up)}.down{fill:var(--down)}.bad{fill:var(--bad)}\n"
    "i{display:inline-block;width:.8em;height:.8em;margin-right:.3em}"
    "i.up{background:var(--up)}i.down{background:var(--down)}\n"
    "@media (max-width:40rem){td.bar,th.bar{display:none}}\n"
    "</style>\n";

#define QUOTA_ROWS 1000

struct page {
    struct buf *to;
    int failed; /* -ENOBUFS or -ENOMEM: nothing is written from then on */
};

/* Adds HTML of this file. */
static void page_html(struct page *p, const char *html, size_t len)
{
    if (p->failed == 0)
        p->failed = buf_add(p->to, html, len);
}

/* Adds any other text. */
static void page_text(struct page *p, const char *text)
{
    static const char *const special[128] = { ['&'] = "&amp;",
                                              ['<'] = "&lt;",
                                              ['>'] = "&gt;",
                                              ['"'] = "&quot;",
                                              ['\''] = "&#39;" };

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        const char *html =
            c < sizeof(special) / sizeof(special[0]) ? special[c] : NULL;

        page_html(p, html ? html : text, html ? strlen(html) : 1);
    }
}

/* Adds HTML of this file, and texts (%s, which become harmless) and numbers
 * (%ju, %u) in it. Nothing else follows a '%'. */
__attribute__((format(printf, 2, 3))) static void
page_add(struct page *p, const char *format, ...)
{
    char number[24];
    va_list args;

    va_start(args, format);
    while (*format) {
        size_t len = strcspn(format, "%");

        page_html(p, format, len);
        format += len;
        if (format[0] == '%' && format[1] == 's') {
            page_text(p, va_arg(args, const char *));
            format += 2;
        } else if (format[0] == '%') {
            bool big = format[1] == 'j';

            snprintf(number, sizeof(number), "%ju",
                     big ? va_arg(args, uintmax_t) : va_arg(args, unsigned));
            page_html(p, number, strlen(number));
            format += big ? 3 : 2;
        }
    }
    va_end(args);
}

#define TEXT_MAX 64

/* "12, 1.5 GiB" */
static const char *amount_text(const struct amount *a, char out[TEXT_MAX])
{
    char size[SIZE_TEXT_MAX];

    snprintf(out, TEXT_MAX, "%" PRIu64 "%s%s", a->count,
             a->count > 0 ? ", " : "",
             a->count > 0 ? size_text(a->bytes, size) : "");
    return out;
}

/* "Fri 20 Nov 2026 08:42 CET", local time */
static const char *time_text(int64_t ms, char out[TEXT_MAX])
{
    struct tm tm = { 0 };

    clock_local(ms / 1000, &tm);
    strftime(out, TEXT_MAX, "%a %e %b %Y %H:%M %Z", &tm);
    return out;
}

#define UP             "<i class=\"up\"></i>"
#define DOWN           "<i class=\"down\"></i>"
#define COLUMN(name)   "<th scope=\"col\">" name "</th>"
#define NUMBERS(name)  "<th class=\"n\" scope=\"col\">" name "</th>"
#define BARS           "<th class=\"bar\"></th>"
#define TABLE(columns) "<table><thead><tr>" columns "</tr></thead><tbody>\n"
#define TABLE_END      "</tbody></table>\n"

/* The share of a whole, in thousandths; what isn't nothing can be seen. */
static unsigned part(uint64_t n, uint64_t of)
{
    unsigned size = of > 0 ? (unsigned)((double)n / (double)of * 1000) : 0;

    return n > 0 && size < 5 ? 5 : size;
}

static void rect(struct page *p, const char *class, unsigned x, unsigned y,
                 unsigned width, unsigned height)
{
    page_add(p,
             "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" "
             "height=\"%u\"/>",
             class, x, y, width, height);
}

/* Ends a row with a bar of one or two parts; other cells have the figures. */
static void bar(struct page *p, const char *class, uint64_t first,
                uint64_t second, uint64_t of)
{
    unsigned width = part(first, of);

    page_add(p, "<td class=\"bar\"><svg viewBox=\"0 0 1000 10\" "
                "preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    rect(p, class, 0, 0, width, 10);
    rect(p, "down", width, 0, part(second, of), 10);
    page_add(p, "</svg></td></tr>\n");
}

/* Columns of transfers over time. */

struct columns {
    const char *id, *title, *what;
    const struct amount (*of)[WAYS];
    size_t n;
    int64_t first_day; /* 0: hours */
};

static const char *label(const struct columns *c, size_t i, char out[TEXT_MAX])
{
    int64_t hours =
        c->first_day > 0 ? (c->first_day + (int64_t)i) * 24 : (int64_t)i;
    struct tm tm;

    clock_utc((time_t)hours * 3600, &tm);
    if (c->first_day > 0)
        strftime(out, TEXT_MAX, "%a %e %b", &tm);
    else
        strftime(out, TEXT_MAX, "%H:00", &tm);
    return out;
}

static uint64_t bytes_of(const struct amount *ways)
{
    return ways[UPLOADS].bytes + ways[DOWNLOADS].bytes;
}

/* Finds the highest column, and the time with the most bytes. */
static size_t busiest(const struct columns *c, uint64_t *highest)
{
    size_t found = 0;

    *highest = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (bytes_of(c->of[i]) > bytes_of(c->of[found]))
            found = i;
        for (int way = 0; way < WAYS; way++)
            if (c->of[i][way].bytes > *highest)
                *highest = c->of[i][way].bytes;
    }
    return found;
}

static void chart(struct page *p, const struct columns *c)
{
    char when[TEXT_MAX], size[SIZE_TEXT_MAX];
    uint64_t most;
    size_t top = busiest(c, &most), step = (c->n + 6) / 7;

    page_add(p,
             "<figure><figcaption class=\"soft\">%s; the highest column is "
             "%s</figcaption><svg role=\"img\" aria-labelledby=\"%s-title "
             "%s-desc\" viewBox=\"0 0 %u 1000\" preserveAspectRatio=\"none\">"
             "<title id=\"%s-title\">%s</title><desc id=\"%s-desc\">Most of "
             "it: %s. The table has all figures.</desc>",
             c->title, size_text(most, size), c->id, c->id, (unsigned)c->n * 10,
             c->id, c->title, c->id, label(c, top, when));
    for (size_t i = 0; i < c->n; i++) {
        unsigned up = part(c->of[i][UPLOADS].bytes, most);
        unsigned down = part(c->of[i][DOWNLOADS].bytes, most);

        rect(p, "up", (unsigned)i * 10 + 1, 1000 - up, 4, up);
        rect(p, "down", (unsigned)i * 10 + 5, 1000 - down, 4, down);
    }
    page_add(p, "</svg><div class=\"axis\" aria-hidden=\"true\">");
    for (size_t i = 0; i < c->n; i += step)
        page_add(p, "<span style=\"flex:%u 1 0\">%s</span>",
                 (unsigned)(c->n - i < step ? c->n - i : step),
                 label(c, i, when));
    page_add(p, "</div></figure>\n");
}

static void section_columns(struct page *p, const struct columns *c)
{
    char when[TEXT_MAX], up[TEXT_MAX], down[TEXT_MAX];

    page_add(p, "<section><h2>%s</h2>\n", c->what);
    chart(p, c);
    page_add(p, TABLE(COLUMN("when") NUMBERS(UP "uploads")
                          NUMBERS(DOWN "downloads")));
    for (size_t i = 0; i < c->n; i++)
        page_add(p,
                 "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s"
                 "</td></tr>\n",
                 label(c, i, when), amount_text(&c->of[i][UPLOADS], up),
                 amount_text(&c->of[i][DOWNLOADS], down));
    page_add(p, TABLE_END "</section>\n");
}

/* Tallies. */

static uint64_t weight(const struct tally_row *row)
{
    uint64_t bytes = bytes_of(row->of);

    return bytes > 0 ? bytes
                     : row->of[UPLOADS].count + row->of[DOWNLOADS].count;
}

static int compare_weights(const void *a, const void *b)
{
    const struct tally_row *left = *(const struct tally_row *const *)a;
    const struct tally_row *right = *(const struct tally_row *const *)b;
    uint64_t l = weight(left), r = weight(right);

    return l != r ? (l < r) - (l > r) : strcmp(left->name, right->name);
}

/* Returns at most ROWS rows, the largest first; the last one may be *others,
 * the sum of all that have no row. */
static size_t tally_top(const struct tally *t, struct tally_row *others,
                        const struct tally_row *top[ROWS])
{
    static const struct tally_row *all[REPORT_NAMES_MAX];
    size_t n = t->rows < ROWS ? t->rows : ROWS - 1;

    *others = t->others;
    snprintf(others->name, sizeof(others->name), "all others");
    for (size_t i = 0; i < t->rows; i++)
        all[i] = &t->row[i];
    qsort(all, t->rows, sizeof(all[0]), compare_weights);
    memcpy(top, all, n * sizeof(all[0]));
    for (size_t i = n; i < t->rows; i++)
        for (int way = 0; way < WAYS; way++)
            amount_add(&others->of[way], all[i]->of[way].count,
                       all[i]->of[way].bytes);
    if (others->of[UPLOADS].count + others->of[DOWNLOADS].count > 0)
        top[n++] = others;
    return n;
}

static void tally_row(struct page *p, const struct tally_row *row,
                      const char *class, uint64_t most)
{
    const struct amount *of = row->of;
    char up[TEXT_MAX], down[TEXT_MAX];

    page_add(p, "<tr><td>%s</td>", row->name);
    if (class) {
        page_add(p, "<td class=\"n\">%ju</td>", of->count);
        return bar(p, class, of->count, 0, most);
    }
    page_add(p, "<td class=\"n\">%s</td><td class=\"n\">%s</td>",
             amount_text(&of[UPLOADS], up), amount_text(&of[DOWNLOADS], down));
    bar(p, "up", of[UPLOADS].bytes, of[DOWNLOADS].bytes, most);
}

/* CLASS is that of the bars; NULL: those of uploads and downloads. */
static void section_tally(struct page *p, const struct tally *t,
                          const char *title, const char *class)
{
    const struct tally_row *top[ROWS];
    struct tally_row others;
    size_t n = tally_top(t, &others, top);
    uint64_t most = 0;

    page_add(p, "<section><h2>%s</h2>\n", title);
    if (n == 0)
        return page_add(p, "<p class=\"soft\">none</p></section>\n");
    if (class)
        page_add(p, TABLE(COLUMN("name") NUMBERS("number") BARS));
    else
        page_add(p, TABLE(COLUMN("name") NUMBERS(UP "uploads")
                              NUMBERS(DOWN "downloads") BARS));
    for (size_t i = 0; i < n; i++)
        most = weight(top[i]) > most ? weight(top[i]) : most;
    for (size_t i = 0; i < n; i++)
        tally_row(p, top[i], class, most);
    page_add(p, TABLE_END "</section>\n");
}

/* Lists of single things. */

static void section_files(struct page *p, const struct report *r)
{
    char when[TEXT_MAX], size[SIZE_TEXT_MAX];

    page_add(p, "<section><h2>Largest files</h2>\n" TABLE(COLUMN("file")
                                                              NUMBERS("size")));
    for (size_t i = 0; i < r->files; i++) {
        const struct report_file *f = &r->file[i];

        page_add(p, "<tr><td>%s<div class=\"soft\">", f->path);
        page_add(p, f->upload ? UP "uploaded" : DOWN "downloaded");
        page_add(p, " by %s, %s</div></td><td class=\"n\">%s</td></tr>\n",
                 f->user, time_text(f->ms, when), size_text(f->size, size));
    }
    page_add(p, TABLE_END "</section>\n");
}

static void section_bans(struct page *p, const struct report *r)
{
    uint64_t n = r->bans < REPORT_BANS ? r->bans : REPORT_BANS;
    char when[TEXT_MAX];

    page_add(p,
             "<section><h2>Bans</h2>\n<p class=\"soft\">%ju%s</p>\n" TABLE(
                 COLUMN("address") COLUMN("why")),
             r->bans, r->bans > n ? "; the last ones:" : "");
    for (uint64_t i = 0; i < n; i++) {
        const struct report_ban *b = &r->ban[(r->bans - 1 - i) % REPORT_BANS];

        page_add(p,
                 "<tr><td>%s<div class=\"soft\">%s</div></td><td>%s</td>"
                 "</tr>\n",
                 b->peer, time_text(b->ms, when), b->reason);
    }
    page_add(p, TABLE_END "</section>\n");
}

/* What is used now, of how much. */
static void used_row(struct page *p, const char *what, uint64_t used,
                     uint64_t limit, const char *note)
{
    char size[SIZE_TEXT_MAX], of[SIZE_TEXT_MAX];

    page_add(p,
             "<tr><td>%s<div class=\"soft\">%s</div></td><td class=\"n\">%s"
             "</td><td class=\"n\">%s</td>",
             what, note, size_text(used, size), size_text(limit, of));
    bar(p, used > limit / 10 * 9 ? "bad" : "up", used < limit ? used : limit, 0,
        limit);
}

static void disk_row(struct page *p, const char *path)
{
    struct statvfs fs;

    if (disk_room(path, &fs) == 0)
        used_row(p, path, (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize,
                 (uint64_t)fs.f_blocks * fs.f_frsize, "its disk");
}

/* Those with a limit; not more than the page has room for. */
static void quota_rows(struct page *p, const json_t *quotas)
{
    const json_t *one;
    size_t i, shown = 0, left = 0;

    json_array_foreach(quotas, i, one)
    {
        json_int_t limit = json_integer_value(json_object_get(one, "bytes"));
        json_int_t used =
            json_integer_value(json_object_get(one, "bytes_used"));

        if (limit > 0 && shown++ >= QUOTA_ROWS)
            left++;
        else if (limit > 0)
            used_row(p, json_string_value(json_object_get(one, "name")),
                     (uint64_t)used, (uint64_t)limit,
                     json_string_value(json_object_get(one, "note")));
    }
    if (left > 0)
        page_add(p,
                 "<tr><td colspan=\"4\">and %ju more: sallyportctl quota "
                 "report</td></tr>\n",
                 (uintmax_t)left);
}

static void section_disks(struct page *p, const struct report *r)
{
    const struct settings *s = &r->x->settings;
    struct complaint why = { .text = "" };
    int code = edit_load_users(&r->x->users, s->users, NULL, &why);
    json_t *quotas = code == 0 ? quota_list(r->x) : NULL;

    page_add(p, "<section><h2>Disks and quotas now</h2>\n" TABLE(
                    COLUMN("name") NUMBERS("used") NUMBERS("of") BARS));
    disk_row(p, s->homes);
    disk_row(p, s->shares);
    quota_rows(p, quotas);
    page_add(p, TABLE_END);
    if (code)
        page_add(p, "<p class=\"soft\">Quotas unknown: %s</p>\n", why.text);
    page_add(p, "</section>\n");
    json_decref(quotas);
}

/* The page. */

static void section_head(struct page *p, const struct report *r)
{
    char host[256] = "", since[TEXT_MAX], until[TEXT_MAX], up[TEXT_MAX],
         down[TEXT_MAX];

    gethostname(host, sizeof(host) - 1);
    page_html(p, head, sizeof(head) - 1);
    page_add(p,
             "<title>Sallyport on %s</title>\n</head>\n<body>\n<h1>Sallyport "
             "on %s</h1>\n<p class=\"soft\">%s to %s. Transfers are those "
             "that are complete.</p>\n<dl class=\"sum\">\n"
             "<div><dt>" UP "uploads</dt><dd>%s</dd></div>\n"
             "<div><dt>" DOWN "downloads</dt><dd>%s</dd></div>\n"
             "<div><dt>failures</dt><dd>%ju</dd></div>\n"
             "<div><dt>logins</dt><dd>%ju</dd></div>\n"
             "<div><dt>users with transfers</dt><dd>%ju%s</dd></div>\n"
             "<div><dt>bans</dt><dd>%ju</dd></div>\n</dl>\n",
             host, host, time_text(r->since, since), time_text(r->until, until),
             amount_text(&r->total[UPLOADS], up),
             amount_text(&r->total[DOWNLOADS], down), r->failures, r->logins,
             (uintmax_t)r->users.rows,
             r->users.rows < REPORT_NAMES_MAX ? "" : " or more", r->bans);
}

int report_page(const struct report *r, struct buf *into)
{
    const struct columns days = { "days", "Bytes per day", "Per day",
                                  r->day, r->days,         r->first_day };
    const struct columns hours = {
        "hours", "Bytes per hour of the day", "Busiest hours", r->hour, 24, 0
    };
    struct page p = { .to = into };

    section_head(&p, r);
    section_columns(&p, &days);
    section_columns(&p, &hours);
    section_tally(&p, &r->users, "Users", NULL);
    section_tally(&p, &r->causes, "Failures by cause", "bad");
    section_files(&p, r);
    section_tally(&p, &r->tls, "Sessions by TLS version", "up");
    section_tally(&p, &r->clients, "Sessions by client", "up");
    section_bans(&p, r);
    section_disks(&p, r);
    if (r->torn > 0)
        page_add(&p,
                 "<p class=\"soft\">Lines of the log that are no events: "
                 "%ju</p>\n",
                 r->torn);
    page_add(&p, "</body>\n</html>\n");
    return p.failed;
}
