/* "kick", and the message to the running server after a change of a
 * user: it ends the sessions that the users file no longer permits. */
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "sallyport/base/complain.h"
#include "sallyport/event/event.h"

#define SERIAL_DIGITS 16
/* ms: the change is made, so the caller doesn't wait long for the server. */
#define EDITED_MS 5000

/* The form of the word decides: an address, 16 hexadecimal digits, or else a
 * user's name. */
static int read_word(struct context *x, const char *word,
                     struct msg_end_sessions *ret)
{
    if (address_parse(slice_from(word), &ret->client) == 0)
        return 0;
    ret->client = (struct address){ 0 };
    if (strlen(word) == SERIAL_DIGITS &&
        strspn(word, "0123456789abcdefABCDEF") == SERIAL_DIGITS) {
        ret->serial = strtoull(word, NULL, 16);
        return 0;
    }
    ret->user = slice_from(word);
    if (user_name_ok(ret->user))
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "%s: neither a user's name, nor a serial (16 hexadecimal "
                    "digits), nor an IP address; run: sallyportctl who",
                    word);
}

/* Adds the words of the command line from FIRST on, without its options. */
static void add_words(const struct arguments *a, size_t first, size_t end,
                      struct buf *into)
{
    for (size_t i = first; i < end && i < a->words; i++)
        if (buf_add_format(into, "%s%s", i > first ? " " : "", a->word[i]) < 0)
            return; /* the log has the beginning */
}

/* Adds the options with their values. No option has a password or a hash; a
 * comment may be about a person, and says nothing about rights. */
static void add_options(const struct arguments *a, struct buf *into)
{
    static const bool unlogged[OPTIONS] = {
        [OPTION_config] = true,
        [OPTION_json] = true,
        [OPTION_yes] = true,
        [OPTION_hash_stdin] = true,
        [OPTION_print_password] = true,
        [OPTION_comment] = true,
    };

    for (size_t i = 0; i < OPTIONS; i++) {
        const struct ctl_option *o = &ctl_options[i];

        if (a->option[i] && !unlogged[i] &&
            buf_add_format(into, "%s--%s%s%s", into->len > 0 ? " " : "",
                           o->name, o->value ? " " : "", a->option[i]) < 0)
            return; /* the log has the beginning */
    }
}

static int send_changed(struct server *s, uint32_t request)
{
    const struct arguments *a = &s->x->args;
    struct buf verb, to;
    int r;

    buf_init(&verb, MESSAGE_WORD_MAX);
    buf_init(&to, MESSAGE_TEXT_MAX);
    add_words(a, 0, 2, &verb);
    add_words(a, 2, a->words, &to);
    add_options(a, &to);
    r = SEND(&s->channel, users_changed, request, .verb = buf_slice(&verb),
             .to = buf_slice(&to));
    buf_release(&verb);
    buf_release(&to);
    return r;
}

/* Ends the sessions of WHOSE; NULL: those that the users file doesn't permit
 * any more. */
static int end_sessions(struct context *x, const struct msg_end_sessions *whose,
                        uint64_t *ended)
{
    struct message m;
    struct server s;
    int code = server_open(&s, x);

    if (code == 0) {
        uint32_t request = server_request(&s);
        int r = whose ? SEND(&s.channel, end_sessions, request,
                             .serial = whose->serial, .user = whose->user,
                             .client = whose->client)
                      : send_changed(&s, request);

        code = server_asked(&s, r, &m);
    }
    if (code == 0 && m.kind != MSG_ended)
        code = server_lies(x, "no answer to a kick");
    if (code == 0)
        *ended = m.ended.sessions;
    server_close(&s);
    return code;
}

static void print_ended(FILE *out, uint64_t ended)
{
    fprintf(out, "%" PRIu64 " session%s ended\n", ended, ended == 1 ? "" : "s");
}

int sessions_end(struct context *x, uint64_t serial, uint64_t *ended)
{
    return end_sessions(x, &(const struct msg_end_sessions){ .serial = serial },
                        ended);
}

int sessions_kick(struct context *x)
{
    struct msg_end_sessions whose = { 0 };
    uint64_t ended = 0;
    int code = read_word(x, x->args.word[1], &whose);

    if (code == 0)
        code = end_sessions(x, &whose, &ended);
    if (code == 0 && ended == 0)
        return ctl_fail(x, EX_NOUSER,
                        "%s has no session; run: sallyportctl who",
                        x->args.word[1]);
    if (code == 0)
        print_ended(stdout, ended);
    return code;
}

void sessions_edited(struct context *x)
{
    uint64_t ended = 0;
    int patience = x->patience;
    int code;

    x->patience = EDITED_MS;
    code = end_sessions(x, NULL, &ended);
    x->patience = patience;
    if (code == 0 && ended > 0)
        print_ended(x->args.json ? stderr : stdout, ended);
    if (code != 0 && code != EX_UNAVAILABLE)
        stderr_print(
            "the running server could not be told of it: %s; it looks by "
            "itself within 10 s",
            x->complaint.text);
    x->complaint.text[0] = '\0';
}
