/* The letter for a partner: a text in which words such as @HOST@ stand for
 * values from the settings, the user's row and the running server. An office
 * can put its own text beside the configuration. A line is left out if a word
 * in it has no value, and repeated if a word has several values. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>

#include "sallyport/base/fd.h"

#define GAP        "________" /* a gap that the administrator must fill in */
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
    json_t *values; /* an array of texts for each word */
    const char *host;
    bool trusted; /* some certificate isn't self-signed */
    bool implicit;
    char url_port[9];
    struct buf pins;
};

__attribute__((format(printf, 3, 4))) static void
put(struct letter *l, const char *word, const char *format, ...)
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

/* Takes the host name, the fingerprints and the pins from the running
 * server. */
static void put_certificates(struct letter *l)
{
    struct complaint why;
    json_t *status, *c;
    size_t i;

    if (status_read(&status, &why))
        stderr_print("the letter has gaps, since the server can't be asked: %s",
                     why.text);
    json_array_foreach(json_object_get(status, "certificates"), i, c)
    {
        const char *name = text_of(c, "name", "");

        if (!l->host && strchr(name, '.'))
            l->host = name;
        if (text_of(c, "sha256", NULL))
            put(l, "FINGERPRINT", "%s", text_of(c, "sha256", ""));
        if (text_of(c, "pin", NULL))
            buf_add_format(&l->pins, "%s%s", l->pins.len > 0 ? ";" : "",
                           text_of(c, "pin", ""));
        l->trusted |= !json_is_true(json_object_get(c, "self_signed"));
    }
    if (status && !l->host)
        stderr_print("no certificate has a full host name, so the letter has a "
                     "gap for the server's name: " GAP);
    if (!l->host)
        l->host = GAP;
    put(l, "HOST", "%s", l->host);
}

/* Takes the first listener for clients, but a listener for this machine only if
 * there is no other. Skips the listeners of proxies, since clients connect to
 * another port. */
static void put_port(struct letter *l, const struct settings *s)
{
    size_t best = s->listen_count;

    for (size_t i = 0; i < s->listen_count; i++)
        if (s->listen[i].address.port != 0 && !s->listen[i].proxied &&
            (best == s->listen_count ||
             (address_is_loopback(&s->listen[best].address) &&
              !address_is_loopback(&s->listen[i].address))))
            best = i;
    l->implicit = s->listen_count > 0 &&
                  s->listen[best < s->listen_count ? best : 0].implicit;
    put(l, "ENCRYPTION", "%s TLS", l->implicit ? "implicit" : "explicit");
    if (best == s->listen_count) {
        put(l, "PORT", "%.7s", GAP);
        snprintf(l->url_port, sizeof(l->url_port), ":%.7s", GAP);
        stderr_print(
            "listen has no port for clients, so the letter has a gap: %.7s",
            GAP);
        return;
    }
    const unsigned port = s->listen[best].address.port;
    put(l, "PORT", "%u", port);
    if (port != (l->implicit ? FTPS_PORT : FTP_PORT))
        snprintf(l->url_port, sizeof(l->url_port), ":%u", port);
}

static void put_directory(struct letter *l, const char *name, unsigned rights)
{
    char words[RIGHTS_WORDS_MAX];

    if (rights_drop(rights))
        put(l, "SHARES",
            "/%s: you can store files, and can't see them afterwards", name);
    else
        put(l, "SHARES", "/%s: you can %s%s", name,
            rights_words(rights, ", ", words),
            rights & RIGHT_MINE ? "; only what is yours" : "");
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
    for (size_t i = 0; i < user->grants; i++)
        put_directory(l, user->share[user->grant[i].share].name,
                      user->grant[i].rights);
    /* A partner's home is usually only the directory in which the user sees the
     * shares. */
    if (user->grants == 0 ||
        (user->rights & ~(unsigned)(RIGHT_LIST | RIGHT_READ)) != 0)
        put_directory(l, "", user->rights);
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
        put(l, "PINNED", "curl%s -k --pinnedpubkey \"%.*s\" %s",
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

/* Prints the line with value N of each word, or with its last one. If there is
 * no new value, prints nothing and returns false. */
static bool put_line(const struct letter *l, struct slice line, size_t n)
{
    const char *const end = line.ptr + line.len, *word, *at;
    bool prints = n == 0, gap = false;
    struct buf text;

    buf_init(&text, LETTER_MAX);
    while ((at = next_word(line, &word))) {
        const json_t *values = json_object_get(l->values, word);
        const size_t count = json_array_size(values);
        const json_t *one = json_array_get(values, n < count ? n : count - 1);

        prints |= n < count;
        gap |= count == 0;
        buf_add_format(&text, "%.*s%s", (int)(at - line.ptr), line.ptr,
                       one ? json_string_value(one) : "");
        line.ptr = at + strlen(word) + 2;
        line.len = (size_t)(end - line.ptr);
    }
    if (prints && !gap)
        printf("%.*s%.*s\n", (int)text.len, text.data, (int)line.len, line.ptr);
    buf_release(&text);
    return prints && !gap;
}

void letter_print(const struct user *user)
{
    const char *file = ctl.settings.file, *slash = strrchr(file, '/');
    char own[PATH_MAX], usual[PATH_MAX];
    struct buf text;
    struct slice rest, line;
    struct letter l = { .values = json_object() };
    int r;

    buf_init(&l.pins, LETTER_MAX);
    buf_init(&text, LETTER_MAX);
    snprintf(own, sizeof(own), "%.*sletter.txt",
             slash ? (int)(slash + 1 - file) : 0, file);
    ctl_beside(SALLYPORT_LETTER, usual);
    FD_CLEANUP int fd = open(own, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        fd = open(usual, O_RDONLY | O_CLOEXEC);
    r = fd < 0 ? -errno : fd_read_file(fd, &text);
    if (r < 0)
        fail(EX_OSFILE, "%s, %s: %s", own, usual, strerror(-r));
    put_certificates(&l);
    put_port(&l, &ctl.settings);
    put_user(&l, user);
    put_curl(&l, user);
    rest = buf_slice(&text);
    while (slice_cut(&rest, '\n', &line) && (rest.ptr || line.len > 0))
        for (size_t n = 0; put_line(&l, line, n); n++)
            ;
}
