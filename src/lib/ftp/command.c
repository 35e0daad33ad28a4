/* The table of commands: finds a row, splits a request, and answers FEAT and
 * HELP, which need only the table. Runs in session. It never executes a
 * command. A row says what its command needs, and session checks that. */
#include "sallyport/ftp/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/domain/rights.h"
#include "sallyport/ftp/listing.h"
#include "sallyport/ftp/reply.h"

#define HELP_PER_LINE 8
#define HELP_LINE_MAX 128
#define FEAT_LINE_MAX 256

#define COMMAND(command, handler, ...)                                         \
    { .name = #command, .verb = VERB_##command, __VA_ARGS__ },
#define REFUSED(command, refusal, flag, syntax)                                \
    { .name = #command,                                                        \
      .verb = VERB_##command,                                                  \
      .phase = COMMAND_SECURED,                                                \
      .argument = ARGUMENT_OPTIONAL,                                           \
      .flags = COMMAND_REFUSED | COMMAND_HIDDEN | (flag),                      \
      .reply = REPLY_##refusal,                                                \
      .help = (syntax) },
#define ALIAS(alias, command, ...)                                             \
    { .name = #alias, .verb = VERB_##command, __VA_ARGS__ },
const struct command command_table[] = { COMMAND_LIST(COMMAND, REFUSED,
                                                      ALIAS) };
#undef COMMAND
#undef REFUSED
#undef ALIAS

const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);

const struct command *command_find(struct slice name)
{
    for (size_t i = 0; i < command_count; i++)
        if (slice_equal_nocase(name, slice_from(command_table[i].name)))
            return &command_table[i];
    return NULL;
}

const char *command_lacks(unsigned rights, char out[COMMAND_LACKS_MAX])
{
    char words[RIGHTS_WORDS_MAX];

    snprintf(out, COMMAND_LACKS_MAX, "no right to %s",
             rights ? rights_words(rights, " or ", words) : "do this");
    return out;
}

const char *command_name(enum verb verb)
{
    for (size_t i = 0; i < command_count; i++)
        if (command_table[i].verb == verb)
            return command_table[i].name;
    return "?";
}

void command_parse(struct slice line, struct request *ret)
{
    struct slice rest = line;

    /* Skip IAC IP and IAC DM: under TLS the line reader doesn't parse telnet,
     * and no verb begins with 0xff. */
    while (slice_starts(rest, SLICE("\xff\xf4")) ||
           slice_starts(rest, SLICE("\xff\xf2")))
        rest = (struct slice){ rest.ptr + 2, rest.len - 2 };
    *ret = (struct request){ .verb = SLICE(""), .argument = SLICE("") };
    if (slice_cut(&rest, ' ', &ret->verb) && rest.ptr)
        ret->argument = rest;
    ret->command = command_find(ret->verb);
}

const char *const hash_names[HASH_COUNT] = {
    [HASH_SHA256] = "SHA-256",
    [HASH_SHA512] = "SHA-512",
};

static void feat_row(const struct command *row, const struct choices *c,
                     struct buf *into)
{
    static const enum conflict rules[] = { CONFLICT_OVERWRITE, CONFLICT_RENAME,
                                           CONFLICT_REJECT };
    struct slice lines = slice_from(row->feat), text;
    struct buf line;

    if (!row->feat || !strstr(row->feat, "{}")) {
        while (slice_cut(&lines, '\n', &text))
            reply_line(into, text);
        return;
    }
    buf_init(&line, FEAT_LINE_MAX);
    buf_add(&line, row->feat, strcspn(row->feat, "{"));
    if (row->verb == VERB_MLST)
        listing_facts_names(&line, c->facts, true);
    for (unsigned i = 0; row->verb == VERB_HASH && i < HASH_COUNT; i++)
        buf_add_format(&line, "%s%s%s", i > 0 ? ";" : "", hash_names[i],
                       i == c->hash ? "*" : "");
    for (size_t i = 0;
         row->verb == VERB_STOR && i < sizeof(rules) / sizeof(rules[0]); i++)
        buf_add_format(&line, "%s%s%s",
                       i > 0 ? ";" : "conflict=", conflict_words[rules[i]],
                       rules[i] == c->conflict ? "*" : "");
    reply_line(into, buf_slice(&line));
    buf_release(&line);
}

void command_feat(const struct choices *c, struct buf *into)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct command *row = &command_table[i];

        if (c->mode_z || !(row->flags & COMMAND_FEAT_Z))
            feat_row(row, c, into);
    }
}

const struct site_command site_table[SITE_COUNT] = {
#define SITE(site, handler, ...)                                               \
    { .name = #site, .verb = SITE_##site, __VA_ARGS__ },
    SITE_LIST(SITE)
#undef SITE
};

const struct site_command *site_find(struct slice name)
{
    for (size_t i = 0; i < SITE_COUNT; i++)
        if (slice_equal_nocase(name, slice_from(site_table[i].name)))
            return &site_table[i];
    return NULL;
}

/* Takes a text in quotes into RET, without the quotes around the text. */
static int secret_quoted(struct slice *rest, struct secret *ret)
{
    bool closed = false;
    size_t i = 1;

    while (i < rest->len && !closed) {
        closed = rest->ptr[i] == '"' &&
                 (i + 1 == rest->len || rest->ptr[i + 1] != '"');
        i += rest->ptr[i] == '"' && !closed;
        if (!closed && ret->len < SECRET_MAX)
            ret->bytes[ret->len++] = rest->ptr[i];
        i++;
    }
    if (!closed || (i < rest->len && rest->ptr[i] != ' '))
        return -EINVAL;
    *rest = i < rest->len
                ? (struct slice){ rest->ptr + i + 1, rest->len - i - 1 }
                : (struct slice){ NULL, 0 };
    return 0;
}

int command_secret(struct slice *rest, struct secret *ret)
{
    struct slice word;

    secret_wipe(ret);
    if (rest->ptr && slice_starts(*rest, SLICE("\"")))
        return secret_quoted(rest, ret);
    if (!slice_cut(rest, ' ', &word) || word.len == 0)
        return -EINVAL;
    if (word.len > SECRET_MAX)
        word.len = SECRET_MAX;
    return secret_set(ret, word);
}

void site_help(struct buf *into)
{
    for (size_t i = 0; i < SITE_COUNT; i++)
        reply_line(into, slice_from(site_table[i].help));
}

int command_help(struct slice name, struct buf *into)
{
    const struct command *row = command_find(slice_trim(name));

    if (slice_trim(name).len == 0) {
        /* Adds all names, several in a line. */
        struct buf line;
        size_t on_line = 0;

        buf_init(&line, HELP_LINE_MAX);
        for (size_t i = 0; i < command_count; i++) {
            if (command_table[i].flags & COMMAND_HIDDEN)
                continue;
            buf_add_format(&line, "%s ", command_table[i].name);
            if (++on_line % HELP_PER_LINE != 0)
                continue;
            reply_line(into, slice_trim(buf_slice(&line)));
            buf_clear(&line);
        }
        if (line.len > 0)
            reply_line(into, slice_trim(buf_slice(&line)));
        buf_release(&line);
        return 0;
    }
    if (!row)
        return -EINVAL;
    reply_line(into, slice_from(row->help));
    if (row->verb == VERB_SITE)
        site_help(into);
    return 0;
}
