#include "ctl.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/run.h"

#define WORDS_MAX 16

static void run_beside(const struct server *server, const char *name,
                       int status, const char *text, const char *said)
{
    char words[SERVER_PATH_MAX + 256], program[SERVER_PATH_MAX];
    char config[SERVER_PATH_MAX];
    char *arguments[WORDS_MAX] = { program, (char[]){ "--config" }, config };
    struct run_result r;
    size_t n = 3;

    snprintf(words, sizeof(words), "%s", text);
    snprintf(program, sizeof(program), "%s", server_program(name));
    snprintf(config, sizeof(config), "%s",
             server_path(server, "sallyport.conf"));
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        cr_assert_lt(n, WORDS_MAX - 1, "%s", text);
        arguments[n++] = word;
    }
    run_arguments(&r, SERVER_PASSWORD "\n", arguments);
    cr_assert_eq(r.status, status, "%s: %d: %s", text, r.status, r.text);
    cr_assert_not_null(strstr(r.text, said), "%s: no \"%s\" in: %s", text, said,
                       r.text);
    run_release(&r);
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
