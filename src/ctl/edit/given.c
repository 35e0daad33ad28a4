/* Checks the options of the command line that are keys of a row, and sets them
 * in the row. A hash is never an argument: all users of the machine could read
 * it. */
#include "edit.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/domain/tls.h"

/* Adds the byte at TEXT. PAIR: a backslash and the byte after it; PIN: a byte
 * of a fingerprint. openssl(1) prints a backslash before a ';', and before a
 * space at either end of a value. An escaped backslash belongs to the name and
 * stays. userparse checks whether the name is valid. */
static int add_byte(const char *text, bool pair, bool pin, struct buf *into)
{
    char c = *text;

    if (pair && (text[1] == ' ' || text[1] == ';'))
        return buf_add_format(into, "\\%02X", (unsigned)text[1]);
    if (pair)
        return buf_add(into, text, 2);
    if (pin && c == ':')
        return 0;
    if (pin && c >= 'A' && c <= 'F')
        c = (char)(c - 'A' + 'a');
    return buf_add(into, &c, 1);
}

int certificate_tidy(const char *text, char out[CERTIFICATE_MAX])
{
    const size_t prefix = strlen(PIN_PREFIX);
    /* The begin and end of a name, without the blanks after the name. */
    size_t begin = 0, end = 0;
    struct buf into;
    int bad = 0;

    buf_init(&into, CERTIFICATE_MAX - 1);
    for (; *text && !bad; text++) {
        const bool pin = into.len >= begin + prefix &&
                         memcmp(into.data + begin, PIN_PREFIX, prefix) == 0;
        const bool pair = text[0] == '\\' && text[1], ends = *text == ';';

        if (*text == ' ') {
            bad = into.len > begin ? buf_add_text(&into, "\\20") : 0;
            continue;
        }
        if (ends)
            into.len = end;
        bad = add_byte(text, pair, pin, &into);
        text += pair;
        end = into.len;
        begin = ends ? end : begin;
    }
    if (!bad)
        bad =
            slice_copy((struct slice){ into.data, end }, out, CERTIFICATE_MAX);
    buf_release(&into);
    return bad ? -ENAMETOOLONG : 0;
}

void given_source(const char *name, const char *besides)
{
    if (!group_name_ok(slice_from(name)))
        fail(EX_USAGE,
             "--sync %s: expected the name of a source: 1 to 32 characters of "
             "a-z 0-9 . _ -, not beginning with . or -%s",
             name, besides);
}

void user_set_sync(struct row *row, struct slice name, unsigned marks)
{
    const struct user_sync sync = { name, marks };
    char text[SYNC_TEXT_MAX];

    row_set(row, "sync", user_sync_text(&sync, text));
}

void user_refuse_synced(const struct user *user, unsigned unless,
                        const char *would)
{
    struct user_sync sync;

    if (user_sync_parse(user->sync, &sync) == 0 && !(sync.marks & unless))
        fail(EX_DATAERR,
             "%s follows the source %.*s: its next import would %s first run: "
             "sallyportctl user change %s --sync none",
             user->name, (int)sync.name.len, sync.name.ptr, would, user->name);
}

/* Sets a key. userparse has the rules for values, and the words of the
 * complaint. */
static void given_key(struct row *row, const struct ctl_option *option,
                      const char *text)
{
    struct complaint why = { "" };
    char when[WHEN_MAX], tidy[CERTIFICATE_MAX];
    int64_t seconds;

    if (strcmp(text, option->none) == 0) {
        row_set(row, option->key, NULL);
        return;
    }
    if (text == ctl.args.sync)
        given_source(text, "; or " NONE);
    if (text == ctl.args.certificate) {
        if (certificate_tidy(text, tidy))
            fail(EX_USAGE, "--certificate: longer than %d bytes",
                 CERTIFICATE_MAX - 1);
        text = tidy;
    }
    seconds =
        text == ctl.args.expires ? user_duration_parse(slice_from(text)) : 0;
    if (seconds > 0) /* TEXT is a time from now */
        text = when_text(time(NULL) + seconds, when);
    if (user_key_check(option->key, text, &why))
        fail(EX_USAGE, "--%s %s%s; or %s", option->name,
             why.text + strlen(option->key) + 1,
             text == ctl.args.expires ? ", or a time from now, such as 90d"
                                      : "",
             option->none);
    row_set(row, option->key, text);
}

/* Sets --retain [PATH:]TIME. Without PATH the time applies to the whole home or
 * share. */
static void given_retain(struct row *row, const char *text)
{
    const char *colon = strrchr(text, ':'), *time = colon ? colon + 1 : text;
    struct slice rest, path = SLICE("/");
    char entry[USER_HOME_MAX + 16];
    struct retention one;

    if (colon)
        path = (struct slice){ text, (size_t)(colon - text) };
    snprintf(entry, sizeof(entry), "%.*s:%s", (int)path.len, path.ptr,
             strcmp(time, NONE) == 0 ? "1h" : time);
    rest = slice_from(entry);
    if (strlen(text) + 2 >= sizeof(entry) || text[strcspn(text, " ,")] ||
        user_retain_next(&rest, &one) != 1 || rest.ptr)
        fail(EX_USAGE, "--retain %s: " USER_RETAIN_EXPECTED "; or " NONE, text);
    row_set_entry(row, "retain", one.path,
                  strcmp(time, NONE) == 0 ? NULL : entry);
}

/* Omits the role if it gives all rights: a row needs no role then. */
void grant_text(const struct list_entry *entry, const char *whole,
                char out[GRANT_TEXT_MAX])
{
    unsigned rights;
    char role[16];

    if (!entry->role.ptr)
        fail(EX_USAGE,
             "%s: a role is missing; write %.*s:ROLE; " RIGHTS_EXPECTED, whole,
             (int)entry->text.len, entry->text.ptr);
    if (entry_rights(entry, &rights))
        fail(EX_USAGE, "%s: " RIGHTS_EXPECTED, whole);
    snprintf(out, GRANT_TEXT_MAX, "%.*s%s%s", (int)entry->name.len,
             entry->name.ptr, rights == RIGHT_ALL ? "" : ":",
             rights == RIGHT_ALL ? "" : rights_text(rights, role));
}

/* Adds each entry of --share or --team. A team has no role: "legal:read" stays
 * one name, which draft_check() doesn't find. */
static void given_entries(struct row *row, const char *list)
{
    const bool shares = list == ctl.args.share;
    struct slice rest = slice_from(list);
    struct list_entry one;

    while (entry_next(&rest, &one)) {
        char text[GRANT_TEXT_MAX];

        if (shares)
            grant_text(&one, list, text);
        else
            snprintf(text, sizeof(text), "%.*s", (int)one.text.len,
                     one.text.ptr);
        row_set_entry(row, shares ? "shares" : "teams",
                      shares ? one.name : one.text, text);
    }
}

void given_tidy(const char *what, const char *path, const char *below,
                char out[USER_HOME_MAX + 1])
{
    const char *wanted = user_home_wanted(slice_from(path));

    if (wanted)
        fail(EX_USAGE, "%s %s: use %s", what, path, wanted);
    place_tidy(slice_from(path), out, USER_HOME_MAX + 1);
    if (geteuid() != 0 && !user_path_within(out, below))
        fail(EX_USAGE, "%s %s: without root it must lie beneath %s", what, out,
             below);
}

/* Sets the keys in the order that they have in a new row. */
void given_set(struct row *row)
{
    const struct arguments *a = &ctl.args;
    unsigned rights;
    char text[16];

    if (a->role && rights_parse(slice_from(a->role), &rights))
        fail(EX_USAGE, "--role %s: " RIGHTS_EXPECTED, a->role);
    if (a->role)
        row_set(row, "rights", rights_text(rights, text));
    for (size_t n = 0; n < OPTIONS; n++)
        if (ctl_options[n].key && a->option[n])
            given_key(row, &ctl_options[n], a->option[n]);
    if (a->remove && !user_key_retired(a->remove))
        fail(EX_USAGE, "--remove %s: only older versions have such a key",
             a->remove);
    if (a->remove)
        row_set(row, a->remove, NULL);
    if (a->must_change)
        row_set(row, "must_change", "yes");
    if (a->retain)
        given_retain(row, a->retain);
    given_entries(row, a->share);
    given_entries(row, a->team);
    if (a->comment && !user_comment_ok(slice_from(a->comment)))
        fail(EX_USAGE, "--comment: at most 255 bytes, no ':', no line end");
    if (a->comment)
        row_set_column(row, ROW_COMMENT, a->comment);
}

void given_check(void)
{
    struct row scratch;

    row_need(row_parse(&scratch, SLICE("@share:s:1:/:")));
    given_set(&scratch);
    row_need(scratch.error);
    row_release(&scratch);
}

void given_any(void)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (i != OPTION_config && i != OPTION_json && ctl.args.option[i])
            return;
    fail(EX_USAGE, "nothing to change; see: sallyportctl %s change --help",
         ctl.args.word[0]);
}

void given_hash(struct row *row)
{
    char hash[USER_HASH_MAX + 1];

    password_line(hash, sizeof(hash));
    if (hash[0] != '$' || !user_hash_ok(hash))
        fail(EX_DATAERR,
             "this hash isn't supported (%s); this user needs a new password, "
             "or a hash of " USER_HASHES " (openssl passwd -6)",
             hash[0] == '!' ? "it begins with a !" : user_hash_found(hash));
    row_set_column(row, ROW_HASH, hash);
    explicit_bzero(hash, sizeof(hash));
}
