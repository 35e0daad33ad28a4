/* Makes steps, and describes them. */
#include "steps.h"

#include "recipes.h"
#include "support/fail.h"
#include "support/test.h"

/* The files and directories with which each case begins. */
static const struct furniture {
    const char *line;
    size_t len;
} furniture[] = {
    { "MKD d", 0 },      { "MKD d/e", 0 },    { "MKD e", 0 },
    { "STOR a", 100 },   { "STOR b", 70000 }, { "STOR d/a", 5000 },
    { "STOR d/e/a", 0 }, { "STOR q\"q", 10 },
};

#define FURNITURE (sizeof(furniture) / sizeof(*furniture))
#define LARGE     65537

static void make_manner(struct manner *m, struct dice *d)
{
    static const size_t lengths[] = { 0,     1,     10,    100,    5000,
                                      65536, 65537, 70000, 140000, 70000,
                                      10,    100,   5000 };
    uint64_t n = dice_below(d, 12);

    *m = (struct manner){
        .port = n == 0  ? NULL
                : n < 4 ? "PASV"
                        : "EPSV",
        .early = dice_one_in(d, 2),
        .in_flow = dice_one_in(d, 2),
        .len = lengths[dice_below(d, sizeof(lengths) / sizeof(*lengths))],
        .noise = dice_below(d, 1000),
    };
    if (dice_one_in(d, 5))
        m->talk = (enum talk)dice_below(d, TALK_COUNT);
    if (dice_one_in(d, 3))
        m->bytes = dice_one_in(d, 2) ? BYTES_CUT
                                     : (enum bytes)dice_below(d, BYTES_COUNT);
}

static bool moves_data(const char *verb)
{
    return *verb && strstr("STOR RETR APPE STOU LIST MLSD NLST", verb);
}

static void add(struct plan *p, const void *bytes, size_t len)
{
    FAIL_IF(buf_add(&p->text, bytes, len), "no room for the lines");
}

/* Adds the verb in upper or lower case, sometimes after telnet's commands. */
static void add_verb(struct plan *p, const char *verb, struct dice *d)
{
    bool lower = dice_one_in(d, 8);

    if (dice_one_in(d, 60))
        add(p, "\xff\xf4\xff\xf2", 4);
    for (; *verb; verb++)
        add(p,
            lower ? &(char){ (char)(*verb | (*verb >= 'A' ? 0x20 : 0)) } : verb,
            1);
}

/* Adds a line. Sometimes its argument belongs to another command, or is
 * missing. */
static void add_line(struct plan *p, const struct recipe *r, bool door,
                     struct dice *d)
{
    static maker_fn *const others[] = { make_nothing, make_rubbish, make_path,
                                        make_number };
    maker_fn *make = r->make;
    char word[WORD_MAX];
    struct slice argument;

    add_verb(p, r->verb, d);
    if (*r->verb && dice_one_in(d, 25))
        make = others[dice_below(d, 4)];
    argument = make(d, word);
    for (size_t i = 0; door && i < argument.len; i++)
        if (word[i] == '\xff') /* before TLS a telnet command */
            word[i] = 'y';
    if (*r->verb && (argument.len > 0 || dice_one_in(d, 16)))
        add(p, " ", 1);
    add(p, argument.ptr, argument.len);
}

/* Does the command take time? A checksum does, and a command sent after it,
 * such as ABOR, can come before its end. */
static bool takes_time(const char *verb)
{
    return *verb == 'X' || strcmp(verb, "HASH") == 0;
}

static const char *make_step(struct plan *p, bool door, struct dice *d,
                             const char *before)
{
    const struct recipe *r = recipe_pick(d, door, before);
    struct step *s = &p->step[p->count++];
    size_t from = p->text.len;

    *s = (struct step){ .kind = STEP_LINE, .moves = moves_data(r->verb) };
    add_line(p, r, door, d);
    s->line = (struct slice){ NULL, p->text.len - from };
    s->joined = !door && !takes_time(r->verb) && dice_one_in(d, 6);
    s->in_pieces = dice_one_in(d, 20) && s->line.len < 60;
    make_manner(&s->manner, d);
    if (strcmp(r->verb, "STOR") != 0 || s->manner.bytes != BYTES_CUT)
        return r->verb;
    s->manner.len |= LARGE; /* large enough to be continued */
    return RECIPE_CUT;
}

/* Lets the lines point into the buffer, which now has its final place in
 * memory. */
static void place_lines(struct plan *p)
{
    const char *at = p->text.data;

    for (size_t i = 0; i < p->count; i++)
        if (p->step[i].kind == STEP_LINE) {
            p->step[i].line.ptr = at;
            at += p->step[i].line.len;
        }
}

static void furnish(struct plan *p)
{
    p->step[p->count++] = (struct step){ .kind = STEP_LOG_IN };
    for (size_t i = 0; i < FURNITURE; i++) {
        const struct furniture *f = &furniture[i];

        add(p, f->line, strlen(f->line));
        p->step[p->count++] = (struct step){
            .kind = STEP_LINE,
            .line = { NULL, strlen(f->line) },
            .moves = strncmp(f->line, "STOR", 4) == 0,
            .manner = { .port = "EPSV", .len = f->len, .noise = i },
        };
    }
}

static void make_sequence(struct plan *p, bool fresh, struct dice *d)
{
    bool door = dice_one_in(d, 8);
    const char *before = "";

    p->step[p->count++] = (struct step){
        .kind = door    ? STEP_CONNECT
                : fresh ? STEP_LOG_IN
                        : STEP_GO_ON,
    };
    for (int i = 0; i < STEPS_A_SEQUENCE; i++)
        before = make_step(p, door, d, before);
}

void plan_make(struct plan *p, uint64_t seed, const char *user)
{
    struct dice d;

    dice_init(&d, seed, user);
    p->seed = seed;
    p->count = 0;
    buf_init(&p->text, 8 << 20);
    furnish(p);
    for (int i = 0; i < SEQUENCES_A_CASE; i++)
        make_sequence(p, i % 10 == 5, &d);
    place_lines(p);
}

void plan_release(struct plan *p)
{
    buf_release(&p->text);
}

void plan_drop(struct plan *p, size_t from, size_t to)
{
    memmove(&p->step[from], &p->step[to], (p->count - to) * sizeof(p->step[0]));
    p->count -= to - from;
}

static void show_line(struct slice line, struct buf *into)
{
    const size_t most = 120;

    for (size_t i = 0; i < line.len && i < most; i++) {
        unsigned char c = (unsigned char)line.ptr[i];

        buf_add_format(into,
                       c < 0x20 || c > 0x7e || c == '\\' ? "\\x%02x" : "%c", c);
    }
    if (line.len > most)
        buf_add_format(into, "... (%zu bytes)", line.len);
}

static void show_manner(const struct manner *m, struct buf *into)
{
    static const char *const talks[TALK_COUNT] = {
        "",      ", NOOP", ", STAT",        ", STAT a",
        ", PWD", ", ABOR", ", urgent ABOR", ", QUIT"
    };
    static const char *const ends[BYTES_COUNT] = { "", ", cut", ", not TLS",
                                                   ", closed at once" };

    buf_add_format(into, "   [%s%s%s%s%s, %zu bytes]",
                   m->port ? m->port : "no port", m->early ? ", early" : "",
                   talks[m->talk], m->talk && m->in_flow ? " in the flow" : "",
                   ends[m->bytes], m->len);
}

void step_show(const struct step *s, struct buf *into)
{
    static const char *const kinds[] = { "", "(connect)", "(log in)",
                                         "(go on)" };

    if (s->kind != STEP_LINE)
        buf_add_text(into, kinds[s->kind]);
    show_line(s->line, into);
    if (s->moves)
        show_manner(&s->manner, into);
    if (s->joined)
        buf_add_text(into, "   [in one packet with the next]");
    if (s->in_pieces)
        buf_add_text(into, "   [in pieces]");
}
