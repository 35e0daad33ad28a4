/* The data connections of a transcript. */
#include "fault.h"
#include "support/fail.h"
#include "support/test.h"
#include "transcript_play.h"

static void need_data(struct client *c)
{
    if (c->data.fd < 0)
        FAIL("no data connection: EPSV first");
    if (!c->data.tls)
        data_secure(&c->session, &c->data);
}

static bool is_wanted(const struct client *c, const struct buf *got)
{
    if (!c->noise)
        return pattern_matches(buf_slice(&c->wanted), buf_slice(got), NULL);
    return got->len == c->wanted.len &&
           memcmp(got->data, c->wanted.data, got->len) == 0;
}

static void end_now(struct client *c)
{
    struct buf got;

    buf_init(&got, 2 * TRANSCRIPT_NOISE_MAX);
    if (c->wants) {
        data_read_all(&c->data, &got);
        if (!is_wanted(c, &got) && c->noise)
            FAIL("expected %zu bytes of noise, got %zu bytes", c->wanted.len,
                 got.len);
        if (!is_wanted(c, &got))
            FAIL("expected data: %.*s\n          got: %.*s", (int)c->wanted.len,
                 c->wanted.data, (int)got.len, got.data);
    }
    data_close(&c->data);
    c->wants = c->noise = c->held = false;
    buf_clear(&c->wanted);
    buf_release(&got);
}

void play_data_end(struct client *c)
{
    if (c->data.tls && !c->held)
        end_now(c);
}

void play_data_raw(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX];
    const size_t len = transcript_unescape(rest, text);

    FAIL_IF(p->c->data.fd < 0, "no data connection: EPSV first");
    FAIL_IF(send(p->c->data.fd, text, len, MSG_NOSIGNAL) != (ssize_t)len, "%s",
            rest);
}

void play_data_out(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX];

    need_data(p->c);
    data_write(&p->c->data, text, transcript_unescape(rest, text));
}

void play_data_in(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX];

    need_data(p->c);
    p->c->wants = true;
    buf_add(&p->c->wanted, text, transcript_unescape(rest, text));
}

/* Reads "FROM TO". Returns the noise up to TO; the caller frees it. */
static unsigned char *noise(const char *text, size_t *from, size_t *to)
{
    char words[2][32];

    text = transcript_word(text, words[0], sizeof(words[0]));
    transcript_word(text, words[1], sizeof(words[1]));
    *from = transcript_size(words[0]);
    *to = transcript_size(words[1]);
    FAIL_IF(*from > *to || *to > TRANSCRIPT_NOISE_MAX, "%zu %zu", *from, *to);
    return transcript_noise(*to);
}

void play_noise_out(struct play *p, const char *rest)
{
    size_t from, to;
    unsigned char *bytes = noise(rest, &from, &to);

    need_data(p->c);
    data_write(&p->c->data, bytes + from, to - from);
    free(bytes);
}

void play_noise_in(struct play *p, const char *rest)
{
    size_t from, to;
    unsigned char *bytes = noise(rest, &from, &to);

    need_data(p->c);
    p->c->wants = p->c->noise = true;
    FAIL_IF(buf_add(&p->c->wanted, (char *)bytes + from, to - from), "%s",
            rest);
    free(bytes);
}

void play_hold(struct play *p, const char *rest)
{
    (void)rest;
    need_data(p->c);
    p->c->held = true;
}

void play_epsv(struct play *p, const char *rest)
{
    (void)rest;
    if (p->c->data.fd >= 0)
        data_cut(&p->c->data, false);
    data_connect(&p->c->session, &p->c->data);
}

void play_open(struct play *p, const char *rest)
{
    data_open(&p->c->session, &p->c->data, "%s", rest);
    p->c->held = true;
}

void play_open_fails(struct play *p, const char *rest)
{
    play_epsv(p, "");
    play_do(p, rest);
}

/* Expects a reply that begins with CODE; "": expects none. */
static void expect_code(struct play *p, const char *code)
{
    char pattern[16];

    snprintf(pattern, sizeof(pattern), "%.8s{*}", code);
    if (*code)
        session_expect(&p->c->session, pattern);
}

void play_done(struct play *p, const char *rest)
{
    FAIL_IF(!p->c->held, "HOLD first");
    end_now(p->c);
    expect_code(p, rest);
}

void play_cut(struct play *p, const char *rest)
{
    const bool reset = strncmp(rest, "reset", 5) == 0;

    need_data(p->c);
    data_cut(&p->c->data, reset);
    expect_code(p, reset && rest[5] ? rest + 6 : reset ? "" : rest);
    p->c->wants = p->c->noise = p->c->held = false;
    buf_clear(&p->c->wanted);
}

void play_partial(struct play *p, const char *rest)
{
    fault_wait_partial(p->server, p->c->user, transcript_size(rest));
}

void play_put(struct play *p, const char *rest)
{
    char verb[8], name[TRANSCRIPT_NAME_MAX], text[TRANSCRIPT_LINE_MAX];

    rest = transcript_word(rest, verb, sizeof(verb));
    rest = transcript_word(rest, name, sizeof(name));
    session_store(&p->c->session, verb, name, text,
                  transcript_unescape(rest, text));
    play_keep_output(p, p->c->session.reply.data);
}

/* Begins an upload, and sends bytes of the noise. REST begins with VERB, NAME,
 * FROM and TO. Returns the text after these words. */
static const char *send_noise(struct play *p, const char *rest)
{
    char word[4][TRANSCRIPT_NAME_MAX], command[2 * TRANSCRIPT_NAME_MAX];

    for (size_t i = 0; i < 4; i++)
        rest = transcript_word(rest, word[i], sizeof(word[i]));
    snprintf(command, sizeof(command), "%s %s", word[0], word[1]);
    play_open(p, command);
    snprintf(command, sizeof(command), "%s %s", word[2], word[3]);
    play_noise_out(p, command);
    return rest;
}

void play_put_noise(struct play *p, const char *rest)
{
    rest = send_noise(p, rest);
    play_done(p, *rest ? rest : "226");
}

void play_leave(struct play *p, const char *rest)
{
    send_noise(p, rest);
    play_partial(p, strrchr(rest, ' ') + 1);
    play_cut(p, "426");
}

void play_read(struct play *p, const char *rest)
{
    char command[TRANSCRIPT_LINE_MAX];
    const char *wanted;

    snprintf(command, sizeof(command), "%s", rest);
    wanted = transcript_cut(command);
    FAIL_IF(!wanted, "%s", rest);
    play_open(p, command);
    play_data_in(p, wanted);
    play_done(p, "226");
}

void play_get(struct play *p, const char *rest)
{
    char name[TRANSCRIPT_NAME_MAX], command[TRANSCRIPT_NAME_MAX + 8];
    char text[TRANSCRIPT_LINE_MAX];
    size_t len;

    rest = transcript_word(rest, name, sizeof(name));
    len = transcript_unescape(rest, text);
    snprintf(command, sizeof(command), "RETR %s", name);
    session_expect_fetch(&p->c->session, command, text, len);
}
