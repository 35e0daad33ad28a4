/* The table of options. The command line, the profiles and the help use it. */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "sallyport/base/slice.h"

#define AT(field)           .offset = offsetof(struct options, field)
#define FLAG(field)         .kind = OPTION_FLAG, AT(field)
#define TEXT(field, means)  .kind = OPTION_TEXT, AT(field), .value = (means)
#define COUNT(field, means) .kind = OPTION_NUMBER, AT(field), .value = (means)
#define RECURSIVE_FOR       "put get ls rm du sync open"

const struct option_row option_rows[] = {
    { .name = "all",
      .letter = 'a',
      FLAG(all),
      .help = "ls: also list names that begin with a dot",
      .commands = "ls open" },
    { .name = "by-hash",
      FLAG(by_hash),
      .help = "sync: compare files by HASH, not by size and time",
      .commands = "sync open" },
    { .name = "cacert",
      TEXT(cacert, "FILE"),
      .in_profile = true,
      .help = "trust the CA certificates in FILE, and no others" },
    { .name = "cert",
      TEXT(cert, "FILE"),
      .in_profile = true,
      .help = "show this client certificate" },
    { .name = "compress",
      FLAG(compress),
      .in_profile = true,
      .help = "compress transfers by MODE Z, if the server offers it",
      .commands = "put get cat sync" },
    { .name = "config",
      TEXT(config, "FILE"),
      .help = "the file of profiles (default: ~/.config/sallyport/config)" },
    { .name = "conflict",
      .kind = OPTION_CONFLICT,
      AT(conflict),
      .value = "WORD",
      .in_profile = true,
      .help = "if a name is taken: ask (default), skip, rename or overwrite",
      .commands = "put get mv" },
    { .name = "debug",
      .letter = 'd',
      FLAG(debug),
      .help = "print the conversation with the server, without secrets" },
    { .name = "delete",
      FLAG(remove),
      .help = "sync: remove files and directories that the source doesn't have",
      .commands = "sync" },
    { .name = "dry-run",
      .letter = 'n',
      FLAG(dry_run),
      .help = "print what would be transferred or removed, and do nothing",
      .commands = "put get rm rmdir sync" },
    { .name = "exclude",
      .kind = OPTION_EXCLUDE,
      AT(filter),
      .value = "PATTERN",
      .help = "leave out files and directories that match; can be repeated",
      .commands = "put get sync" },
    { .name = "fast-open",
      FLAG(fast_open),
      .in_profile = true,
      .help = "open data connections by TCP Fast Open: one round trip less "
              "for each file, if the server's kernel permits it" },
    { .name = "files-from",
      TEXT(files_from, "FILE"),
      .help = "transfer the files that FILE names, one in each line, with "
              "their directories",
      .commands = "put get" },
    { .name = "help",
      .letter = 'h',
      FLAG(help),
      .help = "print the help of all commands, or of one" },
    { .name = "human",
      .letter = 'H',
      .also = 'h',
      .also_for = "ls",
      FLAG(human),
      .help = "ls: print sizes as 1.2 MiB (there also -h)",
      .commands = "ls open" },
    { .name = "include",
      .kind = OPTION_INCLUDE,
      AT(filter),
      .value = "PATTERN",
      .help = "transfer files that match; if it is the first filter, no others",
      .commands = "put get sync" },
    { .name = "json",
      FLAG(json),
      .help = "print one JSON object in each line instead of text" },
    { .name = "key",
      TEXT(key, "FILE"),
      .in_profile = true,
      .help = "the private key of --cert, if it isn't in that file" },
    { .name = "known-hosts",
      TEXT(known_hosts, "FILE"),
      .in_profile = true,
      .help = "the file of keys that --trust-new trusts (default: in "
              "~/.local/share/sallyport)" },
    { .name = "limit-rate",
      .kind = OPTION_RATE,
      AT(limit_rate),
      .value = "N",
      .most = UINT64_MAX / 2,
      .in_profile = true,
      .help = "limit of all transfers together, bytes a second; also with k, M "
              "or G",
      .commands = "put get cat sync" },
    { .name = "max-delete",
      COUNT(max_delete, "N"),
      .most = UINT32_MAX,
      .in_profile = true,
      .help = "sync --delete: transfer and remove nothing if it would remove "
              "more than N files and directories",
      .commands = "sync" },
    { .name = "min-age",
      .kind = OPTION_AGE,
      AT(min_age),
      .value = "TIME",
      .most = UINT32_MAX,
      .help = "leave out files that were changed in this time, such as 30s, "
              "5m, 2h or 1d",
      .commands = "put get sync" },
    { .name = "netrc",
      TEXT(netrc, "FILE"),
      .in_profile = true,
      .help = "the file of passwords (default: ~/.netrc)" },
    { .name = "no-preserve",
      FLAG(no_preserve),
      .in_profile = true,
      .help = "give transferred files the present time, not that of their "
              "last change",
      .commands = "put get" },
    { .name = "no-resume",
      FLAG(no_resume),
      .in_profile = true,
      .help = "begin each transfer at its first byte",
      .commands = "put get cat sync" },
    { .name = "no-temporary",
      FLAG(no_temporary),
      .in_profile = true,
      .help = "upload under the file's own name also where others see it grow",
      .commands = "put sync" },
    { .name = "no-verify",
      FLAG(no_verify),
      .in_profile = true,
      .help = "don't compare checksums after transfers",
      .commands = "put get cat sync" },
    { .name = "one-time-code",
      FLAG(one_time_code),
      .in_profile = true,
      .help = "ask for a one-time code, which the first login sends after the "
              "password" },
    { .name = "parallel",
      .letter = 'P',
      COUNT(parallel, "N"),
      .least = 1,
      .most = 16,
      .in_profile = true,
      .help = "number of connections that list, transfer and remove (1)",
      .commands = "put get sync ls du rm" },
    { .name = "password-command",
      TEXT(password_command, "COMMAND"),
      .in_profile = true,
      .help = "the password is the first line that COMMAND prints" },
    { .name = "password-file",
      TEXT(password_file, "FILE"),
      .in_profile = true,
      .help = "the password is the first line of FILE" },
    { .name = "pin",
      TEXT(pin, "sha256//KEY"),
      .in_profile = true,
      .help = "trust exactly this public key" },
    { .name = "proxy",
      TEXT(proxy, "URL"),
      .in_profile = true,
      .help = "connect through socks5h://[USER@]HOST:PORT or "
              "http://[USER@]HOST:PORT (default: ALL_PROXY); none: directly" },
    { .name = "quiet",
      .letter = 'q',
      FLAG(quiet),
      .in_profile = true,
      .help = "print errors only" },
    { .name = "recursive",
      .letter = 'r',
      .also = 'R',
      .also_for = RECURSIVE_FOR,
      FLAG(recursive),
      .help = "also directories, with everything in them (also -R)",
      .commands = RECURSIVE_FOR },
    { .name = "remove-source",
      FLAG(remove_source),
      .help = "remove each file after its transfer, if it was compared and "
              "hasn't changed since",
      .commands = "put get" },
    { .name = "retries",
      COUNT(retries, "N"),
      .most = 100,
      .in_profile = true,
      .help = "tries after a cut, or while the server is busy (5)" },
    { .name = "timeout",
      COUNT(timeout, "SECONDS"),
      .least = 1,
      .most = 3600,
      .in_profile = true,
      .help =
          "time without a byte after which a connection counts as cut (60)" },
    { .name = "trust-new",
      FLAG(trust_new),
      .help = "show an unknown server's certificate, and trust its key if you "
              "agree" },
    { .name = "user",
      .letter = 'u',
      TEXT(user, "NAME"),
      .in_profile = true,
      .help = "the user, if the URL contains none" },
    { .name = "version",
      .letter = 'V',
      FLAG(version),
      .help = "print the version" },
    { .name = "yes",
      .letter = 'y',
      FLAG(yes),
      .help =
          "--trust-new: trust without a question; doctor: log in also after "
          "a bad result" },
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
    *o = (struct options){
        .parallel = 1, .retries = 5, .timeout = 60, .max_delete = UINT64_MAX
    };
}

static const struct option_row *option_find(struct slice name)
{
    for (size_t i = 0; i < option_count; i++)
        if (slice_equal(name, slice_from(option_rows[i].name)))
            return &option_rows[i];
    return NULL;
}

static int option_unknown(const char *text, struct slice name,
                          struct complaint *c)
{
    const char *names[sizeof(option_rows) / sizeof(option_rows[0])], *nearest;

    for (size_t i = 0; i < option_count; i++)
        names[i] = option_rows[i].name;
    nearest = slice_nearest(name, names, option_count);
    if (!nearest)
        return complain(c, "%s: no such option; run: sallyport --help", text);
    return complain(c, "%s: no such option; did you mean --%s?", text, nearest);
}

static bool words_have(const char *words, const char *word)
{
    struct slice rest = slice_from(words), one;

    while (slice_cut(&rest, ' ', &one))
        if (slice_equal(one, slice_from(word)))
            return true;
    return false;
}

/* A command's own letter counts before a letter of all commands. */
static const struct option_row *option_of(char letter, const char *command)
{
    const struct option_row *ret = NULL;

    for (const struct option_row *row = option_rows;
         row < option_rows + option_count; row++) {
        if (row->also == letter && words_have(row->also_for, command))
            return row;
        if (row->letter == letter)
            ret = row;
    }
    return ret;
}

/* Reads a number, and a letter of UNITS that multiplies it by a factor. */
static int option_number(const char *text, const char *units,
                         const uint64_t *factors, uint64_t most, uint64_t *ret)
{
    struct slice digits = slice_from(text);
    uint64_t factor = 1;
    const char *unit = digits.len ? strchr(units, text[digits.len - 1]) : NULL;

    if (unit) {
        factor = factors[unit - units];
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

static int option_amount(const struct option_row *row, const char *value,
                         uint64_t *ret)
{
    static const uint64_t sizes[] = { 1ul << 10, 1ul << 10, 1ul << 20,
                                      1ul << 20, 1ul << 30, 1ul << 30 };
    static const uint64_t times[] = { 1, 60, 3600, 86400 };

    if (row->kind == OPTION_RATE)
        return option_number(value, "kKmMgG", sizes, row->most, ret);
    if (row->kind == OPTION_AGE)
        return option_number(value, "smhd", times, row->most, ret);
    return slice_number(slice_from(value), row->most, ret);
}

static int option_filter(struct options *o, const struct option_row *row,
                         enum option_source source, const char *pattern,
                         struct complaint *c)
{
    if (o->filters == FILTERS_MAX)
        return complain(c, "--%s: at most %d filters", row->name, FILTERS_MAX);
    if (!pattern[0])
        return complain(c, "--%s: the pattern is empty", row->name);
    /* It would match no more than one star, and files that somebody believes
     * left out would be sent. */
    if (strstr(pattern, "**"))
        return complain(c,
                        "--%s: ** isn't supported; a pattern without / matches "
                        "names in all directories, such as tmp/ or *.o",
                        row->name);
    option_counts(o, row, source);
    o->filter[o->filters++] =
        (struct filter){ pattern, row->kind == OPTION_INCLUDE };
    return 0;
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
    if (row->kind == OPTION_EXCLUDE || row->kind == OPTION_INCLUDE)
        return option_filter(o, row, source, value, c);
    if (row->kind == OPTION_CONFLICT) {
        r = slice_among(slice_from(value), conflict_words, CONFLICT_CHOICES);
        if (r < 0)
            return complain(c, "--%s takes ask, skip, rename or overwrite",
                            row->name);
        number = (uint64_t)r;
    } else {
        r = option_amount(row, value, &number);
        if (r < 0 && row->kind == OPTION_RATE)
            return complain(c,
                            "--%s takes a number of bytes, such as 500k or 2M",
                            row->name);
        if (r < 0 && row->kind == OPTION_AGE)
            return complain(c, "--%s takes a time, such as 30s, 5m, 2h or 1d",
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
    const struct option_row *row = option_find(name);
    if (!row)
        return option_unknown(text, name, c);
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
static int option_short(struct options *o, const char *command,
                        const char *text, char ***next, struct complaint *c)
{
    for (const char *at = text + 1; *at; at++) {
        const struct option_row *row = option_of(*at, command);

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

int options_parse(struct options *o, const char *command, int argc, char **argv,
                  struct complaint *c)
{
    char **next = argv;
    int words = 0;
    bool over = false;

    for (size_t i = 0; i < option_count; i++)
        if (o->source[i] == OPTION_FROM_LINE)
            o->source[i] = OPTION_FROM_SESSION;
    for (; argc > 0 && *next;) {
        char *text = *next++;
        int r = 0;

        if (over || text[0] != '-' || !text[1]) {
            argv[words++] = text;
            command = command ? command : text;
            continue;
        }
        if (strcmp(text, "--") == 0)
            over = true;
        else
            r = text[1] == '-'
                    ? option_long(o, text, &next, c)
                    : option_short(o, command ? command : "", text, &next, c);
        if (r < 0)
            return r;
    }
    argv[words] = NULL;
    return words;
}

int options_set(struct options *o, enum option_source source, const char *key,
                const char *value, struct complaint *c)
{
    const struct option_row *row = option_find(slice_from(key));

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
    return !row->commands || words_have(row->commands, command);
}

const struct option_row *options_misfit(const struct options *o,
                                        const char *command)
{
    bool opens = strcmp(command, "open") == 0;

    for (size_t i = 0; i < option_count; i++)
        if (o->source[i] == OPTION_FROM_LINE &&
            !(opens && option_rows[i].in_profile) &&
            !option_is_for(&option_rows[i], command))
            return &option_rows[i];
    return NULL;
}
