/* The types of settings that don't concern the network: paths, names, numbers,
 * durations, words, labelled files. Runs in each process that reads the
 * configuration. Must never open a file, or depend on a key's name. */
#include "kinds.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/domain/choices.h"
#include "sallyport/domain/rights.h"
#include "sallyport/domain/tls.h"

int kinds_refuse(const struct assignment *a, const char *format, ...)
{
    const bool whole = a->value.len <= SETTINGS_SHOWN_MAX;
    /* says how to write a comment at the end of a line, if VALUE perhaps
     * contains a comment */
    const char *advice =
        slice_has(a->value, ';')   ? "; a comment needs a blank before the ;"
        : slice_has(a->value, '#') ? "; after a value, a comment begins with ;"
                                   : "";
    char why[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    return complain(a->complaint, "%s: %s%.*s = %.*s%s: %s%s", a->place,
                    a->row->key, (int)a->keyed.len, a->keyed.ptr,
                    whole ? (int)a->value.len : SETTINGS_SHOWN_MAX,
                    a->value.ptr, whole ? "" : "...", why, advice);
}

int kinds_refuse_syntax(const struct assignment *a)
{
    const bool quoted = a->value.len > 0 && strchr("\"'", a->value.ptr[0]);

    return kinds_refuse(a, "expected %s%s", a->row->kind->syntax,
                        quoted ? ", without quotes" : "");
}

/* Takes an absolute path; for kind_optional_path also an empty value. */
static int set_path(const struct assignment *a)
{
    const bool optional = a->row->kind == &kind_optional_path;

    if (a->value.len > 0 ? a->value.ptr[0] != '/' : !optional)
        return kinds_refuse_syntax(a);
    if (slice_copy(a->value, a->field, SETTINGS_PATH_MAX))
        return kinds_refuse(a, "too long; at most %d bytes",
                            SETTINGS_PATH_MAX - 1);
    return 0;
}

/* Takes the name or number of a group that isn't root's, or an empty value. */
static int set_group(const struct assignment *a)
{
    uint64_t number;
    int r = slice_number(a->value, UINT32_MAX - 1, &number);

    if (a->value.len > 0 &&
        (!slice_has_only(a->value, WORD_LETTERS) || a->value.ptr[0] == '-'))
        return kinds_refuse_syntax(a);
    if (r == -ERANGE)
        return kinds_refuse(a, "a gid is at most 4294967294");
    if ((r == 0 && number == 0) || slice_equal(a->value, SLICE("root")))
        return kinds_refuse(a, "must not be root");
    if (slice_copy(a->value, a->field, SETTINGS_NAME_MAX))
        return kinds_refuse(a, "too long; at most %d bytes",
                            SETTINGS_NAME_MAX - 1);
    return 0;
}

static const struct slice_unit times[] = {
    { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }
};

static int set_number(const struct assignment *a)
{
    const struct setting *row = a->row;
    uint64_t number = 0;
    int r = slice_size(a->value, &number);

    if (r == -EINVAL)
        return kinds_refuse_syntax(a);
    if (r || number < row->min || number > row->max)
        return kinds_refuse(a, "out of range; %llu to %llu",
                            (unsigned long long)row->min,
                            (unsigned long long)row->max);
    *(uint64_t *)a->field = number;
    return 0;
}

static int set_mode(const struct assignment *a)
{
    const unsigned needed = (unsigned)a->row->min, most = (unsigned)a->row->max;
    int r = mode_parse(a->value, needed, most, a->field);

    if (r == -ERANGE)
        return kinds_refuse(a,
                            "a mode needs the bits of 0%o, and has only bits "
                            "of 0%o",
                            needed, most);
    return r ? kinds_refuse_syntax(a) : 0;
}

/* Takes a value such as "20G" or "5%". */
static int set_min_free(const struct assignment *a)
{
    struct min_free keep = { 0 };
    struct slice text = a->value;
    int r;

    if (text.len > 0 && text.ptr[text.len - 1] == '%') {
        text.len--;
        r = slice_number(text, 99, &keep.percent);
    } else {
        r = slice_size(text, &keep.bytes);
    }
    if (r == -ERANGE || keep.bytes > INT64_MAX)
        return kinds_refuse(a, "out of range; at most 99%%, or %llu bytes",
                            (unsigned long long)INT64_MAX);
    if (r < 0)
        return kinds_refuse_syntax(a);
    *(struct min_free *)a->field = keep;
    return 0;
}

#define DURATION_MAX 24

static const char *duration_text(uint64_t ms, char out[DURATION_MAX])
{
    bool whole = ms % 1000 == 0;

    snprintf(out, DURATION_MAX, "%llu%s",
             (unsigned long long)(whole ? ms / 1000 : ms), whole ? "s" : "ms");
    return out;
}

static int set_duration(const struct assignment *a)
{
    char least[DURATION_MAX], most[DURATION_MAX];
    uint64_t ms = 0;
    int r = slice_measure(a->value, times, 5, UINT64_MAX, &ms);

    if (r == -EINVAL)
        return kinds_refuse_syntax(a);
    if (r || ms < a->row->min || ms > a->row->max)
        return kinds_refuse(a, "out of range; %s to %s",
                            duration_text(a->row->min, least),
                            duration_text(a->row->max, most));
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

static int set_weaker(const struct assignment *a)
{
    struct slice rest = a->value, word;
    unsigned bits = 0;

    while (slice_cut(&rest, ' ', &word)) {
        int i = slice_among(word, sandbox_words, SANDBOX_PARTS);

        if (i >= 0)
            bits |= 1u << i;
        else if (word.len > 0)
            return kinds_refuse_syntax(a);
    }
    *(unsigned *)a->field = bits;
    return 0;
}

static int set_word(const struct assignment *a)
{
    const struct setting_kind *kind = a->row->kind;
    int i = slice_among(a->value, kind->words, kind->word_count);

    if (i < 0)
        return kinds_refuse_syntax(a);
    *(unsigned *)a->field = (unsigned)i;
    return 0;
}

/* Takes a line with a label in its key: the path of a further certificate, or
 * of its key. */
static int set_labelled(const struct assignment *a)
{
    struct labelled_list *l = a->field;
    struct labelled one = { .line = a->line };
    struct assignment path = *a;
    const struct labelled *old;

    if (a->keyed.len == 0 || !slice_has_only(a->keyed, WORD_LETTERS) ||
        slice_copy(a->keyed, one.label, sizeof(one.label)))
        return kinds_refuse(a,
                            "expected a label after \"%s\": letters, "
                            "digits, '-', '_' and '.', at most %d",
                            a->row->key, SETTINGS_NAME_MAX - 1);
    path.field = one.path;
    if (set_path(&path))
        return -EINVAL;
    old = settings_find_label(l, one.label);
    if (old)
        return kinds_refuse(a, "is in line %zu already; keep one", old->line);
    if (l->count == CERTIFICATES_MAX - 1)
        return kinds_refuse(a, "more than %d certificates", CERTIFICATES_MAX);
    l->all[l->count++] = one;
    return 0;
}

#define KIND(name, expected, function)                                         \
    const struct setting_kind kind_##name = { .syntax = (expected),            \
                                              .set = (function) }
#define WORD_KIND(name, expected, names, count)                                \
    const struct setting_kind kind_##name = { (expected), set_word, (names),   \
                                              (count) }

KIND(path, "an absolute path", set_path);
KIND(optional_path, "an absolute path or nothing", set_path);
KIND(group, "a group's name or number, or nothing", set_group);
KIND(number, "a number, also with K, M, G or T", set_number);
KIND(mode, "an octal mode such as 0640", set_mode);
KIND(duration, "a time such as 300, 300s, 500ms, 5min or 2h", set_duration);
KIND(yes_no, "yes or no", set_yes_no);
KIND(min_free,
     "a number, also with K, M, G or T, or a part such "
     "as 5%",
     set_min_free);
KIND(listen,
     "addresses with ports, comma separated, such as "
     "0.0.0.0:21, 0.0.0.0:990 tls, 10.0.0.2:21 proxy",
     addresses_set_listen);
KIND(address, "an IP address or nothing", addresses_set);
KIND(announced, "an IP address or nothing", announced_set);
KIND(networks,
     "IP addresses and networks, comma separated, such "
     "as 10.0.0.5, 192.168.7.0/24",
     networks_set);
KIND(ports,
     "a range such as 30000-30999, or auto; then, "
     "optionally, the word proxy",
     addresses_set_ports);
WORD_KIND(conflict, CONFLICT_EXPECTED, conflict_words, CONFLICT_COUNT);
KIND(labelled, "an absolute path", set_labelled);
WORD_KIND(upload_eof, UPLOAD_EOF_EXPECTED, upload_eof_words, UPLOAD_EOF_COUNT);
WORD_KIND(log_format, LOG_FORMAT_EXPECTED, log_format_words, LOG_FORMATS);
WORD_KIND(binding, BINDING_EXPECTED, binding_words, BINDING_COUNT);
WORD_KIND(tls_version, "1.2 or 1.3", tls_version_words, TLS_VERSIONS);
WORD_KIND(suites, "all or aes256", suites_words, SUITES_COUNT);
WORD_KIND(clients, "off, request or require", clients_words, CLIENTS_COUNT);
KIND(weaker, "any of the words ids chroot seccomp landlock", set_weaker);
