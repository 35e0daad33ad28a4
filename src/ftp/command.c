/* Finds a command's row, splits a request, and answers what needs only the
 * table: FEAT and HELP. Runs in session. It never executes a command: the row
 * says what is needed, and session checks it. */
#include "sallyport/ftp/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/domain/rights.h"
#include "sallyport/ftp/listing.h"
#include "sallyport/ftp/reply.h"
#include "sallyport/ftp/site.h"

#define NAME_MAX_LEN  7
#define HELP_PER_LINE 8
#define FEAT_LINE_MAX 256

static int compare_verb(const void *key, const void *row)
{
    return strcmp(key, ((const struct command *)row)->name);
}

const struct command *command_find(struct slice name)
{
    char upper[NAME_MAX_LEN + 1];

    if (name.len > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if ((c < 'A' || c > 'Z') && (c < '0' || c > '9'))
            return NULL;
        upper[i] = c;
    }
    upper[name.len] = 0;
    return bsearch(upper, command_table, command_count,
                   sizeof(command_table[0]), compare_verb);
}

const char *command_lacks(unsigned rights, char out[COMMAND_LACKS_MAX])
{
    static const struct {
        unsigned right;
        const char *words;
    } rows[] = {
        { RIGHT_LIST, "list (l)" },
        { RIGHT_READ, "read (r)" },
        { RIGHT_WRITE, "upload (w)" },
        { RIGHT_REPLACE, "overwrite (o)" },
        { RIGHT_DELETE, "delete (d)" },
        { RIGHT_RENAME, "rename (n)" },
        { RIGHT_DIRECTORY, "make and remove directories (m)" },
    };
    const char *between = "";
    size_t len = (size_t)snprintf(out, COMMAND_LACKS_MAX, "no right to %s",
                                  rights ? "" : "do this");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rights & rows[i].right) {
            len += (size_t)snprintf(out + len, COMMAND_LACKS_MAX - len, "%s%s",
                                    between, rows[i].words);
            between = " or ";
        }
    return out;
}

const char *command_name(enum verb verb)
{
    for (size_t i = 0; i < command_count; i++)
        if (command_table[i].verb == verb)
            return command_table[i].name;
    return "?";
}

/* Skips IAC IP and IAC DM. Under TLS the line reader doesn't parse telnet, and
 * no verb begins with 0xff. */
static struct slice skip_urgent(struct slice line)
{
    while (slice_starts(line, SLICE("\xff\xf4")) ||
           slice_starts(line, SLICE("\xff\xf2"))) {
        line.ptr += 2;
        line.len -= 2;
    }
    return line;
}

void command_parse(struct slice line, struct request *ret)
{
    struct slice rest = skip_urgent(line);

    *ret = (struct request){ .verb = SLICE(""), .argument = SLICE("") };
    if (slice_cut(&rest, ' ', &ret->verb) && rest.ptr)
        ret->argument = rest;
    ret->command = command_find(ret->verb);
}

const char *const hash_names[HASH_COUNT] = {
    [HASH_SHA256] = "SHA-256",
    [HASH_SHA512] = "SHA-512",
};

static int feat_hashes(struct buf *line, enum hash_choice chosen)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < HASH_COUNT; i++)
        r = buf_add_format(line, "%s%s%s", i > 0 ? ";" : "", hash_names[i],
                           i == chosen ? "*" : "");
    return r;
}

/* Adds the FEAT line of a row with choices. */
static int feat_choice(const struct command *row, const struct choices *c,
                       struct buf *into)
{
    struct buf line;
    int r;

    buf_init(&line, FEAT_LINE_MAX);
    r = buf_add(&line, row->feat, strcspn(row->feat, "{"));
    if (r == 0 && row->verb == VERB_MLST)
        r = listing_facts_feat(&line, c->facts);
    if (r == 0 && row->verb == VERB_HASH)
        r = feat_hashes(&line, c->hash);
    if (r == 0)
        r = reply_line(into, buf_slice(&line));
    buf_release(&line);
    return r;
}

static int feat_row(const struct command *row, const struct choices *c,
                    struct buf *into)
{
    struct slice lines = slice_from(row->feat), line;
    int r = 0;

    if (row->feat && strstr(row->feat, "{}"))
        return feat_choice(row, c, into);
    while (r == 0 && slice_cut(&lines, '\n', &line))
        r = reply_line(into, line);
    return r;
}

static bool is_off(const struct command *row, const struct choices *c)
{
    return ((row->flags & COMMAND_ACTIVE) && !c->active) ||
           ((row->flags & COMMAND_FEAT_Z) && !c->mode_z);
}

int command_feat(const struct choices *c, struct buf *into)
{
    size_t before = into->len;
    int r = 0;

    for (size_t i = 0; r == 0 && i < command_count; i++)
        if (!is_off(&command_table[i], c))
            r = feat_row(&command_table[i], c, into);
    if (r < 0)
        into->len = before;
    return r;
}

static int help_one(struct slice name, struct buf *into)
{
    const struct command *row = command_find(name);

    int r = row ? reply_line(into, slice_from(row->help)) : -EINVAL;

    return r == 0 && row->verb == VERB_SITE ? site_help(into) : r;
}

/* Adds all names, several in a line. */
static int help_names(struct buf *into)
{
    char line[HELP_PER_LINE * (NAME_MAX_LEN + 1)];
    size_t len = 0, on_line = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < command_count; i++) {
        const struct command *row = &command_table[i];
        size_t name_len = strlen(row->name);

        if (row->flags & COMMAND_HIDDEN)
            continue;
        if (on_line == HELP_PER_LINE) {
            r = reply_line(into, slice_trim((struct slice){ line, len }));
            len = on_line = 0;
        }
        memcpy(line + len, row->name, name_len);
        len += name_len;
        line[len++] = ' ';
        on_line++;
    }
    if (r == 0 && on_line > 0)
        r = reply_line(into, slice_trim((struct slice){ line, len }));
    return r;
}

int command_help(struct slice name, struct buf *into)
{
    size_t before = into->len;
    int r;

    name = slice_trim(name);
    r = name.len > 0 ? help_one(name, into) : help_names(into);
    if (r < 0)
        into->len = before;
    return r;
}
