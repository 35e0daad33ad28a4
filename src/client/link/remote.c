/* Requests over a link: the login, listings, facts and changes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "link.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/harmless.h"

/* Listings. */

#define LISTING_LINE_MAX 8192
#define PASSWORD_TRIES   3
/* The slowest server computes checksums at this rate. UINT_MAX seconds at this
 * rate are 64 PiB. */
#define HASH_BYTES_A_SECOND (16 * 1024 * 1024)

/* Cuts the received bytes into lines. */
struct gathering {
    struct listing *listing;
    char line[LISTING_LINE_MAX];
    size_t len, lines;
    int error;
};

static int gathering_line(struct gathering *g)
{
    struct slice line = { g->line, g->len };

    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    g->len = 0;
    return line.len > 0 ? listing_take_mlsd(g->listing, line) : 0;
}

static size_t gathering_take(void *of, const char *bytes, size_t len)
{
    struct gathering *g = of;

    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\n') {
            if (g->len == sizeof(g->line))
                g->error = -E2BIG;
            else
                g->line[g->len++] = bytes[i];
        } else {
            /* Count lines without an entry, too: otherwise a server could send
             * them for ever. */
            int r = ++g->lines > LISTING_MAX ? -E2BIG : gathering_line(g);
            g->error = r < 0 ? r : 0;
        }
        if (g->error)
            return 0;
    }
    return len;
}

int remote_list(struct link *l, const char *path, struct listing *ret,
                struct failure *why)
{
    struct gathering g = { .listing = ret };
    const struct link_io io = { .take = gathering_take, .of = &g };
    char directory[URL_PATH_MAX + 2];

    *ret = (struct listing){ 0 };
    snprintf(directory, sizeof(directory), "%s%s", path, path[0] ? "/" : "");
    link_begin(l, directory, &io);
    LINK_SET(l, CURLOPT_CUSTOMREQUEST, "MLSD");
    int r = link_run(l, why);
    if (r < 0 && g.error)
        fail(why, EX_PROTOCOL, "the listing of /%s can't be used: %s", path,
             g.error == -E2BIG ? "it is too long" : strerror(-g.error));
    if (r < 0)
        listing_release(ret);
    else if (g.len > 0)
        gathering_line(&g);
    ret->cut = !l->whole;
    ret->whole = !ret->cut && ret->refused == 0;
    listing_sort(ret);
    return r;
}

/* Checks that the user may enter the directory. */
static int remote_enter(struct link *l, const char *path, struct failure *why)
{
    struct failure other;

    if (link_command(l, why, "CWD %s", path) < 0)
        return -1;
    /* The next call begins in the login directory, or in a new session. */
    l->renew |= !l->entry[0] || link_command(l, &other, "CWD %s", l->entry) < 0;
    return 0;
}

/* Reads the facts in the reply to MLST. */
static void remote_facts(const struct link *l, struct listing_entry *ret)
{
    struct slice rest = buf_slice(&l->lines), line;

    *ret = (struct listing_entry){ .kind = LISTED_DIRECTORY };
    while (slice_cut(&rest, '\n', &line))
        if (slice_starts(line, SLICE(" ")))
            listing_take_mlst(ret, slice_trim(line));
}

/* Does this failure mean that the path doesn't exist, rather than that the
 * server doesn't know the command? */
static bool remote_absent(const struct failure *why)
{
    return why->reply == 550 || why->reply == 553;
}

bool remote_lacks_right(const struct link *l)
{
    static const char *const words[] = { "no right", "permission", "denied",
                                         "change the password",
                                         "waits for inspection" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (l->reply == 550 && strcasestr(l->text, words[i]))
            return true;
    return false;
}

/* Returns what the refusal of the last request says. */
static enum presence remote_denial(const struct link *l,
                                   const struct failure *why)
{
    return !remote_absent(why)     ? PRESENCE_UNKNOWN
           : remote_lacks_right(l) ? HIDDEN
                                   : ABSENT;
}

/* Asks about PATH by VERB. If the account lacks the right in a directory, a
 * Sallyport server refuses the question, and logs that. Then the client doesn't
 * ask the same question for other names in this directory, but answers as the
 * server did. */
static int remote_ask(struct link *l, enum link_question question,
                      const char *verb, const char *path, struct failure *why)
{
    static const char refusal[] = "550 You have no right to do this";

    char *refused = l->refused[question];
    const char *slash = strrchr(path, '/');
    struct slice directory =
        slash ? (struct slice){ path, (size_t)(slash - path) + 1 } : SLICE(".");

    if (slice_equal(slice_from(refused), directory)) {
        l->reply = 550;
        snprintf(l->text, sizeof(l->text), "%s", refusal);
        return fail_curl(why, CURLE_QUOTE_ERROR, 550, refusal, NULL);
    }
    int r = link_command(l, why, "%s %s", verb, path);
    /* A name in the login directory may be a share's. */
    if (r < 0 && (slash || question != QUESTION_MLST) &&
        strstr(l->text, "550 You have no right"))
        slice_copy(directory, refused, URL_PATH_MAX);
    return r;
}

/* Returns the reply without its code. */
static struct slice remote_answer(const struct link *l)
{
    size_t len = strlen(l->text);

    return len > 4 ? slice_trim((struct slice){ l->text + 4, len - 4 })
                   : SLICE("");
}

enum presence remote_look(struct link *l, const char *path, unsigned wants,
                          struct listing_entry *ret, struct failure *why)
{
    enum presence r = PRESENT;
    struct failure other;

    *why = (struct failure){ 0 };
    *ret = (struct listing_entry){ .kind = LISTED_DIRECTORY };
    if (!path[0])
        return PRESENT;
    if (remote_ask(l, QUESTION_MLST, "MLST", path, why) < 0)
        r = remote_denial(l, why);
    else
        remote_facts(l, ret);
    if (r == PRESENT && ret->kind == LISTED_OTHER && wants & LOOK_KIND &&
        !(wants & LOOK_LINK) && remote_enter(l, path, &other) == 0)
        ret->kind = LISTED_DIRECTORY;
    /* The server replies 550 if the file is missing and if a right is missing,
     * with different texts. */
    if (r == ABSENT)
        fail(why, EX_NOINPUT, "there is no such file or directory");
    if (r == HIDDEN && wants & LOOK_FREE)
        return fail(why, EX_CANTCREAT,
                    "the server doesn't tell whether /%s is taken; --conflict "
                    "overwrite replaces it",
                    path);
    return r;
}

enum presence remote_exists(struct link *l, const char *path,
                            struct failure *why)
{
    struct listing_entry e;

    return remote_look(l, path, LOOK_KIND, &e, why);
}

int remote_own_name(struct link *l, const char *path, struct failure *why)
{
    const char *base = url_base(path);
    char directory[URL_PATH_MAX];
    const uint64_t folded = listing_hash(base, base);
    struct listing all;
    size_t twins = 0;

    snprintf(directory, sizeof(directory), "%.*s",
             (int)(base - path) - (base > path), path);
    if (remote_list(l, directory, &all, why) < 0)
        return -1;
    for (size_t i = 0; i < all.count; i++)
        twins += listing_hash(all.entry[i].name, all.entry[i].name) == folded;
    bool own = twins > 1 && listing_find(&all, path);
    listing_release(&all);
    return own ? 0
               : fail(why, EX_CANTCREAT,
                      "on the server's disk this is another file's or "
                      "directory's name; rename one of them");
}

int remote_partial(struct link *l, const char *path, uint64_t *ret,
                   struct failure *why)
{
    int r = link_command(l, why, "SITE PARTIAL %s", path);
    if (r == 0 &&
        (l->reply != 213 || slice_number(remote_answer(l), INT64_MAX, ret) < 0))
        return 1;
    return r < 0 && !why->lost ? 1 : r;
}

int remote_hash(struct link *l, const char *path, struct remote_range range,
                char ret[DIGEST_HEX_MAX], struct failure *why)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    struct slice rest, word;
    char begin[32];

    if (range.part &&
        link_command(l, why, "RANG %llu %llu", (unsigned long long)range.from,
                     (unsigned long long)range.to - 1) < 0)
        return -1;
    l->patience = (unsigned)((range.to - range.from) / HASH_BYTES_A_SECOND);
    if (remote_ask(l, QUESTION_HASH, "HASH", path, why) < 0)
        return -1;
    /* "213 SHA-256 0-49 6dcf...1f93 NAME". */
    rest = slice_from(l->text);
    snprintf(begin, sizeof(begin), "213 %s ", l->site->hash);
    bool ours = slice_starts(rest, slice_from(begin));
    for (int i = 0; i < 4; i++)
        slice_cut(&rest, ' ', &word);
    if (!ours || word.len < 8 || slice_copy(word, ret, DIGEST_HEX_MAX) < 0 ||
        strspn(ret, digits) != word.len)
        return fail(why, EX_PROTOCOL, "HASH was answered \"%s\"", l->text);
    for (char *at = ret; *at; at++)
        *at = (char)(*at >= 'A' && *at <= 'F' ? *at + 32 : *at);
    return 0;
}

int remote_mkdir_once(struct link *l, const char *path, struct failure *why)
{
    struct failure later;
    struct listing_entry there;

    if (link_command(l, why, "MKD %s", path) == 0)
        return 0;
    if (why->reply >= 500 && !why->lost &&
        remote_look(l, path, LOOK_KIND | LOOK_LINK, &there, &later) ==
            PRESENT &&
        there.kind == LISTED_DIRECTORY)
        return 1;
    return -1;
}

int remote_mkdir(struct link *l, const char *path, struct failure *why)
{
    struct retry retry = { 0 };
    int r;

    do
        r = remote_mkdir_once(l, path, why);
    while (r < 0 && link_again(l, &retry, path, why));
    return r;
}

int remote_rename(struct link *l, const char *from, const char *to,
                  struct failure *why)
{
    if (link_command(l, why, "RNFR %s", from) < 0)
        return -1;
    return link_command(l, why, "RNTO %s", to);
}

int remote_set_time(struct link *l, const char *path, time_t when,
                    struct failure *why)
{
    struct retry retry = { .tries = l->untimed };
    char verb[32];
    struct tm tm;

    clock_utc(when, &tm);
    strftime(verb, sizeof(verb), "MFMT %Y%m%d%H%M%S", &tm);
    int r;
    do
        r = remote_ask(l, QUESTION_MFMT, verb, path, why);
    while (r < 0 && link_again(l, &retry, path, why));
    l->untimed = r < 0 && why->lost ? retry.tries : 0;
    return r;
}

/* The login. */

/* Makes the server prove its identity before the user types a password or a
 * code: a login goes as far as the server's question for a password. With a
 * client certificate the server perhaps asks for none: then this login counts.
 */
static int site_ask(struct site *s, struct link *l, bool known,
                    struct failure *why)
{
    l->no_password = true;
    int r = link_command(l, why, "NOOP");
    l->no_password = false;
    if (!l->asked)
        return r;
    link_close(l);
    if (link_open(l, s, why) < 0)
        return -1;
    s->typed = !known;
    return known ? 0 : password_ask(s->options, &s->url, &s->password, why);
}

/* Asks for the one-time code, and makes the first login with the code after the
 * password. Later logins send the password alone: for a time the server needs
 * no other code, and this code is stale. */
static int site_use_code(struct site *s, struct link *l, struct failure *why)
{
    SECRET_CLEANUP struct secret alone = s->password;
    char text[SECRET_MAX + 1], code[16] = "";
    int r = tty_line("One-time code (empty: none): ", code, sizeof(code));

    if (r < 0)
        return fail(why, r == -ENOTTY ? EX_USAGE : EX_TEMPFAIL,
                    r == -ENOTTY ? "--one-time-code asks on a terminal only"
                                 : "no one-time code was given");
    if (!code[0])
        return 0;
    int len = snprintf(text, sizeof(text), "%.*s%s", (int)alone.len,
                       alone.bytes, code);
    r = len < (int)sizeof(text)
            ? secret_set(&s->password, (struct slice){ text, (size_t)len })
            : -1;
    explicit_bzero(text, sizeof(text));
    r = r < 0 ? fail(why, EX_USAGE, "the password with the code is too long")
              : link_command(l, why, "NOOP");
    s->password = alone;
    l->renew = true;
    return r;
}

/* Logs in. KNOWN: the password was found. */
static int site_log_in(struct site *s, struct link *l, bool known,
                       struct failure *why)
{
    bool code = s->options->one_time_code;

    if (link_open(l, s, why) < 0)
        return -1;
    if (((!known || code) && site_ask(s, l, known, why) < 0) ||
        (code && site_use_code(s, l, why) < 0))
        return -1;
    /* The name is for the server's log. */
    int r = link_command(l, why, "CSID Name=sallyport;");
    s->hash = l->hash;
    return r < 0 && (why->lost || why->reply < 500) ? -1 : 0;
}

/* Logs in with retries: a server that is full, or away for a moment, such as
 * during its upgrade, refuses the client before the login. A retry never makes
 * the user type a password or a code again. */
static int site_come_in(struct site *s, struct link *l, bool known,
                        struct failure *why)
{
    struct retry retry = { 0 };
    int r = site_log_in(s, l, known, why);

    while (r < 0 && l->state == LINK_AWAY &&
           (!l->asked || (known && !s->options->one_time_code)) &&
           link_again(l, &retry, s->url.host, why)) {
        link_close(l);
        r = site_log_in(s, l, known, why);
    }
    /* Ask again, as ssh does: a typed password can have a slip. */
    for (int i = 1; i < PASSWORD_TRIES && r < 0 && s->typed &&
                    why->reply == 530 && why->code == EX_NOPERM;
         i++) {
        progress_error(s->url.host, why);
        link_close(l);
        r = site_log_in(s, l, false, why);
    }
    return r;
}

int site_open(struct site *s, const struct options *o, const struct url *url,
              struct link *l, struct failure *why)
{
    *s = (struct site){ .url = *url, .options = o, .chooses = true };
    *l = (struct link){ 0 };
    atomic_store(&link_over, NULL);
    if (proxy_find(o, url->host, &s->proxy, why) < 0 ||
        trust_decide(o, url, &s->proxy, &s->trust, why) < 0)
        return -1;
    int found = password_find(o, &s->url, &s->password, &s->place, why);
    if (found < 0)
        return -1;
    int r = site_come_in(s, l, found == 0, why);
    /* Ask about a server that no CA confirms, as ssh does. The client then
     * doesn't check the name and the dates of the certificate. --yes is an
     * answer for --trust-new only. */
    if (r < 0 && why->unknown && !o->pin && !o->cacert && !o->json && !o->yes &&
        tty_there()) {
        link_close(l);
        r = trust_new(o, url, &s->proxy, &s->trust, why) < 0
                ? -1
                : site_come_in(s, l, found == 0, why);
    }
    return r;
}

void site_close(struct site *s)
{
    secret_wipe(&s->password);
    secret_wipe(&s->proxy.password);
}
