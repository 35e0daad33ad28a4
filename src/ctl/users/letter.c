/* The letter for a partner: a text in which words such as @HOST@ stand for what
 * the settings, the user's row and the running server say. An office writes its
 * own beside the configuration. A line with a word that has no value is left
 * out, and a line is repeated for each value. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>

#include "sallyport/base/fd.h"

#define GAP        "________" /* what the administrator must fill in */
#define LETTER_MAX (64u << 10)
#define FTP_PORT   21
#define FTPS_PORT  990

static const char *const letter_words[] = {
    "HOST",  "PORT",  "ENCRYPTION",  "USER",      "PASSWORD",
    "FIRST", "CODE",  "SHARES",      "DIRECTORY", "ENDS",
    "FILES", "BYTES", "FINGERPRINT", "CURL",      "PINNED",
};
#define WORDS (sizeof(letter_words) / sizeof(letter_words[0]))

struct letter {
    json_t *values; /* by the words, each an array of texts */
    const char *host;
    bool trusted; /* some certificate isn't self-signed */
    bool implicit;
    char url_port[9];
    struct buf pins;
};

static void put(struct letter *l, const char *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void put(struct letter *l, const char *word, const char *format, ...)
{
    char text[2 * USER_HOME_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!json_object_get(l->values, word))
        json_object_set_new(l->values, word, json_array());
    if (json_array_append_new(json_object_get(l->values, word),
                              json_text(text)))
        fail_no_memory();
}

/* Value number N of the word, or the last one; NULL: it has none. */
static const char *value_of(const struct letter *l, const char *word, size_t n)
{
    const json_t *all = json_object_get(l->values, word);
    const size_t count = json_array_size(all);

    return json_string_value(
        json_array_get(all, n < count || count == 0 ? n : count - 1));
}

/* The name, the fingerprints and the keys, as the running server has them. */
static void put_certificates(struct letter *l)
{
    json_t *status, *c;
    struct complaint why;
    size_t i;

    if (status_read(&status, &why))
        stderr_print("the letter has gaps, since the server can't be asked: %s",
                     why.text);
    json_array_foreach(json_object_get(status, "certificates"), i, c)
    {
        const char *name = text_of(c, "name", "");

        if (!value_of(l, "HOST", 0) && strchr(name, '.'))
            put(l, "HOST", "%s", name);
        if (text_of(c, "sha256", NULL))
            put(l, "FINGERPRINT", "%s", text_of(c, "sha256", ""));
        if (text_of(c, "pin", NULL))
            buf_add_format(&l->pins, "%s%s", l->pins.len > 0 ? ";" : "",
                           text_of(c, "pin", ""));
        l->trusted |= !json_is_true(json_object_get(c, "self_signed"));
    }
    if (status && !value_of(l, "HOST", 0))
        stderr_print("no certificate is for a name with a dot, so the letter "
                     "has a gap for the server's name: " GAP);
    if (!value_of(l, "HOST", 0))
        put(l, "HOST", GAP);
    l->host = value_of(l, "HOST", 0);
    json_decref(status);
}

/* Finds the first listener for clients; LOCAL: this machine's clients count,
 * too. Proxies connect to their own listener, and clients to another port. */
static size_t letter_listener(const struct settings *s, bool local)
{
    size_t i = 0;

    while (i < s->listen_count &&
           (s->listen[i].port == 0 || settings_proxied(s, i) ||
            (!local && address_is_loopback(&s->listen[i]))))
        i++;
    return i;
}

static void put_port(struct letter *l, const struct settings *s)
{
    size_t i = letter_listener(s, false);
    unsigned port;

    if (i == s->listen_count)
        i = letter_listener(s, true);
    l->implicit = s->listen_count > 0 &&
                  settings_implicit(s, i < s->listen_count ? i : 0);
    put(l, "ENCRYPTION", "%s TLS", l->implicit ? "implicit" : "explicit");
    if (i == s->listen_count) {
        put(l, "PORT", "%.7s", GAP);
        snprintf(l->url_port, sizeof(l->url_port), ":%.7s", GAP);
        stderr_print("listen says no port that clients connect to, so the "
                     "letter has a gap for it: %.7s",
                     GAP);
        return;
    }
    port = s->listen[i].port;
    put(l, "PORT", "%u", port);
    if (port != (l->implicit ? FTPS_PORT : FTP_PORT))
        snprintf(l->url_port, sizeof(l->url_port), ":%u", port);
}

/* "you can list, read, store" */
static const char *rights_words(unsigned rights, char out[128])
{
    static const struct {
        unsigned right;
        const char *words;
    } rows[] = {
        { RIGHT_LIST, "list" },
        { RIGHT_READ, "read" },
        { RIGHT_WRITE, "store" },
        { RIGHT_REPLACE, "replace" },
        { RIGHT_DELETE, "delete" },
        { RIGHT_RENAME, "rename" },
        { RIGHT_DIRECTORY, "make directories" },
    };
    const char *before = "you can ";
    size_t len = 0;

    out[0] = '\0';
    if (rights_drop(rights))
        return "you can store files, and can't see them afterwards";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rights & rows[i].right) {
            len += (size_t)snprintf(out + len, 128 - len, "%s%s", before,
                                    rows[i].words);
            before = ", ";
        }
    snprintf(out + len, 128 - len, "%s",
             rights & RIGHT_MINE ? "; only what is yours" : "");
    return out;
}

/* The home of a partner is only the place from which the shares are seen. */
static void put_directories(struct letter *l, const struct user *user)
{
    const unsigned sees = RIGHT_LIST | RIGHT_READ;
    char words[128];

    for (size_t i = 0; i < user->grants; i++)
        put(l, "SHARES", "/%s: %s", user->share[user->grant[i].share].name,
            rights_words(user->grant[i].rights, words));
    if (user->grants == 0 || (user->rights & ~sees) != 0)
        put(l, "SHARES", "/: %s", rights_words(user->rights, words));
}

static void put_user(struct letter *l, const struct user *user)
{
    const uint64_t files = row_limit(&user->limits, ROW_UPLOADS, 0),
                   bytes = row_limit(&user->limits, ROW_UPLOAD_BYTES, 0);
    char when[WHEN_MAX], size[SIZE_TEXT_MAX];

    put(l, "USER", "%s", user->name);
    put(l, "PASSWORD", "%s",
        user->certificate_only ? "any: your certificate counts"
                               : "comes separately");
    if (user->must_change)
        put(l, "FIRST",
            "change the password by the command SITE PSWD old new; until then "
            "nothing else works");
    if (user->totp.len > 0)
        put(l, "CODE",
            "the app's six digits right after the password, in the same field");
    put_directories(l, user);
    if (user->expires)
        put(l, "ENDS", "%.10s, %.5s UTC", when_text(user->expires, when),
            when + strlen("2027-01-31T"));
    if (files > 0)
        put(l, "FILES", "%" PRIu64, files);
    if (bytes > 0)
        put(l, "BYTES", "%s", size_text(bytes, size));
}

static void put_curl(struct letter *l, const struct user *user)
{
    const bool grants = user->grants > 0;
    const unsigned rights = grants ? user->grant[0].rights : user->rights;
    const char *directory =
        grants ? user->share[user->grant[0].share].name : "";
    const bool stores = rights & RIGHT_WRITE;
    char words[1024];

    put(l, "DIRECTORY", "%s", directory);
    snprintf(words, sizeof(words), "-u %s%s %s %s://%s%s/%s%s%s", user->name,
             user->certificate.len > 0 ? " --cert YOURS.pem" : "",
             stores ? "-T FILE" : "-O", l->implicit ? "ftps" : "ftp", l->host,
             l->url_port, directory, directory[0] ? "/" : "",
             stores ? "" : "FILE");
    if (l->trusted || l->pins.len == 0)
        put(l, "CURL", "curl%s %s", l->implicit ? "" : " --ssl-reqd", words);
    if (l->pins.len > 0)
        put(l, "PINNED", "curl%s -k --pinnedpubkey '%.*s' %s",
            l->implicit ? "" : " --ssl-reqd", (int)l->pins.len, l->pins.data,
            words);
}

/* Finds the next word of LINE. Returns its place, or NULL. */
static const char *next_word(struct slice line, const char **word)
{
    for (; line.len > 0; line.ptr++, line.len--)
        for (size_t i = 0; line.ptr[0] == '@' && i < WORDS; i++) {
            const size_t len = strlen(letter_words[i]);

            *word = letter_words[i];
            if (line.len >= len + 2 && memcmp(line.ptr + 1, *word, len) == 0 &&
                line.ptr[len + 1] == '@')
                return line.ptr;
        }
    return NULL;
}

/* How often is the line printed? */
static size_t repeats(const struct letter *l, struct slice line)
{
    const char *const end = line.ptr + line.len, *word;
    size_t most = 1;

    while ((line.ptr = next_word(line, &word))) {
        const size_t n = json_array_size(json_object_get(l->values, word));

        if (n == 0)
            return 0;
        most = n > most ? n : most;
        line.len = (size_t)(end - ++line.ptr);
    }
    return most;
}

static void put_line(const struct letter *l, struct slice line, size_t n)
{
    const char *const end = line.ptr + line.len, *word, *at;

    while ((at = next_word(line, &word))) {
        printf("%.*s%s", (int)(at - line.ptr), line.ptr, value_of(l, word, n));
        line.ptr = at + strlen(word) + 2;
        line.len = (size_t)(end - line.ptr);
    }
    printf("%.*s\n", (int)line.len, line.ptr);
}

static void read_template(struct buf *into)
{
    const char *file = ctl.settings.file, *slash = strrchr(file, '/');
    char own[PATH_MAX], usual[PATH_MAX];
    int r;

    snprintf(own, sizeof(own), "%.*sletter.txt",
             slash ? (int)(slash + 1 - file) : 0, file);
    ctl_beside(SALLYPORT_LETTER, usual);
    FD_CLEANUP int fd = open(own, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        fd = open(usual, O_RDONLY | O_CLOEXEC);
    r = fd < 0 ? -errno : fd_read_file(fd, into);
    if (r < 0)
        fail(EX_OSFILE, "%s, %s: %s", own, usual, strerror(-r));
}

void letter_print(const struct user *user)
{
    struct buf text;
    struct slice rest, line;
    struct letter l = { .values = json_object() };

    buf_init(&l.pins, LETTER_MAX);
    buf_init(&text, LETTER_MAX);
    read_template(&text);
    put_certificates(&l);
    put_port(&l, &ctl.settings);
    put_user(&l, user);
    put_curl(&l, user);
    rest = buf_slice(&text);
    while (slice_cut(&rest, '\n', &line) && (rest.ptr || line.len > 0))
        for (size_t n = 0; n < repeats(&l, line); n++)
            put_line(&l, line, n);
}
