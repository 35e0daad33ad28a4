/* The letter for a partner: all that a client needs but the password, from the
 * settings, the certificate and the user's row. As text, or as a page of HTML
 * without anything from elsewhere. */
#include "ctl.h"

#include <fcntl.h>
#include <stdarg.h>

#include "sallyport/base/fd.h"
#include "sallyport/tls/shown.h"

#define GAP         "________" /* what the administrator must fill in */
#define PINS_MAX    4
#define LETTER_TEXT (USER_HOME_MAX + 512)
#define FTP_PORT    21
#define FTPS_PORT   990
#define NAME_COLUMN 14

struct letter {
    bool html, in_table;
    char host[256], port[8], url_port[9];
    bool implicit; /* TLS begins with the first byte */
    /* Those that no CA has signed; and whether all are of that kind. */
    struct tls_named own[PINS_MAX];
    size_t owns;
    bool all_own;
};

/* How the letter is written. */

static void put_text(const struct letter *l, const char *text)
{
    for (; *text; text++)
        if (!l->html || !strchr("<>&\"", *text))
            putchar(*text);
        else
            printf("&#%d;", *text);
}

static void end_table(struct letter *l)
{
    if (l->in_table)
        puts("</table>");
    l->in_table = false;
}

static void put_title(struct letter *l, const char *title)
{
    end_table(l);
    fputs(l->html ? "<h2>" : "\n", stdout);
    put_text(l, title);
    puts(l->html ? "</h2>" : "\n");
}

static void put_field(struct letter *l, const char *name, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));
static void put_field(struct letter *l, const char *name, const char *format,
                      ...)
{
    char text[LETTER_TEXT];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (l->html && !l->in_table)
        puts("<table>");
    l->in_table = l->html;
    if (l->html)
        printf("<tr><th>%s</th><td>", name);
    else
        printf("    %-*s ", NAME_COLUMN, name);
    put_text(l, text);
    puts(l->html ? "</td></tr>" : "");
}

static void put_head(const struct letter *l, const struct user *user)
{
    if (!l->html) {
        printf("Your access to %s\n\n", l->host);
        return;
    }
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
          stdout);
    put_text(l, user->name);
    fputs("</title>\n<style>body{font-family:sans-serif;max-width:46em;"
          "margin:2em auto;padding:0 1em;color-scheme:light dark}"
          "th{text-align:left;font-weight:normal;padding-right:2em;"
          "vertical-align:top}td,pre{font-family:monospace;"
          "overflow-wrap:anywhere}pre{white-space:pre-wrap}</style></head>\n"
          "<body><h1>Your access to ",
          stdout);
    put_text(l, l->host);
    puts("</h1>");
}

/* What is in it. */

static void take_certificates(struct letter *l, const struct settings *s)
{
    struct settings_pair pair;
    struct tls_named one;

    l->all_own = true;
    for (size_t i = 0; settings_pair(s, i, &pair); i++) {
        FD_CLEANUP int fd = open(pair.certificate, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || tls_named_in(fd, &one))
            continue;
        if (!l->host[0])
            memcpy(l->host, one.name, sizeof(l->host));
        if (one.self_signed && l->owns < PINS_MAX)
            l->own[l->owns++] = one;
        else
            l->all_own = false;
    }
    if (l->host[0])
        return;
    snprintf(l->host, sizeof(l->host), "%s", GAP);
    stderr_print("no certificate has a name, so the letter has a gap for that "
                 "of the server: " GAP);
}

/* The first listener for clients; LOCAL: also for those of this machine alone.
 * Proxies connect to a listener of theirs, and clients to another port. */
static size_t letter_listener(const struct settings *s, bool local)
{
    size_t i = 0;

    while (i < s->listen_count &&
           (s->listen[i].port == 0 || settings_proxied(s, i) ||
            (!local && address_is_loopback(&s->listen[i]))))
        i++;
    return i;
}

static void take_port(struct letter *l, const struct settings *s)
{
    size_t i = letter_listener(s, false);

    if (i == s->listen_count)
        i = letter_listener(s, true);
    l->implicit = s->listen_count > 0 &&
                  settings_implicit(s, i < s->listen_count ? i : 0);
    if (i == s->listen_count) {
        snprintf(l->port, sizeof(l->port), "%.7s", GAP);
        snprintf(l->url_port, sizeof(l->url_port), ":%.7s", GAP);
        stderr_print("listen says no port that clients connect to, so the "
                     "letter has a gap for it: %.7s",
                     GAP);
        return;
    }
    snprintf(l->port, sizeof(l->port), "%u", (unsigned)s->listen[i].port);
    if (s->listen[i].port != (l->implicit ? FTPS_PORT : FTP_PORT))
        snprintf(l->url_port, sizeof(l->url_port), ":%s", l->port);
}

/* "you can list, read and store" */
static const char *rights_words(unsigned rights, char out[LETTER_TEXT])
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
            len += (size_t)snprintf(out + len, LETTER_TEXT - len, "%s%s",
                                    before, rows[i].words);
            before = ", ";
        }
    snprintf(out + len, LETTER_TEXT - len, "%s",
             rights & RIGHT_MINE ? "; only what is yours" : "");
    return out;
}

/* The first directory, and the rights there. */
static const char *first_directory(const struct user *user, unsigned *rights)
{
    *rights = user->grants > 0 ? user->grant[0].rights : user->rights;
    return user->grants > 0 ? user->share[user->grant[0].share].name : "";
}

/* The home of a partner is only the place from which the shares are seen. */
static bool has_own_directory(const struct user *user)
{
    return user->grants == 0 ||
           (user->rights & ~(unsigned)(RIGHT_LIST | RIGHT_READ)) != 0;
}

static void put_directories(struct letter *l, const struct user *user)
{
    char words[LETTER_TEXT];

    for (size_t i = 0; i < user->grants; i++)
        put_field(l, "directory", "/%s: %s",
                  user->share[user->grant[i].share].name,
                  rights_words(user->grant[i].rights, words));
    if (has_own_directory(user))
        put_field(l, "directory", "/: %s", rights_words(user->rights, words));
}

static void put_access(struct letter *l, const struct user *user)
{
    char when[WHEN_MAX], size[SIZE_TEXT_MAX];

    put_field(l, "server", "%s", l->host);
    put_field(l, "port", "%s", l->port);
    put_field(l, "encryption", "%s TLS, passive mode",
              l->implicit ? "implicit" : "explicit");
    put_field(l, "user", "%s", user->name);
    put_field(l, "password", "%s",
              user->certificate_only ? "any: your certificate counts"
                                     : "comes separately");
    if (user->must_change)
        put_field(l, "first",
                  "change the password by the command SITE PSWD old new; until "
                  "then nothing else works");
    if (user->totp.len > 0)
        put_field(l, "code",
                  "the app's six digits right after the password, in the same "
                  "field");
    if (user->certificate.len > 0)
        put_field(l, "yours", "the server asks for your client certificate");
    put_directories(l, user);
    if (user->expires)
        put_field(l, "ends", "%.10s, %.5s UTC", when_text(user->expires, when),
                  when + strlen("2027-01-31T"));
    if (user->max_files)
        put_field(l, "files", "at most %u, all together", user->max_files);
    if (user->max_bytes)
        put_field(l, "bytes", "at most %s, all together",
                  size_text(user->max_bytes, size));
    for (size_t i = 0; i < l->owns; i++)
        put_field(l, "certificate", "SHA-256 %s", l->own[i].fingerprint);
}

/* The key stands for a certificate that no CA has signed. */
static void put_curl(struct letter *l, const struct user *user)
{
    char line[2 * LETTER_TEXT], pins[LETTER_TEXT] = "";
    unsigned rights;
    const char *directory = first_directory(user, &rights);
    const bool stores = rights & RIGHT_WRITE;
    size_t len = 0;

    for (size_t i = 0; i < l->owns && l->all_own; i++)
        len += (size_t)snprintf(pins + len, sizeof(pins) - len, "%s%s",
                                i > 0 ? ";" : " -k --pinnedpubkey '",
                                l->own[i].pin);
    if (len > 0)
        snprintf(pins + len, sizeof(pins) - len, "'");
    snprintf(line, sizeof(line), "curl%s%s -u %s%s %s %s://%s%s/%s%s%s",
             l->implicit ? "" : " --ssl-reqd", pins, user->name,
             user->certificate.len > 0 ? " --cert YOURS.pem" : "",
             stores ? "-T FILE" : "-O", l->implicit ? "ftps" : "ftp", l->host,
             l->url_port, directory, directory[0] ? "/" : "",
             stores ? "" : "FILE");
    put_title(l, "curl");
    end_table(l);
    fputs(l->html ? "<pre>" : "    ", stdout);
    put_text(l, line);
    puts(l->html ? "</pre>" : "");
}

static void put_clients(struct letter *l, const struct user *user)
{
    unsigned rights;
    const char *directory = first_directory(user, &rights);

    put_title(l, "FileZilla: Site Manager");
    put_field(l, "Protocol", "FTP - File Transfer Protocol");
    put_field(l, "Host", "%s", l->host);
    put_field(l, "Port", "%s", l->port);
    put_field(l, "Encryption", "Require %s FTP over TLS",
              l->implicit ? "implicit" : "explicit");
    put_field(l, "Logon Type", "Ask for password");
    put_field(l, "User", "%s", user->name);
    put_field(l, "Advanced", "Default remote directory /%s", directory);
    if (l->owns > 0)
        put_field(l, "Certificate",
                  "compare the SHA-256 fingerprint once, then trust it");
    put_title(l, "WinSCP: Login");
    put_field(l, "File protocol", "FTP");
    put_field(l, "Encryption", "TLS/SSL %s encryption",
              l->implicit ? "Implicit" : "Explicit");
    put_field(l, "Host name", "%s", l->host);
    put_field(l, "Port number", "%s", l->port);
    put_field(l, "User name", "%s", user->name);
    put_field(l, "Advanced", "Environment, Directories, Remote directory: /%s",
              directory);
}

void letter_print(const struct context *x, const struct user *user, bool html)
{
    struct letter l = { .html = html };

    take_certificates(&l, &x->settings);
    take_port(&l, &x->settings);
    put_head(&l, user);
    put_access(&l, user);
    put_curl(&l, user);
    put_clients(&l, user);
    end_table(&l);
    if (html)
        puts("</body></html>");
}
