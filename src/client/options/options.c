/* The table of options. The command line, the profiles and the help use it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "sallyport/base/slice.h"

#define PROFILE       .in_profile = true
#define RECURSIVE_FOR "put get ls rm sync open"
#define ROW(text, short, type, field, ...)                                     \
    { .name = (text),                                                          \
      .letter = (short),                                                       \
      .kind = OPTION_##type,                                                   \
      .offset = offsetof(struct options, field),                               \
      __VA_ARGS__ }

const struct option_row option_rows[] = {
    ROW("all", 'a', FLAG, all, .commands = "ls open",
        .help = "ls: also list names that begin with a dot"),
    ROW("by-hash", 0, FLAG, by_hash, .commands = "sync open",
        .help = "sync: compare files by HASH, not by size and time"),
    ROW("cacert", 0, TEXT, cacert, .value = "FILE", PROFILE,
        .help = "trust the CA certificates in FILE, and no others"),
    ROW("cert", 0, TEXT, cert, .value = "FILE", PROFILE,
        .help = "show this client certificate"),
    ROW("config", 0, TEXT, config, .value = "FILE",
        .help = "the file of profiles (default: ~/.config/sallyport/config)"),
    ROW("conflict", 0, CONFLICT, conflict, .value = "WORD", PROFILE,
        .commands = "put get mv",
        .help = "if a name is taken: ask (default), skip, rename or overwrite"),
    ROW("debug", 'd', FLAG, debug,
        .help = "print the conversation with the server, without secrets"),
    ROW("dry-run", 'n', FLAG, dry_run, .commands = "put get rm rmdir sync",
        .help = "print what would be transferred or removed, and do nothing"),
    ROW("help", 'h', FLAG, help,
        .help = "print the help of all commands, or of one"),
    ROW("human", 'H', FLAG, human, .also = 'h', .also_for = "ls dir",
        .commands = "ls open",
        .help = "ls: print sizes as 1.2 MiB (for ls also -h)"),
    ROW("json", 0, FLAG, json,
        .help = "print one JSON object in each line instead of text"),
    ROW("key", 0, TEXT, key, .value = "FILE", PROFILE,
        .help = "the private key of --cert, if it isn't in that file"),
    ROW("known-hosts", 0, TEXT, known_hosts, .value = "FILE", PROFILE,
        .help = "the file of keys that --trust-new trusts (default: in "
                "~/.local/share/sallyport)"),
    ROW("limit-rate", 0, RATE, limit_rate, .value = "N", .most = UINT64_MAX / 2,
        PROFILE, .commands = "put get cat sync",
        .help = "limit of all transfers together, bytes a second; also with k, "
                "M or G"),
    ROW("min-age", 0, AGE, min_age, .value = "TIME", .most = UINT32_MAX,
        .commands = "put get sync",
        .help = "leave out files that were changed within TIME, such as 30s, "
                "5m, 2h or 1d"),
    ROW("netrc", 0, TEXT, netrc, .value = "FILE", PROFILE,
        .help = "the file of passwords (default: ~/.netrc)"),
    ROW("no-preserve", 0, FLAG, no_preserve, PROFILE, .commands = "put get",
        .help = "give transferred files the current time, not the time of "
                "their last change"),
    ROW("no-resume", 0, FLAG, no_resume, PROFILE,
        .commands = "put get cat sync",
        .help = "begin each transfer at its first byte"),
    ROW("no-verify", 0, FLAG, no_verify, PROFILE,
        .commands = "put get cat sync",
        .help = "don't compare checksums after transfers"),
    ROW("one-time-code", 0, FLAG, one_time_code, PROFILE,
        .help = "ask for a one-time code, which the first login sends after "
                "the password"),
    ROW("parallel", 'P', NUMBER, parallel, .value = "N", .least = 1, .most = 16,
        PROFILE, .commands = "put get sync ls rm",
        .help = "number of connections that list, transfer and remove "
                "(default: 1)"),
    ROW("password-command", 0, TEXT, password_command, .value = "COMMAND",
        PROFILE, .help = "the password is the first line that COMMAND prints"),
    ROW("password-file", 0, TEXT, password_file, .value = "FILE", PROFILE,
        .help = "the password is the first line of FILE"),
    ROW("pin", 0, TEXT, pin, .value = "sha256//KEY", PROFILE,
        .help = "trust exactly this public key"),
    ROW("proxy", 0, TEXT, proxy, .value = "URL", PROFILE,
        .help = "connect through socks5h://[USER@]HOST:PORT or "
                "http://[USER@]HOST:PORT (default: ALL_PROXY); none: no proxy"),
    ROW("quiet", 'q', FLAG, quiet, PROFILE, .help = "print errors only"),
    ROW("recursive", 'r', FLAG, recursive, .also = 'R',
        .also_for = RECURSIVE_FOR, .commands = RECURSIVE_FOR,
        .help = "include directories, with everything in them (also -R)"),
    ROW("remove-source", 0, FLAG, remove_source, .commands = "put get",
        .help = "remove each source file after its transfer, if it was "
                "compared with the copy and hasn't changed since"),
    ROW("retries", 0, NUMBER, retries, .value = "N", .most = 100, PROFILE,
        .help = "number of retries after a cut, or while the server is busy "
                "(default: 5)"),
    ROW("timeout", 0, NUMBER, timeout, .value = "SECONDS", .least = 1,
        .most = 3600, PROFILE,
        .help = "time without a byte after which a connection counts as cut "
                "(default: 60)"),
    ROW("trust-new", 0, FLAG, trust_new,
        .help = "show an unknown server's certificate, and trust its key if "
                "you agree"),
    ROW("user", 'u', TEXT, user, .value = "NAME", PROFILE,
        .help = "the user, if the URL contains none"),
    ROW("version", 'V', FLAG, version, .help = "print the version"),
    ROW("yes", 'y', FLAG, yes,
        .help = "--trust-new: trust without a question; doctor: log in also "
                "after a bad result"),
};
#undef ROW
const size_t option_count = sizeof(option_rows) / sizeof(option_rows[0]);

static const char *const choice_words[CHOICE_COUNT] = {
    [CHOICE_ASK] = "ask",
    [CHOICE_SKIP] = "skip",
    [CHOICE_RENAME] = "rename",
    [CHOICE_OVERWRITE] = "overwrite",
};

void options_default(struct options *o)
{
    *o = (struct options){ .parallel = 1, .retries = 5, .timeout = 60 };
}

void options_fix_files(struct options *o)
{
    static char here[PATH_MAX];

    for (size_t i = 0; i < option_count; i++) {
        char **at = (char **)((char *)o + option_rows[i].offset), *path;

        if (option_rows[i].value && strcmp(option_rows[i].value, "FILE") == 0 &&
            *at && (*at)[0] != '/' && getcwd(here, sizeof(here)) &&
            asprintf(&path, "%s/%s", here, *at) > 0)
            *at = path;
    }
}

static const struct option_row *option_find(struct slice name)
{
    for (size_t i = 0; i < option_count; i++)
        if (slice_equal(name, slice_from(option_rows[i].name)))
            return &option_rows[i];
    return NULL;
}

/* Options of earlier releases, and what to use instead. */
static const struct {
    const char *name, *instead;
} retired[] = {
    { "compress", "compress the file itself" },
    { "delete",
      "sync removes nothing; use rclone sync or lftp's mirror -R -e" },
    { "exclude", "name the files, or use rclone or lftp" },
    { "fast-open", "leave it out" },
    { "files-from", "name the files, or use rclone" },
    { "include", "name the files, or use rclone or lftp" },
    { "max-delete", "sync removes nothing, so leave it out" },
    { "no-temporary", "no server shows an unfinished file; leave it out" },
};

/* SESSION is the command of this line of a session, or NULL. */
static int option_unknown(const char *text, struct slice name,
                          const char *session, struct complaint *c)
{
    const char *names[sizeof(option_rows) / sizeof(option_rows[0])], *nearest;

    for (size_t i = 0; i < option_count; i++)
        names[i] = option_rows[i].name;
    for (size_t i = 0; i < sizeof(retired) / sizeof(retired[0]); i++)
        if (slice_equal(name, slice_from(retired[i].name)))
            return complain(c, "%s: this option was removed; %s", text,
                            retired[i].instead);
    nearest = slice_nearest(name, names, option_count);
    if (nearest)
        return complain(c, "%s: no such option; did you mean --%s?", text,
                        nearest);
    return complain(c, "%s: no such option; %s%s", text,
                    session ? "try: help " : "run: sallyport --help",
                    session ? session : "");
}

static bool words_have(const char *words, const char *word)
{
    struct slice rest = slice_from(words), one;

    while (slice_cut(&rest, ' ', &one))
        if (slice_equal(one, slice_from(word)))
            return true;
    return false;
}

/* May a value from SOURCE replace the current value? If SOURCE counts at least
 * as much as the current value's source, records SOURCE and returns true. */
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
    static const struct slice_unit sizes[] = {
        { "", 1 },        { "k", 1 << 10 }, { "K", 1 << 10 }, { "m", 1 << 20 },
        { "M", 1 << 20 }, { "g", 1 << 30 }, { "G", 1 << 30 },
    };
    static const struct slice_unit times[] = {
        { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 },
    };
    bool age = row->kind == OPTION_AGE;
    size_t n = age ? 5 : row->kind == OPTION_RATE ? 7 : 1;
    int r = slice_measure(slice_from(value), age ? times : sizes, n, UINT64_MAX,
                          ret);

    return r == 0 && *ret > row->most ? -ERANGE : r;
}

static int option_value(struct options *o, const struct option_row *row,
                        enum option_source source, const char *value,
                        struct complaint *c)
{
    static const char *const takes[] = {
        [OPTION_CONFLICT] = "ask, skip, rename or overwrite",
        [OPTION_RATE] = "a number of bytes, such as 500k or 2M",
        [OPTION_AGE] = "a time, such as 30s, 5m, 2h or 1d",
    };
    void *field = (char *)o + row->offset;
    uint64_t number = 0;

    if (row->kind == OPTION_TEXT || row->kind == OPTION_FLAG) {
        if (!option_counts(o, row, source))
            return 0;
        if (row->kind == OPTION_TEXT)
            *(const char **)field = value;
        else
            *(bool *)field = value[0] == 'y';
        return 0;
    }
    int r = row->kind == OPTION_CONFLICT
                ? slice_among(slice_from(value), choice_words, CHOICE_COUNT)
                : option_amount(row, value, &number);
    if (r < 0 && row->kind != OPTION_NUMBER)
        return complain(c, "--%s takes %s", row->name, takes[row->kind]);
    if (r < 0 || number < row->least)
        return complain(c, "--%s takes a number from %llu to %llu", row->name,
                        (unsigned long long)row->least,
                        (unsigned long long)row->most);
    if (row->kind == OPTION_CONFLICT)
        number = (uint64_t)r;
    if (option_counts(o, row, source))
        *(uint64_t *)field = number;
    return 0;
}

/* Takes VALUE, the rest of the option's word; if it is NULL, takes the next
 * word. */
static int option_take(struct options *o, const struct option_row *row,
                       const char *value, char ***next, struct complaint *c)
{
    if (!value && !**next)
        return complain(c, "--%s needs a value: %s", row->name, row->value);
    return option_value(o, row, OPTION_FROM_LINE, value ? value : *(*next)++,
                        c);
}

/* Reads "--name VALUE" or "--name=VALUE". */
static int option_long(struct options *o, const char *session, const char *text,
                       char ***next, struct complaint *c)
{
    struct slice rest = slice_from(text + 2), name;

    slice_cut(&rest, '=', &name);
    const struct option_row *row = option_find(name);
    if (!row)
        return option_unknown(text, name, session, c);
    if (row->kind != OPTION_FLAG)
        return option_take(o, row, rest.ptr, next, c);
    return rest.ptr ? complain(c, "--%s takes no value", row->name)
                    : option_value(o, row, OPTION_FROM_LINE, "yes", c);
}

/* Reads "-rp", "-P4", "-P 4". A command's own letter is preferred to a letter
 * of all commands. */
static int option_short(struct options *o, const char *session,
                        const char *command, const char *text, char ***next,
                        struct complaint *c)
{
    for (const char *at = text + 1; *at; at++) {
        const struct option_row *row = NULL, *own = NULL;
        const char letter[] = { '-', *at, '\0' };

        if (*at == 'l' && words_have("ls dir", command))
            continue; /* from habit: a listing is long anyway */
        for (size_t i = 0; i < option_count; i++) {
            const struct option_row *one = &option_rows[i];

            row = one->letter == *at ? one : row;
            if (one->also == *at && words_have(one->also_for, command))
                own = one;
        }
        row = own ? own : row;
        if (!row)
            return option_unknown(letter, SLICE(""), session, c);
        if (row->kind != OPTION_FLAG)
            return option_take(o, row, at[1] ? at + 1 : NULL, next, c);
        option_value(o, row, OPTION_FROM_LINE, "yes", c);
    }
    return 0;
}

int options_parse(struct options *o, const char *command, int argc, char **argv,
                  struct complaint *c)
{
    const char *session = command;
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
                    ? option_long(o, session, text, &next, c)
                    : option_short(o, session, command ? command : "", text,
                                   &next, c);
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

    if (!row)
        return option_unknown(key, slice_from(key), NULL, c);
    if (!row->in_profile)
        return complain(c, "%s: not a key of a profile", key);
    if (row->kind == OPTION_FLAG && strcmp(value, "yes") != 0 &&
        strcmp(value, "no") != 0)
        return complain(c, "%s: takes yes or no", key);
    return option_value(o, row, source, value, c);
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

#define DAY 86400 /* seconds */

bool options_too_young(const struct options *o, time_t modified, bool theirs)
{
    time_t age = time(NULL) - modified, least = (time_t)o->min_age;

    /* The server's clock can be ahead. But a time far in the future doesn't
     * mean that somebody is writing the file. */
    return least > 0 && modified > 0 && age < least &&
           age > -least - (theirs ? DAY : 0);
}
