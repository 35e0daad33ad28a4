/* Finding a command's row, splitting a request, and what the table alone can
 * answer: FEAT and HELP. In the session process. Must never act on a command:
 * the row says what is needed, the session decides. */
#include "sallyport/ftp/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/ftp/reply.h"

#define NAME_MAX_LEN  4
#define HELP_PER_LINE 8

static int compare(const void *key, const void *row)
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
        if (c < 'A' || c > 'Z')
            return NULL;
        upper[i] = c;
    }
    upper[name.len] = 0;
    return bsearch(upper, command_table, command_count,
                   sizeof(command_table[0]), compare);
}

/* IAC IP and IAC DM. Behind TLS the line reader takes nothing for telnet, and
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

void request_parse(struct slice line, struct request *ret)
{
    struct slice rest = skip_urgent(line);

    *ret = (struct request){ .verb = SLICE(""), .argument = SLICE("") };
    if (slice_cut(&rest, ' ', &ret->verb) && rest.ptr)
        ret->argument = rest;
    ret->command = command_find(ret->verb);
}

int command_feat(struct buf *into)
{
    size_t before = into->len;
    int r = 0;

    for (size_t i = 0; r == 0 && i < command_count; i++) {
        struct slice lines = slice_from(command_table[i].feat), line;

        while (r == 0 && slice_cut(&lines, '\n', &line))
            r = reply_line(into, line);
    }
    if (r < 0)
        into->len = before;
    return r;
}

static int help_one(struct slice name, struct buf *into)
{
    const struct command *row = command_find(name);

    return row ? reply_line(into, slice_from(row->help)) : -EINVAL;
}

/* All names, some to a line. */
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

bool request_is_http(struct slice line)
{
    static const char *const methods[] = { "GET",     "HEAD",    "POST",
                                           "PUT",     "DELETE",  "PATCH",
                                           "OPTIONS", "CONNECT", "TRACE",
                                           "PRI" /* HTTP/2's preface */ };
    struct slice word;

    if (!slice_cut(&line, ' ', &word))
        return false;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (slice_equal_nocase(word, slice_from(methods[i])))
            return true;
    return false;
}
