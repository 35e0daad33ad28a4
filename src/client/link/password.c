/* The terminal, passwords, and the choice of the proxy with its password. All
 * copies of a password are wiped, and it is never printed. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "link.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/execute.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/prompt.h"

#define PASSWORD_FILE_MAX 65536
#define VARIABLE          "SALLYPORT_PASSWORD"
#define COMMAND_ANSWER    4096
#define COMMAND_MS        60000

/* Returns the next word of a netrc; "" at the end of the netrc. A quoted word
 * keeps its quotes. */
static struct slice netrc_word(struct slice *rest)
{
    while (rest->len > 0 && strchr(" \t\r\n", rest->ptr[0]))
        *rest = (struct slice){ rest->ptr + 1, rest->len - 1 };
    struct slice word = { rest->ptr, 0 };
    if (rest->len > 0 && rest->ptr[0] == '"') {
        for (word.len = 1; word.len < rest->len && word.ptr[word.len] != '"';)
            word.len += word.ptr[word.len] == '\\' ? 2 : 1;
        word.len = word.len < rest->len ? word.len + 1 : rest->len;
    }
    while (word.len < rest->len && !strchr(" \t\r\n", rest->ptr[word.len]))
        word.len++;
    *rest = (struct slice){ rest->ptr + word.len, rest->len - word.len };
    return word;
}

/* Removes the quotes; inside them "\" precedes a literal byte. */
static int netrc_plain(struct slice word, char *out, size_t size)
{
    bool quoted =
        word.len > 1 && word.ptr[0] == '"' && word.ptr[word.len - 1] == '"';
    size_t len = 0;

    if (!quoted)
        return slice_copy(word, out, size);
    for (size_t i = 1; i + 1 < word.len; i++) {
        if (word.ptr[i] == '\\' && i + 2 < word.len)
            i++;
        if (len + 1 == size)
            return -ENAMETOOLONG;
        out[len++] = word.ptr[i];
    }
    out[len] = '\0';
    return 0;
}

/* Drops the text before END; if there is no END, the whole text. */
static void netrc_skip(struct slice *rest, struct slice end)
{
    const char *at =
        rest->len ? memmem(rest->ptr, rest->len, end.ptr, end.len) : NULL;
    size_t gone = at ? (size_t)(at - rest->ptr) : rest->len;

    *rest = (struct slice){ rest->ptr + gone, rest->len - gone };
}

/* An entry of a netrc, which begins with "machine" or "default". The entry is
 * used if it is complete and fits the host. */
struct netrc_entry {
    bool fits;
    struct slice login, password;
};

static bool netrc_take(const struct netrc_entry *e, struct url *url,
                       struct secret *ret)
{
    char password[SECRET_MAX + 1], login[URL_PART_MAX];

    if (!e->fits || !e->password.ptr ||
        netrc_plain(e->password, password, sizeof(password)) < 0)
        return false;
    int r = secret_set(ret, slice_from(password));
    explicit_bzero(password, sizeof(password));
    if (r < 0 || netrc_plain(e->login, login, sizeof(login)) < 0)
        return false;
    if (url->user[0] || !e->login.ptr)
        return url->user[0] && (!e->login.ptr || strcmp(login, url->user) == 0);
    snprintf(url->user, sizeof(url->user), "%s", login);
    return true;
}

bool password_netrc(struct slice rest, bool by_name, struct url *url,
                    struct secret *ret)
{
    struct netrc_entry e = { 0 };

    for (;;) {
        struct slice word = netrc_word(&rest);
        bool machine = slice_equal(word, SLICE("machine"));

        if (word.len == 0 || machine || slice_equal(word, SLICE("default"))) {
            if (netrc_take(&e, url, ret))
                return true;
            if (word.len == 0)
                break;
            e = (struct netrc_entry){ .fits = !by_name };
            if (machine)
                e.fits = slice_equal_nocase(netrc_word(&rest),
                                            slice_from(url->host));
        } else if (slice_equal(word, SLICE("login"))) {
            e.login = netrc_word(&rest);
        } else if (slice_equal(word, SLICE("password"))) {
            e.password = netrc_word(&rest);
        } else if (slice_equal(word, SLICE("macdef"))) {
            netrc_skip(&rest, SLICE("\n\n"));
        } else if (word.ptr[0] == '#') {
            netrc_skip(&rest, SLICE("\n"));
        }
    }
    secret_wipe(ret);
    return false;
}

static int from_netrc(const struct options *o, bool by_name, struct url *url,
                      struct secret *ret, struct failure *why)
{
    char place[PATH_MAX];
    const char *home = getenv("HOME");
    const char *path = o->netrc ? o->netrc : place;
    struct buf text;

    snprintf(place, sizeof(place), "%s/.netrc", home ? home : "");
    buf_init(&text, PASSWORD_FILE_MAX);
    int r = private_read(path, true, o->netrc, &text, why);
    /* Perhaps ~/.netrc is only for other programs. */
    if (r < 0 && !o->netrc && why->code == EX_NOPERM) {
        progress_note("no password is read: %s", why->text);
        r = 1;
    }
    if (r == 0)
        r = password_netrc(buf_slice(&text), by_name, url, ret) ? 0 : 1;
    buf_release(&text);
    return r;
}

static int password_take(struct slice line, const char *source,
                         struct secret *ret, struct failure *why)
{
    struct slice first;

    slice_cut(&line, '\n', &first);
    if (first.len > 0 && first.ptr[first.len - 1] == '\r')
        first.len--;
    if (first.len == 0 || secret_set(ret, first) < 0)
        return fail(why, EX_DATAERR, "%s: no password of 1 to %d bytes", source,
                    SECRET_MAX);
    return 0;
}

static int from_command(const struct options *o, struct secret *ret,
                        struct failure *why)
{
    const char *const argv[] = { "/bin/sh", "-c", o->password_command, NULL };
    char answer[COMMAND_ANSWER];

    if (!o->password_command)
        return 1;
    int status =
        execute_program(argv, COMMAND_MS, false, answer, sizeof(answer));
    int r = status != 0 ? fail(why, EX_UNAVAILABLE,
                               "--password-command: the command failed, or "
                               "didn't end in %d s",
                               COMMAND_MS / 1000)
                        : password_take(slice_from(answer),
                                        "--password-command", ret, why);
    explicit_bzero(answer, sizeof(answer));
    return r;
}

/* Asks on the terminal. A client certificate can be enough, so with --cert an
 * empty password, or no terminal, is accepted. */
int password_ask(const struct options *o, const struct url *url,
                 struct secret *ret, struct failure *why)
{
    char prompt[2 * URL_PART_MAX + 64];
    bool cert = o && o->cert;

    snprintf(prompt, sizeof(prompt), "Password of %s at %s%s: ", url->user,
             url->host, cert ? " (empty: the certificate alone)" : "");
    int r = tty_secret(prompt, ret);
    if (cert && (r == -ENOTTY || r == -EINVAL)) {
        secret_wipe(ret);
        return 0;
    }
    if (r == -ENOTTY)
        return fail(why, EX_NOPERM,
                    "there is no password for %s at %s, and no terminal to ask "
                    "for it; use %s",
                    url->user, url->host,
                    o ? "--password-file, netrc or " VARIABLE : "netrc");
    return r < 0 ? tty_blame(r, why) : 0;
}

/* The value of VARIABLE, for the first login. */
static char *variable;

void password_begin(void)
{
    char *value = getenv(VARIABLE);

    if (!value)
        return;
    variable = strdup(value);
    explicit_bzero(value, strlen(value));
    unsetenv(VARIABLE);
}

/* Looks at the settings. The variable counts only if neither a file nor a
 * command gives a password. */
static int from_settings(const struct options *o, struct secret *ret,
                         const char **place, struct failure *why)
{
    SECRET_CLEANUP struct secret given = { 0 };
    struct failure bad;
    struct buf text;
    int from = 1;

    if (variable) {
        from = password_take(slice_from(variable), VARIABLE, &given, &bad);
        explicit_bzero(variable, strlen(variable));
        free(variable);
        variable = NULL;
    }
    buf_init(&text, PASSWORD_FILE_MAX);
    int r = o->password_file
                ? private_read(o->password_file, true, true, &text, why)
                : 1;
    if (r == 0)
        r = password_take(buf_slice(&text), o->password_file, ret, why);
    buf_release(&text);
    *place = "the file of --password-file";
    if (r == 1) {
        r = from_command(o, ret, why);
        *place = "what --password-command reads";
    }
    if (r != 1)
        return r;
    *place = VARIABLE;
    if (from == 0)
        *ret = given;
    else if (from < 0)
        *why = bad;
    return from;
}

int password_find(const struct options *o, struct url *url, struct secret *ret,
                  const char **place, struct failure *why)
{
    if (!url->user[0] && o->user)
        snprintf(url->user, sizeof(url->user), "%s", o->user);
    int r = from_settings(o, ret, place, why);
    if (r == 1) {
        r = from_netrc(o, false, url, ret, why);
        *place = r == 0 ? "the netrc" : NULL;
    }
    if (r < 0 || url->user[0])
        return r;
    return fail(why, EX_USAGE,
                "no user is named; write ftps://USER@%s/ or --user USER",
                url->host);
}

/* Uses the terminal for passwords and questions. */

bool tty_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static int tty_ask(const char *prompt, bool echo, char *out, size_t size)
{
    FD_CLEANUP int tty = prompt_open();
    char safe[2 * SHOW_MAX];
    struct prompt q = {
        .text = safe, .echo = echo, .ms = UINT64_MAX, .stop = &link_interrupted
    };
    int r;

    show_text(prompt, safe, sizeof(safe));
    r = tty < 0 ? -ENOTTY : prompt_ask(tty, &q, out, size);
    return r == -ENODATA ? -EINTR : r;
}

int tty_secret(const char *prompt, struct secret *ret)
{
    char line[SECRET_MAX + 1];
    int r = tty_ask(prompt, false, line, sizeof(line));

    if (r > 0)
        r = secret_set(ret, (struct slice){ line, (size_t)r });
    else if (r == 0)
        r = -EINVAL;
    explicit_bzero(line, sizeof(line));
    return r;
}

int tty_blame(int r, struct failure *why)
{
    return r == -ENAMETOOLONG
               ? fail(why, EX_DATAERR, "the password is too long")
               : fail(why, EX_TEMPFAIL, "no password was given");
}

int tty_line(const char *prompt, char *out, size_t size)
{
    int r = tty_ask(prompt, true, out, size);

    return r < 0 ? r : 0;
}

/* The choice of the proxy, and its password. libcurl speaks SOCKS5 and CONNECT,
 * and reads the proxy's answers. The proxy looks up the names of servers, so
 * this machine sends them nowhere else. */

static const char *proxy_variable(const char *small, const char *large)
{
    const char *value = getenv(small);

    return value ? value : getenv(large);
}

/* Is ONE, an item of NO_PROXY, "*", the host, a domain above it, or a network
 * that contains it? */
static bool proxy_excepts_one(struct slice one, const char *host)
{
    struct complaint unread;
    struct network network;
    struct address address;
    size_t len = strlen(host);

    if (slice_starts(one, SLICE(".")))
        one = (struct slice){ one.ptr + 1, one.len - 1 };
    if (slice_equal(one, SLICE("*")))
        return true;
    if (address_parse(slice_from(host), &address) == 0)
        return network_parse(one, &network, &unread) == 0 &&
               network_holds(&network, &address);
    if (one.len == 0 || one.len > len)
        return false;
    const char *end = host + len - one.len;
    return slice_equal_nocase(one, slice_from(end)) &&
           (end == host || end[-1] == '.');
}

int proxy_find(const struct options *o, const char *host, struct proxy *ret,
               struct failure *why)
{
    struct complaint bad = { "" };
    const char *text = o->proxy;
    char place[URL_PLACE_MAX];
    struct url url;
    bool socks;

    struct slice rest, one;
    bool excepted = false;

    *ret = (struct proxy){ 0 };
    rest = slice_from(proxy_variable("no_proxy", "NO_PROXY"));
    while (slice_cut(&rest, ',', &one))
        excepted |= proxy_excepts_one(slice_trim(one), host);
    if (!text && !excepted)
        text = proxy_variable("all_proxy", "ALL_PROXY");
    if (!text || !text[0] || strcmp(text, "none") == 0)
        return 0;
    if (url_parse_proxy(text, &socks, &url, &bad) < 0)
        return fail(why, EX_USAGE, "%s: %s", o->proxy ? "--proxy" : "ALL_PROXY",
                    bad.text);
    snprintf(ret->name, sizeof(ret->name), "%s://%s",
             socks ? "socks5h" : "http", url_place(&url, place));
    snprintf(ret->user, sizeof(ret->user), "%s", url.user);
    if (!url.user[0])
        return 0;
    /* The password that netrc has by default is the servers', and the proxy
     * gets its own one unencrypted. */
    int r = from_netrc(o, true, &url, &ret->password, why);
    return r == 1 ? password_ask(NULL, &url, &ret->password, why) : r;
}
