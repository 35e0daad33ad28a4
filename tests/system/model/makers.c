/* Makes arguments from words: paths in quotes, a time with a path, and very
 * long arguments. */
#include <string.h>

#include "support/fail.h"
#include "support/server.h"
#include "words.h"

void dice_init(struct dice *d, uint64_t seed, const char *user)
{
    d->seed = seed;
    d->user = user;
    d->last[0] = 'a';
    d->last_len = 1;
}

/* Returns the next number of the generator splitmix64. */
static uint64_t dice(struct dice *d)
{
    uint64_t z = d->seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t dice_below(struct dice *d, uint64_t end)
{
    return dice(d) % end;
}

bool dice_one_in(struct dice *d, uint64_t n)
{
    return dice_below(d, n) == 0;
}

#define ONE_OF(words) (words)[dice_below(d, sizeof(words) / sizeof(*(words)))]

static struct slice copy(struct slice word, char *out)
{
    memcpy(out, word.ptr, word.len);
    return (struct slice){ out, word.len };
}

static struct slice from(enum pool_name pool, struct dice *d, char *out)
{
    const struct pool *p = &pools[pool];

    return copy(p->words[dice_below(d, p->count)], out);
}

/* Copies the form to OUT, with A in place of \1 and B in place of \2. */
static struct slice fill(const char *form, struct slice a, struct slice b,
                         char *out)
{
    size_t len = 0;

    for (; *form; form++) {
        struct slice part = *form == '\1'   ? a
                            : *form == '\2' ? b
                                            : (struct slice){ form, 1 };

        FAIL_IF(len + part.len > WORD_MAX, "a word is too long");
        memcpy(out + len, part.ptr, part.len);
        len += part.len;
    }
    return (struct slice){ out, len };
}

/* Makes a word about as long as a name, a path or a line may be. */
static struct slice make_long(struct dice *d, char *out)
{
    static const size_t lengths[] = { 238,  239,  254,  255,  256, 257,
                                      4080, 4095, 4096, 4097, 8000 };
    size_t len = ONE_OF(lengths);

    memset(out, 'x', len);
    for (size_t i = 200; len > 300 && i < len; i += 200)
        out[i] = '/';
    return (struct slice){ out, len };
}

struct slice make_nothing(struct dice *d, char *out)
{
    (void)d, (void)out;
    return slice_from("");
}

struct slice make_same(struct dice *d, char *out)
{
    return copy((struct slice){ d->last, d->last_len }, out);
}

/* Makes a path, often the last one again, so that several commands use the same
 * file. */
struct slice make_path(struct dice *d, char *out)
{
    uint64_t n = dice_below(d, 30);
    struct slice path;

    if (n < 6)
        return make_same(d, out);
    path = n == 6  ? make_long(d, out)
           : n < 9 ? from(ODD_PATHS, d, out)
                   : from(GOOD_PATHS, d, out);
    memcpy(d->last, path.ptr, path.len);
    d->last_len = path.len;
    return path;
}

struct slice make_listed(struct dice *d, char *out)
{
    static const char *const forms[] = { "",       "\1",    "\1",    "-la",
                                         "-l \1",  "-a \1", "-- \1", "-1 \1",
                                         "-a \1*", "\1*",   "\1/*" };
    char path[WORD_MAX];

    return fill(ONE_OF(forms), make_path(d, path), slice_from(""), out);
}

struct slice make_number(struct dice *d, char *out)
{
    return from(NUMBERS, d, out);
}

struct slice make_range(struct dice *d, char *out)
{
    char first[64], last[64];

    return fill("\1 \2", from(NUMBERS, d, first), from(NUMBERS, d, last), out);
}

/* Makes an offset, mostly one at which a partial of the model's uploads can be
 * continued. */
struct slice make_block(struct dice *d, char *out)
{
    return dice_one_in(d, 3) ? make_number(d, out)
                             : copy(slice_from("65536"), out);
}

struct slice make_same_summed(struct dice *d, char *out)
{
    char path[WORD_MAX];

    return fill(dice_one_in(d, 2) ? "\"\1\" 1 3" : "\1", make_same(d, path),
                slice_from(""), out);
}

struct slice make_summed(struct dice *d, char *out)
{
    static const char *const forms[] = { "\1",        "\"\1\"", "\"\1\" \2",
                                         "\"\1\" \2", "\"\1",   "\"\1\"\2",
                                         "\"\1\" \2 " };
    char path[WORD_MAX], range[256];

    return fill(
        ONE_OF(forms), make_path(d, path),
        dice_one_in(d, 2) ? make_number(d, range) : make_range(d, range), out);
}

struct slice make_timed(struct dice *d, char *out)
{
    static const char *const forms[] = { "\2 \1", "\2 \1", "\2 \1", "\2 \1",
                                         "\2",    "\2 ",   "\1" };
    char path[WORD_MAX], time[64];

    return fill(ONE_OF(forms), make_path(d, path), from(MOMENTS, d, time), out);
}

struct slice make_mdtm(struct dice *d, char *out)
{
    return dice_one_in(d, 2) ? make_path(d, out) : make_timed(d, out);
}

struct slice make_site(struct dice *d, char *out)
{
    static const char *const forms[] = {
        "CHMOD \2 \1", "CHMOD \2 \1", "chmod \2 \1", "CHMOD \2",
        "HELP",        "QUOTA",       "quota \1",    "HELP \1",
        "EXEC \1",     "PSWD",        "PSWD a",      "PSWD a b c",
    };
    size_t form = dice_below(d, sizeof(forms) / sizeof(*forms));
    char path[WORD_MAX], word[64];

    return fill(forms[form], make_path(d, path),
                from(form < 4 ? OCTALS : MOMENTS, d, word), out);
}

#define MAKER(name, pool)                                                      \
    struct slice name(struct dice *d, char *out)                               \
    {                                                                          \
        return from(pool, d, out);                                             \
    }
MAKER(make_option, OPTIONS)
MAKER(make_type, TYPES)
MAKER(make_letter, LETTERS)
MAKER(make_family, FAMILIES)
MAKER(make_mechanism, MECHANISMS)
MAKER(make_command, COMMANDS)

struct slice make_rubbish(struct dice *d, char *out)
{
    return dice_below(d, 6) == 0 ? make_long(d, out) : from(RUBBISH, d, out);
}

struct slice make_name(struct dice *d, char *out)
{
    return dice_below(d, 4) > 0 ? copy(slice_from(d->user), out)
                                : make_rubbish(d, out);
}

struct slice make_password(struct dice *d, char *out)
{
    static const char *const forms[] = { "\1", "\1", "\1", "\1 ", "", "\2" };
    char rubbish[WORD_MAX];

    return fill(ONE_OF(forms), slice_from(SERVER_PASSWORD),
                make_rubbish(d, rubbish), out);
}

/* Makes a line that is no command or no line at all, or, seldom, one that is
 * much too long or just within the limit. */
struct slice make_line(struct dice *d, char *out)
{
    if (dice_below(d, 30) > 0)
        return from(WHOLE_LINES, d, out);
    memset(out, 'y', 9000);
    return (struct slice){ out, dice_one_in(d, 2) ? 9000 : 8192 };
}
