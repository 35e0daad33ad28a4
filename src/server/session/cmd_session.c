/* FEAT, SYST, HELP, CLNT, CSID, PRET, NOOP, QUIT, REST, ALLO, OPTS, TYPE, MODE,
 * STRU (RFC 959, 2389, 2640, 3659), in session: facts about the session, and
 * choices for later transfers. */
#include "transfer.h"

#include <stdio.h>

#include "sallyport/ftp/listing.h"

void cmd_feat(struct session *s, const struct call *call)
{
    (void)call;
    reply_begin(&s->control.out, REPLY_FEAT);
    command_feat(&s->choices, &s->control.out);
    reply_end(&s->control.out, REPLY_FEAT);
    control_flush(s);
}

void cmd_help(struct session *s, const struct call *call)
{
    struct buf lines;

    buf_init(&lines, 16384);
    if (command_help(call->argument, &lines) < 0) {
        control_reply(s, REPLY_UNKNOWN_COMMAND);
    } else {
        reply_begin(&s->control.out, REPLY_HELP);
        buf_add_slice(&s->control.out, buf_slice(&lines));
        reply_end(&s->control.out, REPLY_HELP);
        control_flush(s);
    }
    buf_release(&lines);
}

/* Turns "Name=FileZilla;Version=3.67.0;" into "FileZilla 3.67.0"; copies a text
 * of another form unchanged. OUT has SIZE bytes; a longer name is cut. */
static void name_of_csid(struct slice text, char *out, size_t size)
{
    struct slice rest = text, row, key, name = NOTHING, version = NOTHING;

    while (rest.len > 0) {
        if (!slice_cut(&rest, ';', &row)) {
            row = rest;
            rest = NOTHING;
        }
        if (!slice_cut(&row, '=', &key))
            continue;
        if (slice_equal_nocase(slice_trim(key), SLICE("Name")))
            name = slice_trim(row);
        else if (slice_equal_nocase(slice_trim(key), SLICE("Version")))
            version = slice_trim(row);
    }
    if (name.len == 0) {
        name = text;
        version = NOTHING;
    }
    snprintf(out, size, "%.*s%s%.*s", (int)name.len, name.ptr,
             version.len > 0 ? " " : "", (int)version.len, version.ptr);
}

/* CLNT and CSID. Logs the name once, and only after the login: otherwise
 * strangers could fill the log. */
void cmd_client(struct session *s, const struct call *call)
{
    const bool csid = call->command->verb == VERB_CSID;
    struct slice name = call->argument;

    if (name.len > CLIENT_NAME_MAX)
        name.len = CLIENT_NAME_MAX;
    if (!s->client[0]) {
        if (csid)
            name_of_csid(call->argument, s->client, sizeof(s->client));
        else
            slice_copy(name, s->client, sizeof(s->client));
        report_client(s);
    }
    control_reply(s, csid ? REPLY_CSID : REPLY_NOOP_OK);
}

/* NOOP, SYST, PRET. */
void cmd_fixed(struct session *s, const struct call *call)
{
    control_reply(s, (enum reply)call->command->reply);
}

void cmd_quit(struct session *s, const struct call *call)
{
    (void)call;
    if (s->transfer.state == TRANSFER_NONE)
        control_end(s, ENDING_QUIT, REPLY_BYE, NOTHING);
    else if (s->control.state == CONTROL_LOGGED_IN)
        s->control.state = CONTROL_QUITTING; /* RFC 959 4.1.1 */
}

void cmd_rest(struct session *s, const struct call *call)
{
    uint64_t n;

    if (slice_number(call->argument, INT64_MAX, &n) < 0) {
        control_bad_argument(s, call->command->help);
        return;
    }
    s->first = n;
    s->end = 0;
    control_reply_number(s, REPLY_REST_OK, n);
}

/* Returns how many of the announced bytes are still to come. ALLO names no
 * file. If the upload continues a file, this file already has the bytes that
 * REST or the last SIZE named. STOR, which knows the file, checks the space
 * again. */
static uint64_t info_still_to_come(const struct session *s)
{
    uint64_t here = s->first > s->sized ? s->first : s->sized;

    return s->announced > here ? s->announced - here : 0;
}

/* Replies OK also if files refuses, for example because another session has
 * removed the directory: the space is unknown then. */
static void info_on_space(struct session *s, struct message *m)
{
    char text[24];

    if (m->kind == MSG_refused || info_still_to_come(s) <= m->space_is.bytes) {
        control_reply(s, REPLY_ALLO_OK);
        return;
    }
    snprintf(text, sizeof(text), "%llu", (unsigned long long)s->announced);
    s->dispatched.argument = slice_from(text); /* for the log */
    s->announced = NOT_ANNOUNCED;
    control_reply(s,
                  m->space_is.by_bytes ? REPLY_MAX_BYTES : REPLY_ALLO_NO_SPACE);
    s->dispatched.argument = NOTHING;
}

void cmd_allo(struct session *s, const struct call *call)
{
    struct slice rest = call->argument, size;
    uint64_t n;

    s->announced = NOT_ANNOUNCED;
    slice_cut(&rest, ' ', &size); /* ignores the record size m in "n R m" */
    if (slice_number(size, INT64_MAX, &n) < 0) {
        control_bad_argument(s, call->command->help);
        return;
    }
    if (s->login.max_file_size > 0 && n > s->login.max_file_size) {
        control_reply(s, REPLY_TOO_LARGE);
        return;
    }
    s->announced = n;
    ASK(s, space, info_on_space, .path = path_slice(&s->cwd),
        .wanted = info_still_to_come(s));
}

/* Turns on the facts that the client names, and turns off all others (RFC 3659
 * 7.9). */
static void modes_opts_mlst(struct session *s, struct slice names)
{
    struct buf facts;

    s->choices.facts = listing_facts_parse(names);
    buf_init(&facts, 128);
    if (s->choices.facts)
        buf_add_text(&facts, " ");
    listing_facts_names(&facts, s->choices.facts, false);
    control_reply_with(s, REPLY_OPTS_MLST, buf_slice(&facts));
    buf_release(&facts);
}

static void modes_opts_hash(struct session *s, struct slice name)
{
    for (unsigned i = 0; name.len > 0 && i <= HASH_COUNT; i++) {
        if (i == HASH_COUNT) {
            control_reply(s, REPLY_HASH_UNKNOWN);
            return;
        }
        if (slice_equal_nocase(name, slice_from(hash_names[i]))) {
            s->choices.hash = (enum hash_choice)i;
            break;
        }
    }
    control_reply_with(s, REPLY_OPTS_HASH,
                       slice_from(hash_names[s->choices.hash]));
}

/* Notes the choice. Files obeys it at the commit, unless on_conflict is
 * stricter. */
static void modes_opts_stor(struct session *s, struct slice rest)
{
    static const char syntax[] = "OPTS STOR [conflict=reject|rename|overwrite]";
    struct slice name = NOTHING;
    unsigned i = s->choices.conflict;

    if (rest.len > 0) {
        slice_cut(&rest, '=', &name);
        for (i = 0; i < CONFLICT_COUNT; i++)
            if (rest.ptr &&
                slice_equal_nocase(rest, slice_from(conflict_words[i])))
                break;
        if (!slice_equal_nocase(name, SLICE("conflict")) ||
            i == CONFLICT_COUNT) {
            control_bad_argument(s, syntax);
            return;
        }
        s->choices.conflict = (enum conflict)i;
    }
    control_reply_with(s, REPLY_OPTS_STOR, slice_from(conflict_words[i]));
}

/* Parses "Z LEVEL n" (draft-preston-ftpext-deflate 3.4), or "Z", which sets the
 * default level. */
static void modes_opts_mode(struct session *s, struct slice rest)
{
    uint64_t level = MODE_Z_LEVEL;
    struct slice mode = SLICE(""), name;
    bool z;

    slice_cut(&rest, ' ', &mode);
    z = slice_equal_nocase(mode, SLICE("Z"));
    if (z && !s->settings->mode_z) {
        control_reply(s, REPLY_MODE_Z_OFF);
    } else if (!z || (slice_cut(&rest, ' ', &name) &&
                      (!slice_equal_nocase(name, SLICE("LEVEL")) || !rest.ptr ||
                       slice_number(rest, 9, &level) < 0 || level == 0))) {
        control_reply(s, REPLY_OPTS_MODE_BAD);
    } else {
        s->level = (int)level;
        control_reply_number(s, REPLY_OPTS_MODE, level);
    }
}

void cmd_opts(struct session *s, const struct call *call)
{
    static const struct {
        const char *name;
        void (*set)(struct session *s, struct slice rest); /* NULL: always on */
    } options[] = {
        { "UTF8", NULL },
        { "UTF-8", NULL },
        { "MLST", modes_opts_mlst },
        { "HASH", modes_opts_hash },
        { "MODE", modes_opts_mode },
        { "STOR", modes_opts_stor },
    };
    struct slice rest = call->argument, word;

    slice_cut(&rest, ' ', &word);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (slice_equal_nocase(word, slice_from(options[i].name))) {
            if (options[i].set)
                options[i].set(s, rest);
            else
                control_reply(s, REPLY_OPTS_UTF8);
            return;
        }
    control_reply(s, REPLY_OPTS_UNKNOWN);
}

/* The bytes of a file stay unchanged in each type, unless `ascii = yes`.
 * Accepts TYPE A in any case, since clients ask for it (RFC 959 3.1.1). */
void cmd_type(struct session *s, const struct call *call)
{
    static const struct {
        const char *name;
        bool lines;
    } types[] = {
        { "A", true },  { "A N", true },  { "AN", true },
        { "I", false }, { "L 8", false }, { "L8", false },
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct slice name = slice_from(types[i].name);

        if (!slice_equal_nocase(call->argument, name))
            continue;
        s->image = !types[i].lines;
        s->ascii = types[i].lines && s->settings->ascii;
        control_reply_with(s, s->ascii ? REPLY_TYPE_LINES : REPLY_TYPE_OK,
                           name);
        return;
    }
    control_reply_with(s, REPLY_BAD_PARAMETER, SLICE("A, I or L 8"));
}

void cmd_mode(struct session *s, const struct call *call)
{
    bool z = slice_equal_nocase(call->argument, SLICE("Z"));

    if (z && !s->settings->mode_z) {
        control_reply(s, REPLY_MODE_Z_OFF);
    } else if (z || slice_equal_nocase(call->argument, SLICE("S"))) {
        s->deflate = z;
        control_reply_with(s, REPLY_MODE_OK, z ? SLICE("Z") : SLICE("S"));
    } else {
        control_reply_with(s, REPLY_BAD_PARAMETER,
                           s->settings->mode_z ? SLICE("S or Z") : SLICE("S"));
    }
}

void cmd_stru(struct session *s, const struct call *call)
{
    if (slice_equal_nocase(call->argument, SLICE("F")))
        control_reply(s, REPLY_NOOP_OK);
    else
        control_reply_with(s, REPLY_BAD_PARAMETER, SLICE("F"));
}
