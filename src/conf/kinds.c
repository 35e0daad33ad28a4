/* The simple types of settings (paths, names, numbers, durations, words): one
 * function reads and one writes each. Runs wherever the configuration is read,
 * before any sandbox. Must never depend on a key's name. */
#include "kinds.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/domain/binding.h"
#include "sallyport/domain/client_certificates.h"
#include "sallyport/domain/conflict.h"
#include "sallyport/domain/sandbox_part.h"
#include "sallyport/domain/suites.h"
#include "sallyport/domain/upload_eof.h"

int kinds_refuse(const struct assignment *a, const char *format, ...)
{
    char why[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    return complain(a->complaint, "%s: %s%.*s = %.*s: %s", a->place,
                    a->row->key, (int)a->keyed.len, a->keyed.ptr,
                    (int)a->value.len, a->value.ptr, why);
}

int kinds_refuse_syntax(const struct assignment *a)
{
    return kinds_refuse(a, "expected %s", setting_kinds[a->row->type].syntax);
}

static int set_path(const struct assignment *a)
{
    char *field = a->field;

    if (a->value.len == 0 || a->value.ptr[0] != '/')
        return kinds_refuse_syntax(a);
    if (slice_copy(a->value, field, SETTINGS_PATH_MAX))
        return kinds_refuse(a, "too long; at most %d bytes",
                            SETTINGS_PATH_MAX - 1);
    return 0;
}

/* A path or nothing. */
static int set_file(const struct assignment *a)
{
    if (a->value.len > 0)
        return set_path(a);
    *(char *)a->field = '\0';
    return 0;
}

static int show_text(const void *field, struct buf *into)
{
    return buf_add_text(into, field);
}

static bool name_byte_ok(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

/* A name or a number of an account that isn't root's. */
static int set_name(const struct assignment *a)
{
    uint64_t number;
    int r;

    if (a->value.len == 0 || a->value.ptr[0] == '-')
        return kinds_refuse_syntax(a);
    for (size_t i = 0; i < a->value.len; i++)
        if (!name_byte_ok(a->value.ptr[i]))
            return kinds_refuse_syntax(a);
    r = slice_number(a->value, UINT32_MAX - 1, &number);
    if (r == -ERANGE)
        return kinds_refuse(a, "a uid is at most 4294967294");
    if ((r == 0 && number == 0) || slice_equal(a->value, SLICE("root")))
        return kinds_refuse(a, "must not be root");
    if (slice_copy(a->value, a->field, SETTINGS_NAME_MAX))
        return kinds_refuse(a, "too long; at most %d bytes",
                            SETTINGS_NAME_MAX - 1);
    return 0;
}

/* A unit after a number, and its factor. */
struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit sizes[] = {
    { "", 1 }, { "K", 1u << 10 }, { "M", 1u << 20 }, { "G", 1u << 30 }
};
static const struct unit times[] = {
    { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }
};

/* Digits and a unit. 0, -EINVAL or -ERANGE */
static int number_with_unit(struct slice text, const struct unit *units,
                            size_t n, uint64_t *ret)
{
    struct slice digits = text;
    uint64_t number;
    int r;

    digits.len = 0;
    while (digits.len < text.len && text.ptr[digits.len] >= '0' &&
           text.ptr[digits.len] <= '9')
        digits.len++;
    r = slice_number(digits, UINT64_MAX, &number);
    if (r)
        return r;
    text.ptr += digits.len;
    text.len -= digits.len;
    for (size_t i = 0; i < n; i++)
        if (slice_equal(text, slice_from(units[i].name)))
            return __builtin_mul_overflow(number, units[i].factor, ret)
                       ? -ERANGE
                       : 0;
    return -EINVAL;
}

static int set_number(const struct assignment *a)
{
    const struct setting *row = a->row;
    uint64_t number = 0;
    int r = number_with_unit(a->value, sizes, 4, &number);

    if (r == -EINVAL)
        return kinds_refuse_syntax(a);
    if (r || number < row->min || number > row->max)
        return kinds_refuse(a, "out of range; %llu to %llu",
                            (unsigned long long)row->min,
                            (unsigned long long)row->max);
    *(uint64_t *)a->field = number;
    return 0;
}

static int show_number(const void *field, struct buf *into)
{
    return buf_add_format(into, "%llu",
                          (unsigned long long)*(const uint64_t *)field);
}

static int show_duration(const void *field, struct buf *into)
{
    unsigned long long ms = *(const uint64_t *)field;

    if (ms % 1000 == 0)
        return buf_add_format(into, "%llus", ms / 1000);
    return buf_add_format(into, "%llums", ms);
}

static int refuse_duration(const struct assignment *a)
{
    char text[64];
    struct buf words;

    buf_init(&words, sizeof(text));
    if (show_duration(&a->row->min, &words) || buf_add_text(&words, " to ") ||
        show_duration(&a->row->max, &words) ||
        slice_copy(buf_slice(&words), text, sizeof(text)))
        text[0] = '\0';
    buf_release(&words);
    return kinds_refuse(a, "out of range; %s", text);
}

static int set_duration(const struct assignment *a)
{
    uint64_t ms = 0;
    int r = number_with_unit(a->value, times, 5, &ms);

    if (r == -EINVAL)
        return kinds_refuse_syntax(a);
    if (r || ms < a->row->min || ms > a->row->max)
        return refuse_duration(a);
    *(uint64_t *)a->field = ms;
    return 0;
}

static int set_yes_no(const struct assignment *a)
{
    bool yes = slice_equal(a->value, SLICE("yes"));

    if (!yes && !slice_equal(a->value, SLICE("no")))
        return kinds_refuse_syntax(a);
    *(bool *)a->field = yes;
    return 0;
}

static int show_yes_no(const void *field, struct buf *into)
{
    return buf_add_text(into, *(const bool *)field ? "yes" : "no");
}

static int set_weaker(const struct assignment *a)
{
    struct slice rest = a->value, word;
    unsigned bits = 0;

    while (slice_cut(&rest, ' ', &word)) {
        unsigned part = sandbox_part_parse(word);

        if (word.len == 0)
            continue;
        if (part == 0)
            return kinds_refuse_syntax(a);
        bits |= part;
    }
    *(unsigned *)a->field = bits;
    return 0;
}

static int show_weaker(const void *field, struct buf *into)
{
    unsigned bits = *(const unsigned *)field;
    const char *blank = "";

    for (size_t i = 0; i < SANDBOX_PARTS; i++) {
        if (!(bits & sandbox_parts[i].part))
            continue;
        if (buf_add_text(into, blank) ||
            buf_add_text(into, sandbox_parts[i].word))
            return -ENOBUFS;
        blank = " ";
    }
    return 0;
}

static int set_word(const struct assignment *a, const struct setting_kind *kind)
{
    int i = slice_among(a->value, kind->words, kind->word_count);

    if (i < 0)
        return kinds_refuse_syntax(a);
    *(unsigned *)a->field = (unsigned)i;
    return 0;
}

int kinds_set(const struct assignment *a)
{
    const struct setting_kind *kind = &setting_kinds[a->row->type];

    return kind->words ? set_word(a, kind) : kind->set(a);
}

int kinds_show(const struct setting *row, const struct settings *s,
               struct buf *into)
{
    const struct setting_kind *kind = &setting_kinds[row->type];
    const void *field = (const char *)s + row->offset;

    return kind->words
               ? buf_add_text(into, kind->words[*(const unsigned *)field])
               : kind->show(field, into);
}

#define WORDS(names, count) .words = (names), .word_count = (count)

const struct setting_kind setting_kinds[SETTING_TYPES] = {
    [SETTING_PATH] = { "an absolute path", set_path, show_text },
    [SETTING_FILE] = { "an absolute path or nothing", set_file, show_text },
    [SETTING_NAME] = { "an account's name or number", set_name, show_text },
    [SETTING_NUMBER] = { "a number, also with K, M or G", set_number,
                         show_number },
    [SETTING_DURATION] = { "a time such as 300, 300s, 500ms, 5min or 2h",
                           set_duration, show_duration },
    [SETTING_YES_NO] = { "yes or no", set_yes_no, show_yes_no },
    [SETTING_LISTEN] = { "addresses with ports, comma separated, such as "
                         "0.0.0.0:21, 0.0.0.0:990 tls, 10.0.0.2:21 proxy",
                         addresses_set_listen, addresses_show_listen },
    [SETTING_ADDRESS] = { "an IP address, a host name or nothing",
                          addresses_set, addresses_show },
    [SETTING_ANNOUNCED] = { "an IP address, a host name or nothing",
                            announced_set, announced_show },
    [SETTING_NETWORKS] = { "IP addresses and networks, comma separated, such "
                           "as 10.0.0.5, 192.168.7.0/24",
                           networks_set, networks_show },
    [SETTING_PORTS] = { "a range such as 30000-30099, or auto N; then, "
                        "optionally, the word proxy",
                        addresses_set_ports, addresses_show_ports },
    [SETTING_CONFLICT] = { "overwrite, rename, version or reject",
                           WORDS(conflict_words, CONFLICT_COUNT) },
    [SETTING_CONFLICT_NAME] = { "number or new", WORDS(conflict_name_words,
                                                       CONFLICT_NAME_COUNT) },
    [SETTING_LABELLED] = { "an absolute path", labelled_set, labelled_show },
    [SETTING_UPLOAD_EOF] = { "strict, size or lenient",
                             WORDS(upload_eof_words, UPLOAD_EOF_COUNT) },
    [SETTING_BINDING] = { "user, session or address",
                          WORDS(binding_words, BINDING_COUNT) },
    [SETTING_TLS_VERSION] = { "1.2 or 1.3",
                              WORDS(tls_version_words, TLS_VERSIONS) },
    [SETTING_SUITES_12] = { "cipher suites of TLS 1.2, comma separated",
                            suites_set_12, suites_show_12 },
    [SETTING_SUITES_13] = { "cipher suites of TLS 1.3, comma separated",
                            suites_set_13, suites_show_13 },
    [SETTING_CLIENTS] = { "off, request or require",
                          WORDS(clients_words, CLIENTS_COUNT) },
    [SETTING_WEAKER] = { "any of the words ids chroot seccomp landlock",
                         set_weaker, show_weaker },
};
