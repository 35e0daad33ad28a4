/* Makes programs of what clients usually do, and leaves out, repeats and
 * inserts steps. */
#include "program.h"

#include <strings.h>

#include "../model/recipes.h"
#include "support/fail.h"
#include "support/test.h"

const char *const fuzz_names[FUZZ_NAMES] = { "a", "b", "d/a", "c" };

#define ANY 0xffff /* fill_in() chooses a value */

/* The steps of uploads and of a download. */
static const struct op uploading[] = {
    { .kind = OP_PORT, .how = ANY },
    { .kind = OP_STORE, .how = ANY },
    { .kind = OP_REPLY, .how = 1000 },
    { .kind = OP_DIAL },
    { .kind = OP_SECURE },
    { .kind = OP_SEND, .much = ANY },
    { .kind = OP_SEND, .much = ANY },
    { .kind = OP_FINISH },
    { .kind = OP_REPLY, .how = 3000 },
    { .kind = OP_CUT, .how = 2 },
};
static const struct op early[] = {
    { .kind = OP_PORT, .how = ANY },
    { .kind = OP_DIAL },
    { .kind = OP_STORE, .how = ANY },
    { .kind = OP_REPLY, .how = 1000 },
    { .kind = OP_SECURE },
    { .kind = OP_SEND, .much = ANY },
    { .kind = OP_FINISH },
    { .kind = OP_CUT, .how = 2 },
    { .kind = OP_REPLY, .how = 3000 },
};
static const struct op cutting[] = {
    { .kind = OP_PORT, .how = ANY },
    { .kind = OP_STORE, .how = ANY },
    { .kind = OP_REPLY, .how = 1000 },
    { .kind = OP_DIAL },
    { .kind = OP_SECURE },
    { .kind = OP_SEND, .much = ANY },
    { .kind = OP_CUT, .how = ANY },
    { .kind = OP_REPLY, .how = 300 },
};
static const struct op fetching[] = {
    { .kind = OP_PORT, .how = ANY },
    { .kind = OP_FETCH, .how = ANY },
    { .kind = OP_REPLY, .how = 1000 },
    { .kind = OP_DIAL },
    { .kind = OP_SECURE },
    { .kind = OP_RECEIVE, .much = ANY },
    { .kind = OP_RECEIVE, .much = ANY },
    { .kind = OP_FINISH, .how = 1 },
    { .kind = OP_CUT, .how = ANY },
    { .kind = OP_REPLY, .how = 1000 },
};
static const struct op resuming[] = {
    { .kind = OP_RESUME_ASK, .how = ANY },
    { .kind = OP_RESUME_BEGIN, .how = ANY },
    { .kind = OP_RESUME_SEND, .much = ANY },
    { .kind = OP_RESUME_SEND, .much = ANY },
    { .kind = OP_RESUME_END, .how = ANY },
};

static uint64_t pick_size(struct dice *d)
{
    static const uint64_t sizes[] = { 0,     1,     100,    5000,  16384,
                                      65536, 70000, 140000, 300000 };

    return sizes[dice_below(d, sizeof(sizes) / sizeof(*sizes))];
}

static struct op *add_op(struct program *p, enum op_kind kind, unsigned client,
                         uint64_t how)
{
    struct op *o = &p->op[p->count++];

    FAIL_IF(p->count == FUZZ_OPS, "too many steps");
    *o = (struct op){ .kind = kind, .client = client, .how = how };
    return o;
}

/* Sets the line of the last step. */
static void set_line(struct program *p, struct slice line)
{
    FAIL_IF(buf_add_slice(&p->text, line), "no room for the lines");
    p->op[p->count - 1].line.len = line.len;
}

/* Would a command with VERB make the contents of a name unknown? A program that
 * resumes sends only its own uploads, and stays in one directory. Other
 * programs send no command that resumes. */
static bool spoils(const struct program *p, const char *verb)
{
    static const char *const whole[] = { "SIZE", "REST", "RANG", NULL };
    static const char *const same[] = { "STOR", "APPE", "STOU", "RNFR", "RNTO",
                                        "REST", "RANG", "MODE", "TYPE", "CWD",
                                        "XCWD", "CDUP", "XCUP", NULL };
    const char *const *these = p->resumes ? same : whole;

    for (; *these; these++)
        if (strncasecmp(verb, *these, 4) == 0)
            return true;
    return *verb == '\0' && p->resumes;
}

static void add_line(struct program *p, unsigned client, struct dice *d)
{
    char word[WORD_MAX], line[WORD_MAX + 16];
    const struct recipe *r;
    struct slice argument;
    size_t len;

    do
        r = recipe_pick(d, dice_one_in(d, 20), "");
    while (spoils(p, r->verb));
    argument = r->make(d, word);
    len = (size_t)snprintf(line, sizeof(line), "%s%s", r->verb,
                           *r->verb && argument.len > 0 ? " " : "");
    memcpy(line + len, argument.ptr ? argument.ptr : "", argument.len);
    add_op(p, OP_LINE, client, 0);
    set_line(p, (struct slice){ line, len + argument.len });
    if (!dice_one_in(d, 4))
        add_op(p, OP_REPLY, client, 200);
}

static void add_bytes(struct program *p, enum op_kind kind, unsigned client,
                      struct dice *d)
{
    char bytes[64];
    size_t len = 1 + dice_below(d, sizeof(bytes) - 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)dice_below(d, 256);
    add_op(p, kind, client, 0);
    set_line(p, (struct slice){ bytes, len });
}

/* Adds a login. client_login() of control.c defines its HOW. */
static void add_login(struct program *p, unsigned client, struct dice *d)
{
    static const uint64_t versions[] = { 0, 0, 0x0303, 0x0304 };

    add_op(p, OP_CONNECT, client, 0);
    add_op(p, OP_LOGIN, client, dice_one_in(d, 8) ? dice_below(d, 4) : 0)
        ->much = versions[dice_below(d, 4)];
}

/* Adds a step on a data connection, out of order. */
static void add_data(struct program *p, unsigned client, struct dice *d)
{
    static const enum op_kind kinds[] = { OP_PORT,  OP_DIAL,   OP_SECURE,
                                          OP_FETCH, OP_SEND,   OP_CUT,
                                          OP_STORE, OP_FINISH, OP_RECEIVE };

    add_op(p, kinds[dice_below(d, p->resumes ? 6 : 9)], client,
           dice_below(d, 4) | dice_below(d, FUZZ_SLOTS) << 8)
        ->much = pick_size(d);
}

static void add_end(struct program *p, unsigned client, struct dice *d)
{
    add_op(p, OP_END, client, dice_below(d, 4));
    if (dice_one_in(d, 2))
        add_op(p, OP_REPLY, client, 100);
    if (!dice_one_in(d, 4))
        add_login(p, client, d);
}

/* Adds any step. */
static void add_any(struct program *p, unsigned client, struct dice *d)
{
    uint64_t n = dice_below(d, 200);

    if (n < 110)
        add_line(p, client, d);
    else if (n < 140)
        add_data(p, client, d);
    else if (n < 150)
        add_bytes(p, OP_RAW, client, d);
    else if (n < 152)
        add_bytes(p, OP_BELOW, client, d);
    else if (n < 160)
        add_end(p, client, d);
    else if (n < 163)
        add_login(p, client, d);
    else if (n < 178)
        add_op(p, OP_PAUSE, client, dice_below(d, 20));
    else if (n < 180)
        add_op(p, OP_IDLE, client, 0);
    else if (n < 182)
        add_op(p, OP_KILL, client, dice_below(d, 2));
    else
        add_op(p, OP_REPLY, client, dice_below(d, 30));
}

static unsigned other_client(const struct program *p, unsigned client)
{
    return p->clients > 1 ? 1 - client : client;
}

static void fill_in(struct op *o, unsigned client, uint64_t slot, uint64_t name,
                    struct dice *d)
{
    bool data = o->kind == OP_DIAL || o->kind == OP_SECURE ||
                o->kind == OP_SEND || o->kind == OP_FINISH ||
                o->kind == OP_CUT || o->kind == OP_RECEIVE;

    o->client = client;
    if (o->how == ANY)
        o->how = dice_below(d, 4);
    if (o->much == ANY)
        o->much = pick_size(d);
    if (o->kind == OP_STORE || o->kind == OP_FETCH || o->kind == OP_RESUME_ASK)
        o->much = name;
    if (o->kind == OP_SECURE && dice_one_in(d, 12))
        o->how = 1 + dice_below(d, 2);
    if (data)
        o->how |= slot << 8;
}

static void add_copy(struct program *p, const struct op *o)
{
    add_op(p, o->kind, o->client, o->how)->much = o->much;
}

/* Adds these steps. Sometimes leaves out or repeats one, or adds another step
 * after it. */
static void add_steps(struct program *p, unsigned client, const struct op *ops,
                      size_t count, struct dice *d)
{
    uint64_t name = dice_below(d, p->resumes ? 2 : FUZZ_NAMES);
    uint64_t slot = dice_below(d, FUZZ_SLOTS);

    for (size_t i = 0; i < count; i++) {
        struct op o = ops[i];

        fill_in(&o, client, slot, name, d);
        if (ops == resuming) {
            if (i == 1 && dice_one_in(d, 6))
                add_login(p, client, d);
            if (i == 1 && dice_one_in(d, 5)) /* the other client continues */
                client = o.client = other_client(p, client);
            add_copy(p, &o);
            if (p->clients > 1 && dice_one_in(d, 3))
                add_any(p, 1 - client, d);
            continue;
        }
        if (!dice_one_in(d, 25))
            add_copy(p, &o);
        if (dice_one_in(d, 40))
            add_copy(p, &o);
        if (dice_one_in(d, 10))
            add_any(p, dice_one_in(d, 2) ? client : other_client(p, client), d);
    }
}

#define STEPS(list) list, sizeof(list) / sizeof(*(list))

static void add_transfer(struct program *p, unsigned client, struct dice *d)
{
    uint64_t n = dice_below(d, 8);

    if (p->resumes && n < 6)
        add_steps(p, client, STEPS(resuming), d);
    else if (n < 2 && !p->resumes)
        add_steps(p, client, STEPS(uploading), d);
    else if (n == 2 && !p->resumes)
        add_steps(p, client, STEPS(early), d);
    else if (n == 3 && !p->resumes)
        add_steps(p, client, STEPS(cutting), d);
    else if (n >= 6)
        add_steps(p, client, STEPS(fetching), d);
    else
        add_any(p, client, d);
}

static void place_lines(struct program *p)
{
    const char *at = p->text.data;

    for (size_t i = 0; i < p->count; i++) {
        p->op[i].line.ptr = at;
        at += p->op[i].line.len;
    }
}

void program_make(struct program *p, uint64_t seed, const char *user)
{
    struct dice d;
    uint64_t parts;

    dice_init(&d, seed, user);
    *p = (struct program){ .seed = seed, .resumes = dice_one_in(&d, 3) };
    buf_init(&p->text, 8 << 20);
    p->clients = 1 + (unsigned)dice_below(&d, FUZZ_CLIENTS);
    for (unsigned i = 0; i < p->clients; i++)
        add_login(p, i, &d);
    add_op(p, OP_LINE, 0, 0);
    set_line(p, SLICE("MKD d"));
    add_op(p, OP_REPLY, 0, 1000);
    parts = 3 + dice_below(&d, 12);
    while (parts-- > 0 && p->count < FUZZ_OPS - 100) {
        unsigned client = (unsigned)dice_below(&d, p->clients);

        if (dice_one_in(&d, 20))
            add_login(p, client, &d);
        else if (dice_one_in(&d, 3))
            add_any(p, client, &d);
        else
            add_transfer(p, client, &d);
    }
    place_lines(p);
}

void program_release(struct program *p)
{
    buf_release(&p->text);
}

void program_drop(struct program *p, size_t from, size_t to)
{
    memmove(&p->op[from], &p->op[to], (p->count - to) * sizeof(p->op[0]));
    p->count -= to - from;
}

void op_show(const struct op *o, struct buf *into)
{
    static const char *const kinds[OP_COUNT] = {
        "connect", "login",        "line",        "raw",    "below",
        "reply",   "port",         "dial",        "secure", "store",
        "fetch",   "send",         "finish",      "cut",    "receive",
        "end",     "pause",        "idle",        "kill",   "resume: ask",
        "begin",   "resume: send", "resume: end",
    };

    buf_add_format(into, "%c %s %llx %llu ", 'A' + (int)o->client,
                   kinds[o->kind], (unsigned long long)o->how,
                   (unsigned long long)o->much);
    for (size_t i = 0; i < o->line.len && i < 80; i++) {
        unsigned char c = (unsigned char)o->line.ptr[i];

        buf_add_format(into, c < 0x20 || c > 0x7e ? "\\x%02x" : "%c", c);
    }
}
