/* PWD, CWD, CDUP, MKD, RMD, DELE, RNFR, RNTO, SIZE, MDTM, MLST (RFC 959, 3659),
 * AVBL, SITE PARTIAL and SITE QUOTA, in session. Except for PWD, and SIZE in
 * TYPE A, each command asks files, and replies with the answer of files. */
#include "transfer.h"

#include <stdio.h>

#include "sallyport/base/clock.h"
#include "sallyport/ftp/listing.h"

#define QUOTED_MAX (2 * FTP_PATH_MAX + 1)

void cmd_pwd(struct session *s, const struct call *call)
{
    struct buf quoted;

    (void)call;
    buf_init(&quoted, QUOTED_MAX);
    path_quote(path_slice(&s->cwd), &quoted);
    control_reply_with(s, REPLY_PWD, buf_slice(&quoted));
    buf_release(&quoted);
}

static void name_on_entered(struct session *s, struct message *m)
{
    if (ask_refused(s, m))
        return;
    s->cwd = s->subject;
    control_reply_with(s, REPLY_CWD_OK, path_slice(&s->cwd));
}

void cmd_cwd(struct session *s, const struct call *call)
{
    if (call->command->verb == VERB_CDUP)
        path_resolve(&s->cwd, SLICE(".."), &s->subject);
    ASK(s, directory_enter, name_on_entered, .path = path_slice(&s->subject));
}

/* Is NAME the same as PATH, or below it? */
static bool name_is_in(struct slice name, struct slice path)
{
    return slice_starts(name, path) &&
           (name.len == path.len || name.ptr[path.len] == '/');
}

/* Call after a change of PATH. If a name of the last upload is in it, MFMT and
 * SITE CHMOD no longer take one name for the other. */
static void name_forget_stored(struct session *s, struct slice path)
{
    if (name_is_in(path_slice(&s->wanted), path) ||
        name_is_in(slice_from(s->stored), path))
        s->stored[0] = '\0';
}

static void name_on_changed(struct session *s, struct message *m)
{
    const enum verb verb = s->dispatched.command->verb;
    const struct change c = { command_name(verb), path_slice(&s->subject),
                              NOTHING };
    struct buf quoted;

    if (m->kind != MSG_refused)
        name_forget_stored(s, c.path);
    buf_init(&quoted, QUOTED_MAX);
    path_quote(c.path, &quoted);
    final_of_change(s, m, &c, verb == VERB_MKD ? REPLY_MADE : REPLY_DONE,
                    buf_slice(&quoted));
    buf_release(&quoted);
}

/* MKD, RMD and DELE. */
void cmd_change(struct session *s, const struct call *call)
{
    const struct slice path = path_slice(&s->subject);

    if (call->command->verb == VERB_MKD)
        ASK(s, directory_make, name_on_changed, .path = path);
    else if (call->command->verb == VERB_RMD)
        ASK(s, directory_remove, name_on_changed, .path = path);
    else
        ASK(s, file_delete, name_on_changed, .path = path);
}

static void name_on_rename_from(struct session *s, struct message *m)
{
    if (ask_refused(s, m))
        return;
    s->rename_from = s->subject;
    s->renames =
        m->facts_are.kind == ENTRY_DIRECTORY ? RENAME_DIRECTORY : RENAME_FILE;
    control_reply(s, REPLY_RNFR_OK);
}

static void name_on_renamed(struct session *s, struct message *m)
{
    const struct slice wanted = path_slice(&s->subject);
    struct slice to = m->kind == MSG_renamed ? m->renamed.path : wanted;
    const struct change c = { "RNTO",
                              m->kind == MSG_renamed
                                  ? m->renamed.from
                                  : path_slice(&s->rename_from),
                              to };

    if (m->kind == MSG_renamed) {
        name_forget_stored(s, c.path);
        name_forget_stored(s, to);
    }
    final_of_change(
        s, m, &c, slice_equal(to, wanted) ? REPLY_DONE : REPLY_RENAMED_AS, to);
}

void cmd_rnto(struct session *s, const struct call *call)
{
    enum rename_state renames = s->renames;

    if (renames == RENAME_NOTHING) {
        control_reply_with(s, REPLY_BAD_SEQUENCE, SLICE("RNFR"));
        return;
    }
    s->renames = RENAME_NOTHING;
    if (renames == RENAME_FILE && path_names_directory(call->argument)) {
        control_reply(s, REPLY_NAMES_DIRECTORY);
        return;
    }
    ASK(s, rename, name_on_renamed, .from = path_slice(&s->rename_from),
        .to = path_slice(&s->subject));
}

/* Checks the answer M for SIZE and MDTM, which need a regular file. Returns
 * true if M describes one. Otherwise replies to the client, and returns
 * false. */
static bool name_facts_of_file(struct session *s, struct message *m)
{
    if (ask_refused(s, m))
        return false;
    if (m->facts_are.kind == ENTRY_FILE)
        return true;
    control_reply(s, m->facts_are.kind == ENTRY_DIRECTORY ? REPLY_IS_DIRECTORY
                                                          : REPLY_NOT_REGULAR);
    return false;
}

static void name_on_size(struct session *s, struct message *m)
{
    if (!name_facts_of_file(s, m))
        return;
    s->sized = m->facts_are.size;
    control_reply_number(s, REPLY_FACT, s->sized);
}

void cmd_size(struct session *s, const struct call *call)
{
    (void)call;
    if (!s->ascii) {
        ask_facts(s, FACTS_FOR_SIZE, name_on_size);
        return;
    }
    s->sized = 0; /* in TYPE A the length isn't the length on the disk */
    hash_file(s, DIGEST_LINES, 0, 0);
}

/* SITE PARTIAL. Replies with the length at which REST and STOR continue the
 * partial, even if a finished file has the name. */
void cmd_site_partial(struct session *s, const struct call *call)
{
    s->dispatched.has_path =
        path_resolve(&s->cwd, call->argument, &s->subject) == 0;
    if (!s->dispatched.has_path)
        control_reply(s, REPLY_BAD_NAME);
    else if (path_names_directory(call->argument))
        control_reply(s, REPLY_NAMES_DIRECTORY);
    else
        ask_facts(s, FACTS_FOR_PARTIAL, name_on_size);
}

static void name_on_space(struct session *s, struct message *m)
{
    if (!ask_refused(s, m))
        control_reply_number(s, REPLY_FACT, m->space_is.bytes);
}

void cmd_avbl(struct session *s, const struct call *call)
{
    (void)call;
    ASK(s, space, name_on_space, .path = path_slice(&s->subject),
        .wanted = UINT64_MAX);
}

/* SITE QUOTA. Omits the number of files if it is unknown: btrfs doesn't count
 * files. */
static void name_on_quota(struct session *s, struct message *m)
{
    const struct msg_space_is *is = &m->space_is;
    const struct {
        const char *before, *unit;
        uint64_t limit, used;
    } rows[] = { { "", "bytes", is->limit, is->used },
                 { "; ", "files", is->files_limit, is->files_used } };
    struct buf words;

    if (ask_refused(s, m))
        return;
    buf_init(&words, 160);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (i > 0 && rows[i].limit == 0 && rows[i].used == 0)
            continue;
        buf_add_text(&words, rows[i].before);
        if (rows[i].limit > 0)
            buf_add_format(&words, "%llu %s", (unsigned long long)rows[i].limit,
                           rows[i].unit);
        else
            buf_add_format(&words, "no limit of %s", rows[i].unit);
        buf_add_format(&words, ", %llu used", (unsigned long long)rows[i].used);
    }
    if (is->limit == 0 && is->files_limit == 0)
        control_reply(s, REPLY_NO_QUOTA);
    else
        control_reply_with(s, REPLY_QUOTA, buf_slice(&words));
    buf_release(&words);
}

void cmd_site_quota(struct session *s, const struct call *call)
{
    const struct slice path =
        call->argument.len > 0 ? call->argument : SLICE(".");

    s->dispatched.has_path = path_resolve(&s->cwd, path, &s->subject) == 0;
    if (!s->dispatched.has_path)
        control_reply(s, REPLY_BAD_NAME);
    else
        ASK(s, space, name_on_quota, .path = path_slice(&s->subject),
            .wanted = 0);
}

static void name_on_time(struct session *s, struct message *m)
{
    char text[16];

    if (!name_facts_of_file(s, m))
        return;
    if (!clock_has_year((time_t)m->facts_are.mtime)) {
        control_reply(s, REPLY_NO_TIME);
        return;
    }
    listing_time((time_t)m->facts_are.mtime, text);
    control_reply_with(s, REPLY_FACT, slice_from(text));
}

static void name_on_facts(struct session *s, struct message *m)
{
    /* RFC 3659 7.2: after the facts comes the full path on this server. */
    const struct entry e = {
        .name = path_slice(&s->subject),
        .kind = m->facts_are.kind,
        .mode = (uint32_t)m->facts_are.mode,
        .size = m->facts_are.size,
        .mtime = (time_t)m->facts_are.mtime,
        .device = m->facts_are.device,
        .inode = m->facts_are.inode,
        .perm = (unsigned)m->facts_are.perm,
        .owner = m->facts_are.owner,
    };
    struct buf text;

    if (ask_refused(s, m) || !control_replies(s))
        return;
    if (m->facts_are.kind == ENTRY_FIFO || m->facts_are.kind == ENTRY_OTHER) {
        control_reply(s, REPLY_NOT_REGULAR);
        return;
    }
    buf_init(&text, FTP_PATH_MAX + 512);
    listing_facts(&text, &e, s->choices.facts);
    reply_begin(&s->control.out, REPLY_MLST);
    reply_line(&s->control.out, buf_slice(&text));
    reply_end(&s->control.out, REPLY_MLST);
    buf_release(&text);
    control_flush(s);
}

/* RNFR, MDTM and MLST. */
void cmd_facts(struct session *s, const struct call *call)
{
    const enum verb verb = call->command->verb;

    if (verb == VERB_RNFR)
        ask_facts(s, FACTS_FOR_RENAME, name_on_rename_from);
    else
        ask_facts(s, FACTS_FOR_ANY,
                  verb == VERB_MDTM ? name_on_time : name_on_facts);
}
