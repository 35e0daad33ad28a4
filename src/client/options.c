/* The table of options. The command line, the profiles and the help use it. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/base/slice.h"

#define AT(field) offsetof(struct options, field)

const struct option_row option_rows[] = {
    { "all", 'a', OPTION_FLAG, AT(all), 0, 0, false, NULL,
      "ls: also list names that begin with a dot", "ls open" },
    { "by-hash", 0, OPTION_FLAG, AT(by_hash), 0, 0, false, NULL,
      "sync: compare files by HASH, not by size and time", "sync open" },
    { "cacert", 0, OPTION_TEXT, AT(cacert), 0, 0, true, "FILE",
      "trust the CA certificates in FILE, and no others", NULL },
    { "cert", 0, OPTION_TEXT, AT(cert), 0, 0, true, "FILE",
      "show this client certificate", NULL },
    { "compress", 0, OPTION_FLAG, AT(compress), 0, 0, true, NULL,
      "compress transfers by MODE Z, if the server offers it",
      "put get cat mput mget sync" },
    { "config", 0, OPTION_TEXT, AT(config), 0, 0, false, "FILE",
      "the file of profiles (default: ~/.config/sallyport/config)", NULL },
    { "conflict", 0, OPTION_CONFLICT, AT(conflict), 0, 0, true, "WORD",
      "if a name is taken: ask (default), skip, rename or overwrite",
      "put get mv mput mget" },
    { "debug", 'd', OPTION_FLAG, AT(debug), 0, 0, false, NULL,
      "print the conversation with the server, without secrets", NULL },
    { "delete", 0, OPTION_FLAG, AT(remove), 0, 0, false, NULL,
      "sync: remove files and directories that the source doesn't have",
      "sync" },
    { "dry-run", 'n', OPTION_FLAG, AT(dry_run), 0, 0, false, NULL,
      "rm, rmdir, sync: print what would be done, and do nothing",
      "rm rmdir sync" },
    { "help", 'h', OPTION_FLAG, AT(help), 0, 0, false, NULL,
      "print the help of all commands, or of one", NULL },
    { "json", 0, OPTION_FLAG, AT(json), 0, 0, false, NULL,
      "print one JSON object in each line instead of text", NULL },
    { "key", 0, OPTION_TEXT, AT(key), 0, 0, true, "FILE",
      "the private key of --cert, if it isn't in that file", NULL },
    { "known-hosts", 0, OPTION_TEXT, AT(known_hosts), 0, 0, true, "FILE",
      "the file of keys that --trust-new trusts (default: in "
      "~/.local/share/sallyport)",
      NULL },
    { "limit-rate", 0, OPTION_RATE, AT(limit_rate), 0, UINT64_MAX / 2, true,
      "N",
      "limit of all transfers together, bytes a second; also with k, M or "
      "G",
      "put get cat mput mget sync" },
    { "netrc", 0, OPTION_TEXT, AT(netrc), 0, 0, true, "FILE",
      "the file of passwords (default: ~/.netrc)", NULL },
    { "no-resume", 0, OPTION_FLAG, AT(no_resume), 0, 0, true, NULL,
      "begin each transfer at its first byte", "put get cat mput mget sync" },
    { "no-verify", 0, OPTION_FLAG, AT(no_verify), 0, 0, true, NULL,
      "don't compare checksums after transfers", "put get cat mput mget sync" },
    { "parallel", 'P', OPTION_NUMBER, AT(parallel), 1, 16, true, "N",
      "number of transfers at the same time (1)", "put get mput mget sync" },
    { "password-file", 0, OPTION_TEXT, AT(password_file), 0, 0, true, "FILE",
      "the password is the first line of FILE", NULL },
    { "pin", 0, OPTION_TEXT, AT(pin), 0, 0, true, "sha256//KEY",
      "trust exactly this public key", NULL },
    { "preserve", 'p', OPTION_FLAG, AT(preserve), 0, 0, true, NULL,
      "keep the time of the last change", "put get mput mget" },
    { "quiet", 'q', OPTION_FLAG, AT(quiet), 0, 0, true, NULL,
      "print errors only", NULL },
    { "recursive", 'r', OPTION_FLAG, AT(recursive), 0, 0, false, NULL,
      "also directories, with everything in them",
      "put get rm du sync mput mget open" },
    { "retries", 0, OPTION_NUMBER, AT(retries), 0, 100, true, "N",
      "number of tries after a cut, with growing pauses (5)",
      "put get cat mput mget sync" },
    { "timeout", 0, OPTION_NUMBER, AT(timeout), 1, 3600, true, "SECONDS",
      "time without a byte after which a connection counts as cut (60)", NULL },
    { "trust-new", 0, OPTION_FLAG, AT(trust_new), 0, 0, false, NULL,
      "show an unknown server's certificate, and trust its key if you agree",
      NULL },
    { "user", 'u', OPTION_TEXT, AT(user), 0, 0, true, "NAME",
      "the user, if the URL contains none", NULL },
    { "version", 'V', OPTION_FLAG, AT(version), 0, 0, false, NULL,
      "print the version", NULL },
    { "yes", 'y', OPTION_FLAG, AT(yes), 0, 0, false, NULL,
      "answer all questions with yes", NULL },
};
const size_t option_count = sizeof(option_rows) / sizeof(option_rows[0]);

static const char *const conflict_words[CONFLICT_CHOICES] = {
    [CONFLICT_ASK] = "ask",
    [CONFLICT_SKIP] = "skip",
    [CONFLICT_RENAME] = "rename",
    [CONFLICT_OVERWRITE] = "overwrite",
};

void options_default(struct options *o)
{
    *o = (struct options){ .parallel = 1, .retries = 5, .timeout = 60 };
}

static const struct option_row *option_find(struct slice name, char letter)
{
    for (size_t i = 0; i < option_count; i++)
        if (letter ? option_rows[i].letter == letter
                   : slice_equal(name, slice_from(option_rows[i].name)))
            return &option_rows[i];
    return NULL;
}

static int option_rate(const char *text, uint64_t most, uint64_t *ret)
{
    static const char units[] = "kKmMgG";
    struct slice digits = slice_from(text);
    uint64_t factor = 1;
    const char *unit = digits.len ? strchr(units, text[digits.len - 1]) : NULL;

    if (unit) {
        factor = 1024ull << (10 * ((unit - units) / 2));
        digits.len--;
    }
    int r = slice_number(digits, most / factor, ret);
    *ret = r == 0 ? *ret * factor : 0;
    return r;
}

/* May a value from SOURCE replace the present one? It must come from a source
 * that counts at least as much. */
static bool option_counts(struct options *o, const struct option_row *row,
                          enum option_source source)
{
    unsigned char *last = &o->source[row - option_rows];

    if (source < *last)
        return false;
    *last = (unsigned char)source;
    return true;
}

static int option_value(struct options *o, const struct option_row *row,
                        enum option_source source, const char *value,
                        struct complaint *c)
{
    void *field = (char *)o + row->offset;
    uint64_t number = 0;
    int r = 0;

    if (row->kind == OPTION_TEXT) {
        if (option_counts(o, row, source))
            *(const char **)field = value;
        return 0;
    }
    if (row->kind == OPTION_CONFLICT) {
        r = slice_among(slice_from(value), conflict_words, CONFLICT_CHOICES);
        if (r < 0)
            return complain(c, "--%s takes ask, skip, rename or overwrite",
                            row->name);
        number = (uint64_t)r;
    } else {
        r = row->kind == OPTION_RATE
                ? option_rate(value, row->most, &number)
                : slice_number(slice_from(value), row->most, &number);
        if (r < 0 && row->kind == OPTION_RATE)
            return complain(c,
                            "--%s takes a number of bytes, such as 500k or 2M",
                            row->name);
        if (r < 0 || number < row->least)
            return complain(c, "--%s takes a number from %llu to %llu",
                            row->name, (unsigned long long)row->least,
                            (unsigned long long)row->most);
    }
    if (option_counts(o, row, source))
        *(uint64_t *)field = number;
    return 0;
}

static void option_flag(struct options *o, const struct option_row *row,
                        enum option_source source, bool on)
{
    if (option_counts(o, row, source))
        *(bool *)(void *)((char *)o + row->offset) = on;
}

/* Reads "--name VALUE" or "--name=VALUE". */
static int option_long(struct options *o, const char *text, char ***next,
                       struct complaint *c)
{
    struct slice rest = slice_from(text + 2), name;

    slice_cut(&rest, '=', &name);
    const struct option_row *row = option_find(name, 0);
    if (!row)
        return complain(c, "%s: no such option; run: sallyport --help", text);
    if (row->kind == OPTION_FLAG) {
        option_flag(o, row, OPTION_FROM_LINE, true);
        return rest.ptr ? complain(c, "--%s takes no value", row->name) : 0;
    }
    const char *value = rest.ptr ? rest.ptr : **next ? *(*next)++ : NULL;
    if (!value)
        return complain(c, "--%s needs a value: %s", row->name, row->value);
    return option_value(o, row, OPTION_FROM_LINE, value, c);
}

/* Reads "-rp", "-P4", "-P 4". */
static int option_short(struct options *o, const char *text, char ***next,
                        struct complaint *c)
{
    for (const char *at = text + 1; *at; at++) {
        const struct option_row *row = option_find(SLICE(""), *at);

        if (!row)
            return complain(c, "-%c: no such option; run: sallyport --help",
                            *at);
        if (row->kind == OPTION_FLAG) {
            option_flag(o, row, OPTION_FROM_LINE, true);
            continue;
        }
        const char *value = at[1] ? at + 1 : **next ? *(*next)++ : NULL;
        if (!value)
            return complain(c, "-%c needs a value: %s", *at, row->value);
        return option_value(o, row, OPTION_FROM_LINE, value, c);
    }
    return 0;
}

int options_parse(struct options *o, int argc, char **argv, struct complaint *c)
{
    char **next = argv;
    int words = 0;
    bool over = false;

    for (; argc > 0 && *next;) {
        char *text = *next++;
        int r = 0;

        if (over || text[0] != '-' || !text[1]) {
            argv[words++] = text;
            continue;
        }
        if (strcmp(text, "--") == 0)
            over = true;
        else
            r = text[1] == '-' ? option_long(o, text, &next, c)
                               : option_short(o, text, &next, c);
        if (r < 0)
            return r;
    }
    argv[words] = NULL;
    return words;
}

int options_set(struct options *o, enum option_source source, const char *key,
                const char *value, struct complaint *c)
{
    const struct option_row *row = option_find(slice_from(key), 0);

    if (!row || !row->in_profile)
        return complain(c, "%s: not a key of a profile", key);
    if (row->kind != OPTION_FLAG)
        return option_value(o, row, source, value, c);
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return complain(c, "%s: takes yes or no", key);
    option_flag(o, row, source, value[0] == 'y');
    return 0;
}

bool option_is_for(const struct option_row *row, const char *command)
{
    struct slice rest = slice_from(row->commands), one;

    if (!row->commands)
        return true;
    while (slice_cut(&rest, ' ', &one))
        if (slice_equal(one, slice_from(command)))
            return true;
    return false;
}

void options_age(struct options *o)
{
    for (size_t i = 0; i < option_count; i++)
        if (o->source[i] == OPTION_FROM_LINE)
            o->source[i] = OPTION_FROM_SESSION;
}

const struct option_row *options_misfit(const struct options *o,
                                        const char *command)
{
    for (size_t i = 0; i < option_count; i++)
        if (o->source[i] == OPTION_FROM_LINE && !option_rows[i].in_profile &&
            !option_is_for(&option_rows[i], command))
            return &option_rows[i];
    return NULL;
}

static void option_print(const struct option_row *row)
{
    char head[48], letter[8] = "    ";

    if (row->letter)
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    snprintf(head, sizeof(head), "%s--%s%s%s", letter, row->name,
             row->value ? " " : "", row->value ? row->value : "");
    printf("  %-28s %s\n", head, row->help);
}

void options_print(const char *command, bool own)
{
    for (size_t i = 0; i < option_count; i++)
        if (!command || (own == (option_rows[i].commands != NULL) &&
                         option_is_for(&option_rows[i], command)))
            option_print(&option_rows[i]);
}
