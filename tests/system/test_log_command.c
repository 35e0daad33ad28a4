/* "sallyportctl log" reads the log of a real server: who sent contract.pdf, and
 * why did Bert's fail? */
#include <criterion/criterion.h>
#include <stdio.h>

#include "ctl.h"
#include "support/server_log.h"
#include "support/session.h"

static const struct server_user users[] = { { .name = "anna" },
                                            { .name = "bert" } };

/* Bert's program dies in the middle of the upload. */
static void cut(struct session *s, const char *name)
{
    struct data d;

    data_open(s, &d, "STOR %s", name);
    data_write(&d, "half", 4);
    data_cut(&d, false);
    session_expect(s, "426 {*}");
}

static void ask(const struct server *server, const char *words,
                const char *said)
{
    char text[SERVER_PATH_MAX + 256];

    snprintf(text, sizeof(text), "log --file %s %s", server_path(server, "log"),
             words);
    ctl(server, 0, text, said);
}

Test(log_command, who_sent_it_and_why_it_failed, .timeout = 60)
{
    const struct server_plan plan = { .users = users, .user_count = 2 };
    struct server server;
    struct session anna, bert;

    server_start(&server, &plan);
    session_enter(&anna, &server, "anna");
    session_enter(&bert, &server, "bert");
    session_store(&anna, "STOR", "contract.pdf", "whole", 5);
    cut(&bert, "contract.pdf");
    session_close(&anna);
    session_close(&bert);
    server_log_wait(&server, "end ", "user=bert ", NULL);
    ask(&server, "--path contract.pdf --since 1h",
        "  anna          upload        5 bytes     done        /contract.pdf");
    ask(&server, "--failed --user bert",
        "  bert          upload        4 bytes     failed 426  /contract.pdf: "
        "closed without close_notify");
    ask(&server, "--user anna --event end", ": quit");
    ask(&server, "--user anna --path contract.pdf --json",
        "\"verb\":\"STOR\",\"path\":\"/contract.pdf\"");
    server_stop(&server);
}
