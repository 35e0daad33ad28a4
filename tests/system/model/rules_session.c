/* Rules of commands about the session itself: login, protection, parameters,
 * and the manner of the next transfer. */
#include "rules.h"
#include "support/server.h"
#include "support/test.h"

#define OFFSET_MAX INT64_MAX

static bool is_one_of(struct slice argument, const char *const *words)
{
    for (; *words; words++)
        if (slice_equal_nocase(argument, slice_from(*words)))
            return true;
    return false;
}

void rule_auth(struct model *m, const struct call *c, struct expected *e)
{
    static const char *const tls[] = { "TLS", "TLS-C", "SSL", NULL };

    if (m->stage != PLAIN) {
        expect(e, 503);
    } else if (is_one_of(c->argument, tls)) {
        expect(e, 234);
        e->secures = true;
        m->stage = SECURED;
        m->begun = m->spoken = false; /* like a new connection */
    } else {
        expect(e, 504);
    }
}

void rule_user(struct model *m, const struct call *c, struct expected *e)
{
    expect(e, m->stage == LOGGED_IN ? 503 : 331);
    if (m->stage == LOGGED_IN)
        return;
    m->stage = NAMED;
    m->name_is_right = slice_equal(c->argument, slice_from(m->user));
}

void rule_pass(struct model *m, const struct call *c, struct expected *e)
{
    if (m->stage == LOGGED_IN) {
        expect(e, 503);
    } else if (m->name_is_right &&
               slice_equal(c->argument, slice_from(SERVER_PASSWORD))) {
        expect(e, 230);
        m->stage = LOGGED_IN;
    } else {
        expect(e, 530);
        m->stage = SECURED;
        e->ends = ++m->wrong == MODEL_TRIES;
        e->last = e->ends ? 421 : 0;
    }
}

void rule_quit(struct model *m, const struct call *c, struct expected *e)
{
    (void)m, (void)c;
    expect(e, 221);
    e->ends = true;
}

void rule_host(struct model *m, const struct call *c, struct expected *e)
{
    (void)c;
    expect(e, m->stage == LOGGED_IN ? 503 : 220);
}

void rule_help(struct model *m, const struct call *c, struct expected *e)
{
    struct slice name = slice_trim(c->argument);

    (void)m;
    expect(e, name.len == 0 || rule_find(name) ? 214 : 500);
}

/* PBSZ takes a 32-bit number, and must come before PROT (RFC 2228, section
 * 3). */
void rule_pbsz(struct model *m, const struct call *c, struct expected *e)
{
    uint64_t size;
    bool good = slice_number(c->argument, UINT32_MAX, &size) == 0;

    m->has_pbsz |= good;
    expect(e, good ? 200 : 501);
}

void rule_prot(struct model *m, const struct call *c, struct expected *e)
{
    static const char *const p[] = { "P", NULL },
                             *const clear[] = { "C", NULL },
                             *const never[] = { "S", "E", NULL };

    if (!m->has_pbsz) {
        expect(e, 503);
    } else if (is_one_of(c->argument, p)) {
        m->protected = true;
        expect(e, 200);
    } else {
        expect(e, is_one_of(c->argument, clear)   ? 534
                  : is_one_of(c->argument, never) ? 536
                                                  : 504);
    }
}

void rule_opts(struct model *m, const struct call *c, struct expected *e)
{
    static const char *const always[] = { "UTF8", "UTF-8", "MLST", NULL };
    static const char *const stor[] = { "STOR", NULL };
    static const char *const modes[] = { "MODE", NULL };
    static const char *const hash[] = { "HASH", NULL };
    static const char *const names[] = { "", "SHA-256", "SHA-512", NULL };
    struct slice rest = c->argument, word = model_word(&rest);

    if (is_one_of(word, always)) {
        expect(e, 200);
    } else if (is_one_of(word, hash) && is_one_of(rest, names)) {
        expect(e, 200);
        if (rest.len > 0)
            m->sha512 = rest.ptr[rest.len - 1] == '2';
    } else if (is_one_of(word, stor)) {
        expect(e, rest.len == 0 ? 200 : 501);
    } else if (is_one_of(word, modes)) {
        expect_either(e, 504, 501); /* MODE Z is off */
    } else {
        expect(e, 501);
    }
}

void rule_type(struct model *m, const struct call *c, struct expected *e)
{
    static const char *const lines[] = { "A", "A N", NULL };
    static const char *const image[] = { "I", "L 8", NULL };

    expect(e, 200);
    if (is_one_of(c->argument, lines))
        m->image = false;
    else if (is_one_of(c->argument, image))
        m->image = true;
    else
        expect(e, 504);
}

void rule_mode(struct model *m, const struct call *c, struct expected *e)
{
    static const char *const stream[] = { "S", NULL };

    (void)m;
    expect(e, is_one_of(c->argument, stream) ? 200 : 504);
}

void rule_stru(struct model *m, const struct call *c, struct expected *e)
{
    static const char *const file[] = { "F", NULL };

    (void)m;
    expect(e, is_one_of(c->argument, file) ? 200 : 504);
}

void rule_rest(struct model *m, const struct call *c, struct expected *e)
{
    uint64_t offset;

    if (!model_number(c->argument, OFFSET_MAX, &offset)) {
        expect(e, 501);
        return;
    }
    m->rest = offset;
    m->until = 0;
    expect(e, 350);
}

/* Both ends belong to the range. "1 0" means the whole file. A wrong argument
 * cancels the range before. */
void rule_rang(struct model *m, const struct call *c, struct expected *e)
{
    struct slice rest = c->argument, first = model_word(&rest);
    uint64_t from = 0, to = 0;
    bool good = model_number(first, OFFSET_MAX - 1, &from) &&
                model_number(rest, OFFSET_MAX - 1, &to);
    bool all = good && from == 1 && to == 0;

    expect(e, all || (good && from <= to) ? 350 : 501);
    m->rest = m->until = 0;
    if (e->code[0] == 350 && !all) {
        m->rest = from;
        m->until = to + 1;
    }
}

void rule_allo(struct model *m, const struct call *c, struct expected *e)
{
    struct slice rest = c->argument;
    uint64_t bytes;

    m->announced = 0;
    if (!model_number(model_word(&rest), OFFSET_MAX, &bytes)) {
        expect(e, 501);
    } else if (bytes > MODEL_FILE_MAX) {
        expect(e, 552);
    } else {
        expect(e, 200);
        m->announced = bytes;
    }
}

void rule_epsv(struct model *m, const struct call *c, struct expected *e)
{
    static const char *const any[] = { "", "1", NULL }, *const all[] = { "ALL",
                                                                         NULL };
    struct slice digits = c->argument;

    while (digits.len > 0 && strchr("0123456789", *digits.ptr))
        digits = (struct slice){ digits.ptr + 1, digits.len - 1 };
    if (is_one_of(c->argument, any)) {
        expect(e, 229);
        m->port = true;
    } else if (is_one_of(c->argument, all)) {
        expect(e, 200);
        m->only_epsv = true;
    } else {
        expect(e, digits.len == 0 ? 522 : 501);
    }
}

void rule_pasv(struct model *m, const struct call *c, struct expected *e)
{
    (void)c;
    expect(e, m->only_epsv ? 503 : 227);
    m->port |= !m->only_epsv;
}

void rule_abor(struct model *m, const struct call *c, struct expected *e)
{
    (void)c;
    expect_either(e, 225, 226);
    m->port = false;
}
