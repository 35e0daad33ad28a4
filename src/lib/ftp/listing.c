/* Lines of listings and facts. Runs in files. The English months and UTC are
 * computed here: in a user's root no locale and no time zone file may be
 * loaded. */
#include "sallyport/ftp/listing.h"

#include <stdio.h>
#include <string.h>

#include "sallyport/base/clock.h"

#define DAY         ((time_t)86400)
#define MODE_BITS   07777u
#define HALF_A_YEAR (180 * DAY)

/* A name with a line end could look like a line of its own. */
static int add_name(struct buf *into, struct slice name)
{
    size_t from = into->len;
    int r = buf_add_slice(into, name);

    if (r < 0)
        return r;
    for (size_t i = from; i < into->len; i++) {
        char c = into->data[i];

        if (c == '\r' || c == '\n' || c == '\0')
            into->data[i] = '?';
    }
    return 0;
}

/* Ends a line, or removes it if R is an error. */
static int end_line(struct buf *into, size_t before, int r)
{
    if (r == 0)
        r = buf_add_text(into, "\r\n");
    if (r < 0)
        into->len = before;
    return r;
}

static char kind_letter(enum entry_kind kind)
{
    static const char letters[] = {
        [ENTRY_FILE] = '-', [ENTRY_DIRECTORY] = 'd', [ENTRY_LINK] = 'l',
        [ENTRY_FIFO] = 'p', [ENTRY_OTHER] = 's', /* in a home: a socket */
    };

    return letters[kind];
}

/* "-rw-r--r--": a letter for the kind, then nine for the mode. */
static void mode_text(const struct entry *e, char out[11])
{
    out[0] = kind_letter(e->kind);
    memcpy(out + 1, "rwxrwxrwx", 9);
    for (unsigned i = 0; i < 9; i++)
        if (!(e->mode & 0400u >> i))
            out[1 + i] = '-';
    out[10] = 0;
}

/* As ls(1): "Nov  5 07:42", or with the year for old and future times. */
static void date_text(time_t when, time_t now, char out[16])
{
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr",
                                        "May", "Jun", "Jul", "Aug",
                                        "Sep", "Oct", "Nov", "Dec" };
    bool near = when >= now - HALF_A_YEAR && when <= now + DAY;
    struct tm tm;

    clock_utc(when, &tm);
    if (near)
        snprintf(out, 16, "%s %2u %02u:%02u", months[tm.tm_mon],
                 (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                 (unsigned)tm.tm_min % 100);
    else
        snprintf(out, 16, "%s %2u  %4u", months[tm.tm_mon],
                 (unsigned)tm.tm_mday % 100,
                 (unsigned)(tm.tm_year + 1900) % 10000);
}

int listing_long(struct buf *into, const struct entry *e, time_t now)
{
    size_t before = into->len;
    char mode[11], date[16];
    int r;

    mode_text(e, mode);
    date_text(e->mtime, now, date);
    r = buf_add_format(into, "%s %3u owner group %12llu %s ", mode,
                       (unsigned)e->links, (unsigned long long)e->size, date);
    if (r == 0)
        r = add_name(into, e->name);
    if (r == 0 && e->kind == ENTRY_LINK && e->target.len > 0) {
        r = buf_add_text(into, " -> ");
        if (r == 0)
            r = add_name(into, e->target);
    }
    return end_line(into, before, r);
}

int listing_name(struct buf *into, struct slice directory, struct slice name)
{
    size_t before = into->len;
    int r = add_name(into, directory);

    if (r == 0)
        r = add_name(into, name);
    return end_line(into, before, r);
}

static const char *kind_fact(enum entry_kind kind)
{
    static const char *const facts[] = {
        [ENTRY_FILE] = "file",           [ENTRY_DIRECTORY] = "dir",
        [ENTRY_LINK] = "OS.unix=slink",  [ENTRY_FIFO] = "OS.unix=fifo",
        [ENTRY_OTHER] = "OS.unix=other",
    };

    return facts[kind];
}

typedef int add_fact(struct buf *into, const struct entry *e);

static int add_type(struct buf *into, const struct entry *e)
{
    return buf_add_format(into, "type=%s;", kind_fact(e->kind));
}

/* RFC 3659 7.5.7: the size is what RETR would send, so only files have one. */
static int add_size(struct buf *into, const struct entry *e)
{
    if (e->kind != ENTRY_FILE)
        return 0;
    return buf_add_format(into, "size=%llu;", (unsigned long long)e->size);
}

static int add_modify(struct buf *into, const struct entry *e)
{
    char when[16];

    if (!clock_has_year(e->mtime))
        return 0;
    return buf_add_format(into, "modify=%s;", listing_time(e->mtime, when));
}

static int add_perm(struct buf *into, const struct entry *e)
{
    static const char letters[] = "acdeflmprw"; /* as enum perm */
    char text[sizeof(letters)];
    int n = 0;

    for (unsigned i = 0; letters[i]; i++)
        if (e->perm & 1u << i)
            text[n++] = letters[i];
    return buf_add_format(into, "perm=%.*s;", n, text);
}

static int add_unique(struct buf *into, const struct entry *e)
{
    return buf_add_format(into, "unique=%llxU%llx;",
                          (unsigned long long)e->device,
                          (unsigned long long)e->inode);
}

static int add_mode(struct buf *into, const struct entry *e)
{
    return buf_add_format(into, "UNIX.mode=%04o;", e->mode & MODE_BITS);
}

/* In the order in which they stand in a line. */
static const struct fact {
    const char *name;
    unsigned bit;
    add_fact *add;
} all_facts[] = {
    { "type", LISTING_TYPE, add_type },
    { "size", LISTING_SIZE, add_size },
    { "modify", LISTING_MODIFY, add_modify },
    { "perm", LISTING_PERM, add_perm },
    { "unique", LISTING_UNIQUE, add_unique },
    { "UNIX.mode", LISTING_MODE, add_mode },
};
#define FACTS (sizeof(all_facts) / sizeof(all_facts[0]))

int listing_facts(struct buf *into, const struct entry *e, unsigned facts)
{
    size_t before = into->len;
    int r = 0;

    for (size_t i = 0; r == 0 && i < FACTS; i++)
        if (facts & all_facts[i].bit)
            r = all_facts[i].add(into, e);
    if (r == 0)
        r = buf_add_text(into, " ");
    if (r == 0)
        r = add_name(into, e->name);
    return end_line(into, before, r);
}

unsigned listing_facts_parse(struct slice names)
{
    unsigned facts = 0;
    struct slice name;

    while (slice_cut(&names, ';', &name))
        for (size_t i = 0; i < FACTS; i++)
            if (slice_equal_nocase(slice_trim(name),
                                   slice_from(all_facts[i].name)))
                facts |= all_facts[i].bit;
    return facts;
}

void listing_facts_chosen(struct buf *into, unsigned facts)
{
    for (size_t i = 0; i < FACTS; i++)
        if (facts & all_facts[i].bit)
            buf_add_format(into, "%s;", all_facts[i].name);
}

void listing_facts_feat(struct buf *into, unsigned facts)
{
    for (size_t i = 0; i < FACTS; i++)
        buf_add_format(into, "%s%s;", all_facts[i].name,
                       facts & all_facts[i].bit ? "*" : "");
}

const char *listing_time(time_t when, char out[16])
{
    struct tm tm;

    clock_utc(when, &tm);
    snprintf(out, 16, "%04u%02u%02u%02u%02u%02u",
             (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
             (unsigned)tm.tm_sec % 100);
    return out;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct slice listing_argument(struct slice argument)
{
    size_t i = 1;

    if (argument.len < 2 || argument.ptr[0] != '-')
        return argument;
    while (i < argument.len && is_letter(argument.ptr[i]))
        i++;
    if (i == 1 || (i < argument.len && argument.ptr[i] != ' '))
        return argument;
    if (i < argument.len)
        i++;
    return (struct slice){ argument.ptr + i, argument.len - i };
}
