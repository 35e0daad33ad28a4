/* OPTS, TYPE, MODE, STRU (RFC 959, 2389, 2640, 3659): choices for later
 * transfers. */
#include "commands.h"
#include "control.h"
#include "sallyport/ftp/listing.h"

/* RFC 3659 7.9: facts that aren't named are off; without a name, all are. */
static void modes_opts_mlst(struct session *s, struct slice names)
{
    struct buf facts;

    s->choices.facts = listing_facts_parse(names);
    buf_init(&facts, 128);
    if (s->choices.facts)
        buf_add_text(&facts, " ");
    listing_facts_chosen(&facts, s->choices.facts);
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

/* "LEVEL n" (draft-preston-ftpext-deflate 3.4), or nothing: the default. */
static bool modes_parse_level(struct slice rest, uint64_t *level)
{
    struct slice name;

    if (!slice_cut(&rest, ' ', &name))
        return true;
    return slice_equal_nocase(name, SLICE("LEVEL")) && rest.ptr &&
           slice_number(rest, 9, level) == 0 && *level > 0;
}

static void modes_opts_mode(struct session *s, struct slice rest)
{
    uint64_t level = s->settings->mode_z_level;
    struct slice mode = SLICE("");

    slice_cut(&rest, ' ', &mode);
    if (slice_equal_nocase(mode, SLICE("Z")) && !s->settings->mode_z) {
        control_reply(s, REPLY_MODE_Z_OFF);
        return;
    }
    if (!slice_equal_nocase(mode, SLICE("Z")) ||
        !modes_parse_level(rest, &level)) {
        control_reply(s, REPLY_OPTS_MODE_BAD);
        return;
    }
    s->level = (int)level;
    control_reply_number(s, REPLY_OPTS_MODE, level);
}

static void modes_opts_utf8(struct session *s, struct slice rest)
{
    (void)rest;
    control_reply(s, REPLY_OPTS_UTF8);
}

void cmd_opts(struct session *s, const struct call *call)
{
    static const struct {
        const char *name;
        void (*set)(struct session *s, struct slice rest);
    } options[] = {
        { "UTF8", modes_opts_utf8 }, { "UTF-8", modes_opts_utf8 },
        { "MLST", modes_opts_mlst }, { "HASH", modes_opts_hash },
        { "MODE", modes_opts_mode },
    };
    struct slice rest = call->argument, word;

    slice_cut(&rest, ' ', &word);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (slice_equal_nocase(word, slice_from(options[i].name))) {
            options[i].set(s, rest);
            return;
        }
    control_reply(s, REPLY_OPTS_UNKNOWN);
}

/* Without `ascii = yes` the bytes go unchanged in every type; A is accepted for
 * clients that ask for it (RFC 959 3.1.1). */
void cmd_type(struct session *s, const struct call *call)
{
    static const struct {
        const char *name;
        bool lines;
    } types[] = {
        { "A", true }, { "A N", true }, { "I", false }, { "L 8", false }
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
        control_reply(s, REPLY_STRU_OK);
    else
        control_reply_with(s, REPLY_BAD_PARAMETER, SLICE("F"));
}
