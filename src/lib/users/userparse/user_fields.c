/* Decides what the fields of a line of the users file can contain, except for
 * the hash (user_hash.c). A table has the keys of the last column. */
#include "user_fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_field_text(struct slice text)
{
    return !slice_has_control(text) && !slice_has(text, ':');
}

bool user_comment_ok(struct slice comment)
{
    return comment.len <= USER_COMMENT_MAX && is_field_text(comment);
}

const char *user_home_wanted(struct slice home)
{
    const bool absolute = home.len > 0 && home.ptr[0] == '/';
    struct slice rest = home, part;
    bool any = !absolute, dots = false;

    while (slice_cut(&rest, '/', &part)) {
        any = any || part.len > 0;
        dots = dots || slice_equal(part, SLICE(".")) ||
               slice_equal(part, SLICE(".."));
    }
    if (!any)
        return "another directory than /, which is all of this machine";
    if (home.len > USER_HOME_MAX)
        return "a shorter path";
    if (!is_field_text(home))
        return "a path without : and control bytes";
    return absolute && !dots ? NULL : "an absolute path without . and ..";
}

bool entry_next(struct slice *rest, struct list_entry *ret)
{
    if (!slice_cut(rest, ',', &ret->text))
        return false;
    ret->role = ret->text;
    return slice_cut(&ret->role, ':', &ret->name);
}

bool entry_find(struct slice list, struct slice name, struct list_entry *ret)
{
    while (entry_next(&list, ret))
        if (slice_equal(ret->name, name))
            return true;
    return false;
}

int entry_rights(const struct list_entry *e, unsigned *ret)
{
    *ret = RIGHT_ALL;
    return e->role.ptr ? rights_parse(e->role, ret) : 0;
}

/* The keys of the last column, "key=value key=value". A new key needs a row of
 * options. */

static bool set_rights(struct user *user, struct slice value)
{
    return rights_parse(value, &user->rights) == 0;
}

static bool set_totp(struct user *user, struct slice value)
{
    uint8_t secret[TOTP_SECRET_MAX];
    int len = base32_decode(value, secret, sizeof(secret));

    explicit_bzero(secret, sizeof(secret));
    user->totp = value;
    return len >= TOTP_SECRET_MIN;
}

static bool set_retain(struct user *user, struct slice value)
{
    struct retention one;
    int r;

    user->retain = value;
    while ((r = user_retain_next(&value, &one)) == 1)
        ;
    return r == 0;
}

static bool set_sync(struct user *user, struct slice value)
{
    struct user_sync sync;

    user->sync = value;
    if (user_sync_parse(value, &sync))
        return false;
    user->locked = user->locked || sync.marks & SYNC_CLOSED;
    return true;
}

static bool set_expires(struct user *user, struct slice value)
{
    return user_expires_parse(value, &user->expires) == 0;
}

static int set_limit(struct row_limits *l, int limit, struct slice value,
                     struct complaint *c)
{
    const struct limit_row *row = &limit_rows[limit];
    uint64_t number = 0;
    int r = slice_size(value, &number);

    if (r == 0 && number >= row->least && number <= row->most) {
        l->number[limit] = number + 1;
        return 0;
    }
    return complain(c,
                    "%s=%.*s: expected a number from %llu to %llu, such as 10, "
                    "64K or 2G",
                    row->key, (int)value.len, value.ptr,
                    (unsigned long long)row->least,
                    (unsigned long long)row->most);
}

enum option_value {
    OPTION_FUNCTION, /* .set sets it */
    OPTION_SECRET,   /* .set sets it; complaints don't show the value */
    OPTION_FLAG, /* a bool at .offset: true if the value is the second of .words
                  */
    OPTION_MODE, /* a mode at .offset, with the bits .needed, at most .most */
    OPTION_CHOICE, /* a word of choices[.index] */
    OPTION_LIMIT,  /* a number in the bounds of limit_rows[.index] */
    OPTION_TEXT    /* a text at .offset, unchanged; .check checks it, or it must
                      not be empty */
};

#define FUNCTION(function, words)                                              \
    .kind = OPTION_FUNCTION, .set = (function), .expected = (words)
#define FLAG(field, no, yes, words_expected)                                   \
    .kind = OPTION_FLAG, .offset = offsetof(struct user, field),               \
    .words = { (no), (yes) }, .expected = "expected " words_expected
#define MODE(field, least, limit, words)                                       \
    .kind = OPTION_MODE, .offset = offsetof(struct user, field),               \
    .needed = (least), .most = (limit), .expected = "expected " words
#define CHOICE(choice) .kind = OPTION_CHOICE, .index = CHOICE_##choice
#define LIMIT(lines, row, key, option, value, none, least, most, help)         \
    { #key, lines, .kind = OPTION_LIMIT, .index = ROW_##row },
#define TEXT(field, function)                                                  \
    .kind = OPTION_TEXT, .offset = offsetof(struct user, field),               \
    .check = (function)

static const struct option {
    const char *key;
    unsigned lines; /* LINE_ bits: the lines that can have the key */
    enum option_value kind;
    bool (*set)(struct user *user, struct slice value);
    const char *expected; /* the end of the complaint about a bad value */
    int index;
    size_t offset; /* offset of the field in struct user */
    const char *words[2];
    unsigned needed, most;
    int (*check)(struct slice value, struct complaint *c); /* NULL: none */
} options[] = {
    { "rights", LINE_USER, FUNCTION(set_rights, RIGHTS_EXPECTED) },
    { "shares", LINE_USER | LINE_TEAM, TEXT(shares, NULL) },
    { "teams", LINE_USER, TEXT(teams, NULL) },
    { "file_mode", LINE_USER | LINE_SHARE,
      MODE(file_mode, FILE_MODE_NEEDED, FILE_MODE_MOST, FILE_MODE_EXPECTED) },
    { "dir_mode", LINE_USER,
      MODE(dir_mode, DIR_MODE_NEEDED, DIR_MODE_MOST, DIR_MODE_EXPECTED) },
    { "on_conflict", LINE_USER, CHOICE(CONFLICT) },
    { "upload_eof", LINE_USER, CHOICE(UPLOAD_EOF) },
    { "data_binding", LINE_USER, CHOICE(BINDING) },
    { "certificate", LINE_USER, TEXT(certificate, user_certificate_check) },
    { "login", LINE_USER,
      FLAG(certificate_only, "password", "certificate",
           "password or certificate") },
    { "totp", LINE_USER, .kind = OPTION_SECRET, .set = set_totp,
      .expected = "expected a secret of 16 to 64 bytes in base32 (A-Z and "
                  "2-7), as \"user totp\" makes it" },
    { "must_change", LINE_USER, FLAG(must_change, "no", "yes", "yes or no") },
    { "expires", LINE_USER,
      FUNCTION(set_expires, "expected a day such as 2027-01-31, or a time in "
                            "UTC such as 2027-01-31T12:00:00Z") },
    { "networks", LINE_USER | LINE_TEAM,
      TEXT(limits.networks, user_networks_check) },
    { "hours", LINE_USER | LINE_TEAM, TEXT(limits.hours, user_hours_check) },
    { "retain", LINE_USER | LINE_SHARE,
      FUNCTION(set_retain, USER_RETAIN_EXPECTED) },
    { "sync", LINE_USER,
      FUNCTION(set_sync, "expected the name of a source: 1 to 32 of a-z 0-9 . "
                         "_ -, not beginning with . or -") },
    TEAM_LIMITS(LIMIT, LINE_USER | LINE_TEAM) USER_LIMITS(LIMIT, LINE_USER)
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))
_Static_assert(OPTIONS <= 32, "a bit for each option that was seen");

/* Keys and values of older versions, which this version refuses: a user could
 * do more if a limit in the row was ignored. */
#define NAME  "the key has another name"
#define QUOTA "the kernel has the quotas (quota set)"
static const struct {
    unsigned lines;
    const char *key, *value; /* VALUE: the only refused value, or NULL */
    const char *why;
    const char *option; /* of a change, with the row's value, or instead of
                         * VALUE; or NULL */
} retired[] = {
    { LINE_USER, "max_files", NULL, NAME, "--uploads" },
    { LINE_USER, "max_bytes", NULL, NAME, "--upload-bytes" },
    { LINE_USER | LINE_TEAM, "max_transfers", NULL,
      "max_sessions=N limits transfers, too", NULL },
    { LINE_USER | LINE_SHARE, "quota", NULL, QUOTA, NULL },
    { LINE_USER | LINE_SHARE, "quota_files", NULL, QUOTA, NULL },
    { LINE_USER, "rights.", NULL,
      "a share with the role replaces it, which clients see by the share's "
      "name; move the directory's files there, and remove the directory, which "
      "otherwise has the rights of the home",
      NULL },
    { LINE_USER, "on_conflict", "version", "rename keeps both files, too",
      "--on-conflict rename" },
};
#define RETIRED (sizeof(retired) / sizeof(retired[0]))

static bool is_retired(size_t i, struct slice key)
{
    const struct slice own = slice_from(retired[i].key);

    return own.ptr[own.len - 1] == '.' ? slice_starts(key, own)
                                       : slice_equal(key, own);
}

bool user_key_retired(const char *key)
{
    for (size_t i = 0; i < RETIRED; i++)
        if (!retired[i].value && is_retired(i, slice_from(key)))
            return true;
    return false;
}

/* Writes the name of a share for the directory BELOW of the user NAME. */
static void share_name_of(const char *name, struct slice below,
                          char out[USER_NAME_MAX + 1])
{
    snprintf(out, USER_NAME_MAX + 1, "%s%.*s", name, (int)below.len, below.ptr);
    for (; *out; out++)
        if (*out >= 'A' && *out <= 'Z')
            *out = (char)(*out - 'A' + 'a');
        else if (*out != '.' && !group_name_ok((struct slice){ out, 1 }))
            *out = '-';
}

bool options_retired(enum line_kind kind, const char *name, char *text,
                     struct complaint *c)
{
    struct slice rest = slice_from(text), word, key, value;
    char share[USER_NAME_MAX + 1];
    size_t i = RETIRED;

    while (i == RETIRED && slice_cut(&rest, ' ', &word)) {
        value = word;
        slice_cut(&value, '=', &key);
        for (i = 0; i < RETIRED; i++)
            if (retired[i].lines & kind && is_retired(i, key) &&
                (!retired[i].value ||
                 slice_equal(value, slice_from(retired[i].value))))
                break;
    }
    if (i == RETIRED)
        return false;
    const size_t prefix = strlen(retired[i].key);
    const char *group = kind == LINE_TEAM    ? "team"
                        : kind == LINE_SHARE ? "share"
                                             : "user";

    share_name_of(name, (struct slice){ key.ptr + prefix, key.len - prefix },
                  share);
#define REFUSE(command, ...)                                                   \
    complain(c, "%s: %.*s: %s; " command, name, (int)word.len, word.ptr,       \
             retired[i].why, __VA_ARGS__)
    if (retired[i].key[prefix - 1] == '.')
        REFUSE("run: sallyportctl share add %s %s:%.*s && sallyportctl user "
               "change %s --remove %.*s",
               share, name, (int)value.len, value.ptr, name, (int)key.len,
               key.ptr);
    else if (retired[i].value)
        REFUSE("run: sallyportctl %s change %s %-s", group, name,
               retired[i].option);
    else if (retired[i].option)
        REFUSE("run: sallyportctl %s change %s --remove %.*s %s %.*s", group,
               name, (int)key.len, key.ptr, retired[i].option, (int)value.len,
               value.ptr);
    else
        REFUSE("run: sallyportctl %s change %s --remove %.*s", group, name,
               (int)key.len, key.ptr);
#undef REFUSE
    memset(text + (word.ptr - text), ' ', word.len);
    return true;
}

static int set_option(struct user *user, const struct option *row,
                      struct slice value, unsigned *seen, struct complaint *c)
{
    const unsigned bit = 1u << (row - options);
    const int shown = row->kind == OPTION_SECRET ? 0 : (int)value.len;
    void *field = (char *)user + row->offset;
    const struct choice *choice;
    bool ok;
    int word;

    if (*seen & bit)
        return complain(c, "%s= occurs twice", row->key);
    *seen |= bit;
    switch (row->kind) {
    case OPTION_CHOICE:
        choice = &choices[row->index];
        word = slice_among(value, choice->words, choice->count);
        if (word < 0)
            return complain(c, "%s=%.*s: expected %s", row->key, shown,
                            value.ptr, choice->expected);
        user->choice[row->index] = (unsigned)word + 1;
        return 0;
    case OPTION_LIMIT:
        return set_limit(&user->limits, row->index, value, c);
    case OPTION_TEXT: /* reader_resolve() looks up the names */
        *(struct slice *)field = value;
        if (row->check)
            return row->check(value, c);
        return value.len > 0
                   ? 0
                   : complain(c, "%s=: expected a name after it", row->key);
    case OPTION_FLAG:
        word = slice_among(value, row->words, 2);
        *(bool *)field = word == 1;
        ok = word >= 0;
        break;
    case OPTION_MODE:
        ok = mode_parse(value, row->needed, row->most, field) == 0;
        break;
    default:
        ok = row->set(user, value);
    }
    return ok ? 0
              : complain(c, "%s=%.*s: %s", row->key, shown, value.ptr,
                         row->expected);
}

/* Reads the option WORD, a C string. */
static int read_option(struct user *user, enum line_kind kind, char *word,
                       unsigned *seen, struct complaint *c)
{
    char *equals = strchr(word, '=');
    struct slice value;

    if (!equals)
        return complain(c, "\"%s\" in the last column: expected key=value",
                        word);
    *equals = '\0';
    value = slice_from(equals + 1);
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].lines & kind && strcmp(word, options[i].key) == 0)
            return set_option(user, &options[i], value, seen, c);
    const char *keys[OPTIONS], *nearest;
    size_t n = 0;

    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].lines & kind)
            keys[n++] = options[i].key;
    nearest = slice_nearest(slice_from(word), keys, n);
    return complain(c, "unknown key \"%s\" in the last column%s%s%s", word,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?" : "");
}

int user_key_check(const char *key, const char *value, struct complaint *c)
{
    struct user scratch = { .name = NULL };
    char word[USER_LINE_MAX + 1];
    unsigned seen = 0;

    if (key[strcspn(key, " \t\r\n")] || value[strcspn(value, " \t\r\n")])
        return complain(c, "%s=%s: blanks aren't permitted", key, value);
    if (snprintf(word, sizeof(word), "%s=%s", key, value) >= USER_LINE_MAX)
        return complain(c, "%s=: too long", key);
    return read_option(&scratch, LINE_USER, word, &seen, c);
}

/* Checks login=certificate: the client must prove to auth that it has the key
 * of its certificate. For that auth needs the certificate's fingerprint, not a
 * name. */
static int check_login(const struct user *user, struct complaint *c)
{
    struct slice rest = user->certificate, one;
    unsigned pins = 0;

    if (!user->certificate_only)
        return 0;
    if (user->must_change)
        return complain(c, "login=certificate takes no must_change=: there is "
                           "no password");
    if (user->totp.len > 0)
        return complain(c, "login=certificate takes no totp=: the code comes "
                           "after a password");
    if (rest.len == 0)
        return complain(c, "login=certificate needs certificate=sha256:…");
    while (slice_cut(&rest, ';', &one)) {
        if (!slice_starts(one, SLICE("sha256:")))
            return complain(c,
                            "login=certificate goes with sha256: only, not "
                            "with %.*s",
                            (int)one.len, one.ptr);
        if (++pins > USER_PINS_MAX)
            return complain(c, "login=certificate takes %d certificates",
                            USER_PINS_MAX);
    }
    return 0;
}

int options_read(struct user *user, enum line_kind kind, char *text,
                 struct complaint *c)
{
    unsigned seen = 0;
    char *word;

    user->rights = RIGHT_ALL;
    while ((word = strsep(&text, " ")))
        if (word[0] && read_option(user, kind, word, &seen, c))
            return -EINVAL;
    return check_login(user, c);
}
