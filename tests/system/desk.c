/* Runs the client under test in a directory of its own. */
#include "desk.h"

#include "support/fail.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/test.h"

void desk_begin_alone(struct desk *d)
{
    *d = (struct desk){ .user = "" };
    snprintf(d->dir, sizeof(d->dir), "%s/client-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    cr_assert_not_null(mkdtemp(d->dir));
    cr_assert_eq(chdir(d->dir), 0);
    setenv("HOME", d->dir, 1);
    snprintf(d->password, sizeof(d->password), "%s/password", d->dir);
    files_write(d->password, SERVER_PASSWORD, strlen(SERVER_PASSWORD), 0600);
}

void desk_begin(struct desk *d, const char *user)
{
    desk_begin_alone(d);
    server_shared(&d->server);
    d->user = user;
    snprintf(d->url, sizeof(d->url), "ftps://%s@127.0.0.1:%u", user,
             d->server.port);
    snprintf(d->ca, sizeof(d->ca), "%s",
             server_path(&d->server, "certificate.pem"));
}

void desk_end(const struct desk *d)
{
    cr_assert_eq(chdir("/"), 0);
    scratch_remove_tree(d->dir);
}

void desk_noise(const char *path, size_t len)
{
    char *bytes = malloc(len);

    cr_assert_not_null(bytes);
    files_noise(bytes, len, 7);
    files_write(path, bytes, len, 0644);
    free(bytes);
}

void desk_same(const char *a, const char *b)
{
    struct run_result r;

    run(&r, NULL, "/usr/bin/diff", "-r", a, b, NULL);
    FAIL_IF(r.status != 0, "%s and %s: %s", a, b, r.text);
    run_release(&r);
}

static void desk_arguments(const struct desk *d, char *out[DESK_ARGUMENTS],
                           va_list words)
{
    static char url[8][1024];
    size_t n = 0, urls = 0;

    out[n++] = (char *)server_program("sallyport");
    out[n++] = "--cacert";
    out[n++] = (char *)d->ca;
    out[n++] = "--password-file";
    out[n++] = (char *)d->password;
    for (const char *w; (w = va_arg(words, const char *));) {
        cr_assert_lt(n, DESK_ARGUMENTS - 1);
        if (w[0] == '/' && urls < 8) {
            snprintf(url[urls], sizeof(url[urls]), "%s%s", d->url, w);
            w = url[urls++];
        }
        out[n++] = (char *)w;
    }
    out[n] = NULL;
}

void desk_says(const struct desk *d, int status, const char *text, ...)
{
    char *arguments[DESK_ARGUMENTS];
    struct run_result r;
    va_list words;

    va_start(words, text);
    desk_arguments(d, arguments, words);
    va_end(words);
    run_arguments(&r, NULL, arguments);
    FAIL_IF(r.status != status, "status %d: %s", r.status, r.text);
    FAIL_IF(text && !strstr(r.text, text), "no \"%s\" in %s", text, r.text);
    run_release(&r);
}
