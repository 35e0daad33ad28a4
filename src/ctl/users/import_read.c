/* Reads users from JSON: an array of objects, as "user list --json --hashes"
 * and the converters for other servers' files (etc/import) write it. A
 * restriction becomes a key of the row, if a key can express it. Otherwise a
 * restriction of the login (of persons, addresses or times) locks the user, and
 * any other restriction is printed. An unknown member is a mistake in the text:
 * with a slip in "expires", a user would have no end. */
#include "import.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "sallyport/base/harmless.h"

#define TEXT_MAX    (256u << 20)
#define TEXT_CHUNK  (64u << 10)
#define EXPIRES_MAX 253402300799u /* 9999-12-31T23:59:59Z */
/* No name, hash, path or restriction permits this byte. */
#define NO_CHARACTER 0x7f

const char *import_show(const char *text, char out[TEXT_SHOWN])
{
    if (slice_copy(slice_from(text), out, TEXT_SHOWN))
        snprintf(out, TEXT_SHOWN, "a long text");
    harmless_make(out, strlen(out));
    return out;
}

/* Adds "WHAT VALUE" to a list of words for the terminal, e->lock or e->without.
 * Escapes VALUE, which is foreign. A full list stays as it is. */
static void note(struct buf *list, const char *what, const char *value)
{
    char shown[TEXT_SHOWN];

    if (buf_add_format(list, "%s%s%s%s", list->len > 0 ? ", " : "", what,
                       what[0] && value[0] ? " " : "",
                       import_show(value, shown)) &&
        list->len == 0)
        fail_no_memory();
}

/* Sets KEY in the row. Returns false if the server doesn't accept VALUE there,
 * or if KEY has another value than the "full" of take_object(). */
static bool take_key(struct imported *e, const char *key, const char *value)
{
    const char *before = row_get(&e->draft.row, key);
    struct complaint why = { "" };

    if ((before && strcmp(before, "full") != 0) ||
        user_key_check(key, value, &why))
        return false;
    row_need(row_set(&e->draft.row, key, value));
    return true;
}

/* Members. */

static void take_hash(struct imported *e, const char *key, const char *text)
{
    static const char scheme[] = "{CRYPT}";
    const char *first = import_hash_usable(e) ? e->hash : NULL;
    bool locked;

    (void)key;
    if (strncasecmp(text, scheme, strlen(scheme)) == 0)
        text += strlen(scheme);
    locked = text[0] == '!';
    e->hash = text + strspn(text, "!");
    if (locked && e->lock.len == 0 && import_hash_usable(e))
        note(&e->lock, "its password is locked there", "");
    if (first)
        e->hash = first; /* the first usable hash counts, and each lock */
}

/* Takes the end of the user. A number is in seconds since 1970. */
static void take_expires(struct imported *e, const char *key, const char *text)
{
    char when[WHEN_MAX];
    uint64_t seconds;

    if (slice_number(slice_from(text), EXPIRES_MAX, &seconds) == 0)
        text = when_text((int64_t)seconds, when);
    if (!take_key(e, key, text))
        note(&e->lock, "its end isn't a valid time:", text);
}

static void take_other(struct imported *e, const char *key, const char *text)
{
    if (strcmp(key, "locked") == 0)
        note(&e->lock, text[0] ? "" : "it is locked there", text);
    if (strcmp(key, "without") == 0)
        note(&e->without, "", text);
    /* The other values of "login" follow from other keys. */
    if (strcmp(key, "login") == 0 && strcmp(text, "certificate") == 0)
        take_key(e, key, text);
}

#define AT(member) offsetof(struct imported, member)
/* Members with their own treatment. user_key_check() decides about each other
 * member; if it refuses the value, the user is locked. */
static const struct member {
    const char *key;
    size_t at; /* if TAKE is NULL: offset of the text; 0: ignored */
    void (*take)(struct imported *e, const char *key, const char *text);
    const char *several; /* NULL: one value; "": several, too; words: a list */
} members[] = {
    { "name", .at = AT(name) },
    { "hash", 0, take_hash, "" },
    { "comment", .at = AT(comment) },
    { "home", .at = AT(home) },
    { "old_home", .at = AT(old_home) },
    { "skip", .at = AT(skip) },
    { "second_factor", .at = AT(second_factor) },
    { "expires", .take = take_expires },
    { "locked", 0, take_other, "" },
    { "without", 0, take_other, "" },
    { "login", .take = take_other },
    { "directories", .several = "directories" },
    { "shares", .several = "the share" },
    { "teams", .several = "the team" },
    { "team_limits", .several = "limits of the team" },
    /* "user list" writes these members, but a new row gets its own values. */
    { "uid", .at = 0 },
    { "gid", .at = 0 },
    { "state", .at = 0 },
    { "password", .at = 0 },
    { "weak_hash", .at = 0 },
    { "files", .at = 0 },
    { "bytes", .at = 0 },
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static const struct member *find_member(const char *key)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (strcmp(members[i].key, key) == 0)
            return &members[i];
    return NULL;
}

static noreturn void refuse_member(const struct import *m,
                                   const struct imported *e, const char *key,
                                   const char *what)
{
    char name[TEXT_SHOWN], shown[TEXT_SHOWN];

    fail(EX_DATAERR, "%s: object %zu (%.200s): \"%.200s\": %s", m->path,
         (size_t)(e - m->entry) + 1,
         import_show(e->name ? e->name : "without a name", name),
         import_show(key, shown), what);
}

static void take_text(struct import *m, struct imported *e, const char *key,
                      const char *text)
{
    bool known = !strcmp(key, "rights") || !strcmp(key, "must_change") ||
                 !strcmp(key, "retain") || !strcmp(key, "totp");

    const struct member *member = find_member(key);
    if (member && member->take)
        member->take(e, key, text);
    else if (member && member->at)
        *(const char **)(void *)((char *)e + member->at) = text;
    if (member)
        return;
    for (size_t i = 0; i < OPTIONS; i++)
        known |= ctl_options[i].key && !strcmp(ctl_options[i].key, key);
    if (!known)
        refuse_member(m, e, key,
                      "unknown; \"user list --json\" shows the members");
    if (!take_key(e, key, text)) {
        char what[64];

        snprintf(what, sizeof(what), "its %s:", key);
        note(&e->lock, what, text);
    }
}

/* Notes that a share, a team or the limits of a team are left out: here another
 * share or team can have the same name. If the limits are networks or hours,
 * locks the user. */
static void take_left_out(struct import *m, struct imported *e,
                          const char *what, const json_t *list)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        const json_t *limits = json_object_get(one, "limits"),
                     *networks = json_object_get(limits, "networks"),
                     *hours = json_object_get(limits, "hours");
        const bool bounds = (networks && !json_is_null(networks)) ||
                            (hours && !json_is_null(hours));

        if (limits && !json_is_object(limits))
            refuse_member(m, e, "limits", "expected an object, {…}");
        note(bounds ? &e->lock : &e->without, what,
             json_is_string(one) ? json_string_value(one)
                                 : text_of(one, limits ? "team" : "name", ""));
    }
}

static void take_scalar(struct import *m, struct imported *e, const char *key,
                        const json_t *value)
{
    const struct member *member = find_member(key);
    const bool flag = strcmp(key, "locked") == 0;
    /* false would stand for "none" */
    const bool never = !strcmp(key, "rights") || !strcmp(key, "limits");
    char number[24];

    if (json_is_string(value)) {
        take_text(m, e, key, json_string_value(value));
    } else if ((json_is_boolean(value) && !never) ||
               (flag && json_is_integer(value))) {
        if (json_is_true(value) || json_integer_value(value) != 0)
            take_text(m, e, key, flag ? "" : "yes");
    } else if (member && (member->at || member->take == take_hash)) {
        /* only the document can own a text to which the import points */
        refuse_member(m, e, key, "expected a text or null");
    } else if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
                 json_integer_value(value));
        take_text(m, e, key, number);
    } else {
        refuse_member(m, e, key, "expected a value of another type");
    }
}

/* Takes a text, a number or a flag; a list of these; or a member that "user
 * list" makes of several keys. Refuses what it would leave out otherwise, since
 * it can be a restriction. */
static void take_member(struct import *m, struct imported *e, const char *key,
                        json_t *value)
{
    const struct member *member = find_member(key);
    const char *several = member ? member->several : NULL, *inner;
    const bool lists = several && several[0];
    json_t *one;
    size_t i;

    if (json_is_null(value))
        return;
    if (lists && !json_is_array(value))
        refuse_member(m, e, key, "expected an array, […]");
    if (!several && json_array_size(value) == 1)
        value = json_array_get(value, 0);
    if (!several && json_is_array(value))
        refuse_member(m, e, key, "expected one value");
    if (strcmp(key, "directories") == 0) { /* of an older version */
        if (json_array_size(value) > 0)
            note(&e->lock, "other rights in directories", "");
    } else if (lists) {
        take_left_out(m, e, several, value);
    } else if (strcmp(key, "limits") == 0 && json_is_object(value)) {
        json_object_foreach(value, inner, one)
        {
            take_member(m, e, inner, one);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, one)
        {
            take_member(m, e, key, one);
        }
    } else {
        take_scalar(m, e, key, value);
    }
}

static void take_object(struct import *m, json_t *object)
{
    struct imported *e = &m->entry[m->count++];
    const char *key;
    json_t *value;
    char *at;

    *e = (struct imported){ .name = text_of(object, "name", NULL) };
    buf_init(&e->lock, USER_LINE_MAX);
    buf_init(&e->without, USER_LINE_MAX);
    draft_begin(&e->draft, "");
    row_set(&e->draft.row, "rights", "full");
    if (!e->name)
        refuse_member(m, e, "name", "expected the user's name");
    json_object_foreach(object, key, value)
    {
        take_member(m, e, key, value);
    }
    while (e->comment && (at = (char *)strchr(e->comment, NO_CHARACTER)))
        *at = '?'; /* a comment is only shown */
    /* "user list" without --hashes names the second factor, but not its
     * secret. */
    if (e->second_factor && !row_get(&e->draft.row, "totp"))
        note(&e->lock, "without its second factor", e->second_factor);
    if (e->skip)
        import_skip(m, e, e->skip, false);
    else if (!user_name_ok(slice_from(e->name)))
        import_skip(m, e,
                    "not a valid name here; use 1 to 32 characters of a-z A-Z "
                    "0-9 . _ - @, not beginning with . - or @",
                    false);
    else if (json_object_get(m->by_name, e->name))
        import_skip(m, e, "an earlier object has this name", false);
    if (!json_object_get(m->by_name, e->name) &&
        json_object_set_new(m->by_name, e->name,
                            json_integer((json_int_t)m->count - 1)))
        fail_no_memory();
}

void import_skip(struct import *m, struct imported *e, const char *why,
                 bool expected)
{
    char name[TEXT_SHOWN], words[TEXT_SHOWN];

    buf_add_format(&m->sync.said, "%s: skipped: %s\n",
                   import_show(e->name, name), import_show(why, words));
    e->skipped = true;
    m->unexpected += !expected;
}

struct imported *import_find(const struct import *m, const char *name)
{
    const json_t *at = json_object_get(m->by_name, name);

    return at ? &m->entry[json_integer_value(at)] : NULL;
}

/* Can the users file have this hash? */
bool import_hash_usable(const struct imported *e)
{
    return e->hash && e->hash[0] == '$' && strlen(e->hash) <= USER_HASH_MAX &&
           user_hash_ok(e->hash);
}

const char *import_comment(const struct imported *e)
{
    return e->comment && user_comment_ok(slice_from(e->comment)) ? e->comment
                                                                 : "";
}

/* Returns the number of the escape \uXXXX at AT; -1: there is none. */
static long escape_at(struct slice s, size_t at)
{
    char digits[5] = "";

    if (at + 6 > s.len || s.ptr[at] != '\\' || s.ptr[at + 1] != 'u')
        return -1;
    memcpy(digits, s.ptr + at + 2, 4);
    return strspn(digits, "0123456789abcdefABCDEF") == 4
               ? strtol(digits, NULL, 16)
               : -1;
}

/* Puts NO_CHARACTER in place of bytes that aren't UTF-8, and of escapes of NUL
 * or of half a surrogate pair. Otherwise jansson would refuse all users because
 * of one; and with '?' a path would be another path. */
static void mend_characters(struct buf *text)
{
    const struct slice s = buf_slice(text);
    size_t n;

    for (size_t i = 0; i < s.len; i += n) {
        const long first = escape_at(s, i), second = escape_at(s, i + 6);
        const bool pair =
            first >> 10 == 0xd800 >> 10 && second >> 10 == 0xdc00 >> 10;

        n = s.ptr[i] == '\\' ? (pair ? 12 : 2) : utf8_length(s, i);
        if (!pair && (first == 0 || first >> 11 == 0xd800 >> 11))
            memcpy(text->data + i + 2, "007f", 4);
        if (n == 0)
            text->data[i] = NO_CHARACTER;
        n += n == 0;
    }
}

/* Reads the whole text into the buffer. */
static void read_text(const struct import *m, FILE *in, struct buf *text)
{
    size_t n;

    do {
        const int r = buf_reserve(text, TEXT_CHUNK);

        if (r == -ENOBUFS)
            fail(EX_DATAERR, "%s: it is larger than %u MiB", m->path,
                 TEXT_MAX >> 20);
        if (r)
            fail_no_memory();
        n = fread(text->data + text->len, 1, TEXT_CHUNK, in);
        text->len += n;
    } while (n > 0);
    if (ferror(in))
        fail(EX_IOERR, "%s: %s", m->path, strerror(errno));
}

void import_read(struct import *m)
{
    const bool piped = strcmp(m->path, "-") == 0;
    FILE *in = piped ? stdin : fopen(m->path, "re");
    enum json_error_code code;
    json_error_t error;
    struct buf text;
    json_t *one;
    size_t i;

    if (!in)
        fail(errno == ENOENT ? EX_NOINPUT : ctl_exit_of(errno), "%s: %s",
             m->path, strerror(errno));
    if (piped)
        m->path = "standard input";
    buf_init(&text, TEXT_MAX);
    read_text(m, in, &text);
    mend_characters(&text);
    m->list = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    buf_release(&text);
    code = json_error_code(&error);
    /* Hide jansson's message, which can contain parts of a hash. */
    if (!m->list)
        fail(EX_DATAERR, "%s:%d: %s", m->path, error.line > 0 ? error.line : 1,
             code == json_error_premature_end_of_input ? "the text is cut off"
             : code == json_error_duplicate_key
                 ? "a member occurs twice"
                 : "this is no JSON; share/sallyport/import has converters");
    if (!json_is_array(m->list) || json_array_size(m->list) > USERS_MAX)
        fail(EX_DATAERR, "%s: expected an array of at most %u users, [{…}]",
             m->path, USERS_MAX);
    m->by_name = json_object();
    buf_init(&m->sync.said, TEXT_MAX);
    m->entry = calloc(json_array_size(m->list) + 1, sizeof(*m->entry));
    if (!m->entry || !m->by_name)
        fail_no_memory();
    json_array_foreach(m->list, i, one)
    {
        if (!json_is_object(one))
            fail(EX_DATAERR, "%s: element %zu is no object, {…}", m->path,
                 i + 1);
        take_object(m, one);
    }
}
