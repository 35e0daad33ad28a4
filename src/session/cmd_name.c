/* PWD, CWD, CDUP, MKD, RMD, DELE, RNFR, RNTO, SIZE, MLST (RFC 959, 3659), AVBL:
 * each asks files and answers with what it says. */
#include <stdio.h>

#include "ask.h"
#include "commands.h"
#include "control.h"
#include "facts.h"
#include "sallyport/ftp/listing.h"
#include "verdict.h"

static void quote(const struct path *path, struct buf *into)
{
    buf_init(into, 2 * FTP_PATH_MAX + 1);
    path_quote(path_slice(path), into);
}

void cmd_pwd(struct session *s, const struct call *call)
{
    struct buf quoted;

    (void)call;
    quote(&s->cwd, &quoted);
    control_reply_with(s, REPLY_PWD, buf_slice(&quoted), NOTHING);
    buf_release(&quoted);
}

static void entered(struct session *s, struct packet *p)
{
    if (ask_refused(s, p))
        return;
    s->cwd = s->subject;
    control_reply_with(s, REPLY_CWD_OK, path_slice(&s->cwd), NOTHING);
}

void cmd_cwd(struct session *s, const struct call *call)
{
    ask_path(s, MSG_FOLDER_ENTER, &call->path, 0, entered);
}

void cmd_cdup(struct session *s, const struct call *call)
{
    struct path up;

    (void)call;
    path_resolve(&s->cwd, SLICE(".."), &up);
    ask_path(s, MSG_FOLDER_ENTER, &up, 0, entered);
}

static void changed(struct session *s, struct packet *p, const char *verb,
                    enum reply done, struct slice argument)
{
    const struct change c = { verb, path_slice(&s->subject), NOTHING };

    verdict_of_change(s, p, &c, done, argument, NOTHING);
}

static void made(struct session *s, struct packet *p)
{
    struct buf quoted;

    quote(&s->subject, &quoted);
    changed(s, p, "MKD", REPLY_MADE, buf_slice(&quoted));
    buf_release(&quoted);
}

void cmd_mkd(struct session *s, const struct call *call)
{
    ask_path(s, MSG_FOLDER_MAKE, &call->path, 0, made);
}

static void removed(struct session *s, struct packet *p)
{
    changed(s, p, "RMD", REPLY_REMOVED, NOTHING);
}

void cmd_rmd(struct session *s, const struct call *call)
{
    ask_path(s, MSG_FOLDER_REMOVE, &call->path, 0, removed);
}

static void deleted(struct session *s, struct packet *p)
{
    changed(s, p, "DELE", REPLY_DELETED, NOTHING);
}

void cmd_dele(struct session *s, const struct call *call)
{
    ask_path(s, MSG_FILE_DELETE, &call->path, 0, deleted);
}

static void rename_from(struct session *s, struct packet *p)
{
    if (ask_refused(s, p))
        return;
    s->rename_from = s->subject;
    s->renames_folder = p->value[FACT_KIND].number == KIND_FOLDER;
    s->has_rename_from = true;
    control_reply(s, REPLY_RNFR_OK);
}

void cmd_rnfr(struct session *s, const struct call *call)
{
    ask_path(s, MSG_FACTS, &call->path, 2, rename_from);
}

static void renamed(struct session *s, struct packet *p)
{
    const struct slice wanted = path_slice(&s->subject);
    struct slice to = p->message == MSG_RENAMED ? p->value[0].text : wanted;
    const struct change c = { "RNTO", path_slice(&s->rename_from), to };

    if (slice_equal(to, wanted))
        verdict_of_change(s, p, &c, REPLY_RENAMED, NOTHING, NOTHING);
    else
        verdict_of_change(s, p, &c, REPLY_RENAMED_AS, to, NOTHING);
}

void cmd_rnto(struct session *s, const struct call *call)
{
    struct packet p = { .message = MSG_RENAME,
                        .value = { TEXT(path_slice(&s->rename_from)),
                                   TEXT(path_slice(&call->path)) } };

    if (!s->has_rename_from) {
        control_reply_with(s, REPLY_BAD_SEQUENCE, SLICE("RNFR"), NOTHING);
        return;
    }
    s->has_rename_from = false;
    if (!s->renames_folder && path_names_folder(call->argument)) {
        control_reply(s, REPLY_NAMES_FOLDER);
        return;
    }
    s->subject = call->path;
    ask_files(s, &p, renamed);
}

static void sized(struct session *s, struct packet *p)
{
    char text[32];

    if (!facts_of_file(s, p))
        return;
    s->sized = p->value[FACT_SIZE].number;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)s->sized);
    control_reply_with(s, REPLY_SIZE, slice_from(text), NOTHING);
}

void cmd_size(struct session *s, const struct call *call)
{
    if (s->ascii)
        hash_size(s, call);
    else
        ask_path(s, MSG_FACTS, &call->path, 1, sized);
}

static void spaced(struct session *s, struct packet *p)
{
    char text[32];

    if (ask_refused(s, p))
        return;
    snprintf(text, sizeof(text), "%llu",
             (unsigned long long)p->value[0].number);
    control_reply_with(s, REPLY_AVBL, slice_from(text), NOTHING);
}

void cmd_avbl(struct session *s, const struct call *call)
{
    ask_path(s, MSG_SPACE, &call->path, UINT64_MAX, spaced);
}

/* RFC 3659 7.2: the path as this server knows it, behind the facts. */
static void facts_line(struct session *s, const struct packet *p,
                       struct buf *into)
{
    static const char letters[] = "acdeflmprw";
    uint64_t perm = p->value[FACT_PERM].number;
    struct entry e = {
        .name = path_slice(&s->subject),
        .kind = p->value[FACT_KIND].number == KIND_FOLDER ? ENTRY_FOLDER
                                                          : ENTRY_FILE,
        .mode = (uint32_t)p->value[FACT_MODE].number,
        .size = p->value[FACT_SIZE].number,
        .mtime = (time_t)p->value[FACT_MTIME].number,
        .device = p->value[FACT_DEVICE].number,
        .inode = p->value[FACT_INODE].number,
    };
    size_t n = 0;

    for (size_t i = 0; letters[i]; i++)
        if (perm & 1ULL << i)
            e.perm[n++] = letters[i];
    listing_facts(into, &e, s->choices.facts);
}

static void facts(struct session *s, struct packet *p)
{
    struct buf text;
    struct slice one;

    if (ask_refused(s, p))
        return;
    if (p->value[FACT_KIND].number >= KIND_OTHER) {
        control_reply(s, REPLY_NOT_REGULAR);
        return;
    }
    buf_init(&text, FTP_PATH_MAX + 512);
    facts_line(s, p, &text);
    one = buf_slice(&text);
    if (one.len >= 2)
        one.len -= 2; /* its CRLF */
    reply_begin(&s->control.out, REPLY_MLST);
    reply_line(&s->control.out, one);
    reply_end(&s->control.out, REPLY_MLST);
    buf_release(&text);
    control_flush(s);
}

void cmd_mlst(struct session *s, const struct call *call)
{
    ask_path(s, MSG_FACTS, &call->path, 0, facts);
}
