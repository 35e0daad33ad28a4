#include "ctl.h"

#include "support/files.h"
#include "support/run.h"
#include "support/test.h"

#define WORDS_MAX   16
#define WORDS_BYTES (SERVER_PATH_MAX + 256)

/* Fills in ARGUMENTS; they point into WORDS. */
static void fill(const struct server *server, const char *name,
                 const char *text, char words[WORDS_BYTES],
                 char *arguments[WORDS_MAX])
{
    size_t n = 3;

    arguments[0] = (char *)server_program(name);
    arguments[1] = "--config";
    arguments[2] = (char *)server_path(server, "sallyport.conf");
    snprintf(words, WORDS_BYTES, "%s", text);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        cr_assert_lt(n, WORDS_MAX - 1, "%s", text);
        arguments[n++] = word;
    }
    arguments[n] = NULL;
}

static void run_beside(const struct server *server, const char *name,
                       int status, const char *text, const char *said)
{
    char words[WORDS_BYTES], *arguments[WORDS_MAX];
    struct run_result r;

    fill(server, name, text, words, arguments);
    run_arguments(&r, SERVER_PASSWORD "\n", arguments);
    cr_assert_eq(r.status, status, "%s: %d: %s", text, r.status, r.text);
    cr_assert_not_null(strstr(r.text, said), "%s: no \"%s\" in: %s", text, said,
                       r.text);
    run_release(&r);
}

void ctl_start(const struct server *server, const char *text,
               struct running *ret)
{
    char words[WORDS_BYTES], *arguments[WORDS_MAX];

    fill(server, "sallyportctl", text, words, arguments);
    run_start(ret, NULL, arguments);
}

void ctl(const struct server *server, int status, const char *text,
         const char *said)
{
    run_beside(server, "sallyportctl", status, text, said);
}

void ctl_check(const struct server *server, int status, const char *said)
{
    run_beside(server, "sallyportd", status, "--check", said);
}

static void put_on_path(const struct server *server, const char *program)
{
    char path[SERVER_PATH_MAX], text[SERVER_PATH_MAX * 3];

    snprintf(path, sizeof(path), "%s/%s", server_path(server, "bin"), program);
    snprintf(text, sizeof(text), "#!/bin/sh\nexec '%s' --config '%s' \"$@\"\n",
             server_program(program), server_path(server, "sallyport.conf"));
    files_write(path, text, strlen(text), 0755);
}

void ctl_on_path(const struct server *server)
{
    char text[SERVER_PATH_MAX * 3];

    files_make_folder(server_path(server, "bin"), 0755);
    put_on_path(server, "sallyportctl");
    put_on_path(server, "sallyportd");
    snprintf(text, sizeof(text), "%s:%s", server_path(server, "bin"),
             getenv("PATH"));
    setenv("PATH", text, 1);
}
