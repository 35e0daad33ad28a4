/* sallyportctl beside a server at work: what it shows of sessions, and who may
 * ask. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "generation.h"
#include "support/run.h"
#include "support/session.h"
#include "support/wait.h"

#define BLOCK (256u << 10)

static const struct server_plan plan = { 0 };

/* Asks until the server has received the block. */
struct wanted {
    const struct server *server;
    const char *text;
};

static bool who_shows(void *of)
{
    const struct wanted *w = of;
    char program[SERVER_PATH_MAX], config[SERVER_PATH_MAX];
    struct run_result r;
    bool shows;

    snprintf(program, sizeof(program), "%s", server_program("sallyportctl"));
    snprintf(config, sizeof(config), "%s",
             server_path(w->server, "sallyport.conf"));
    run(&r, "", program, "--config", config, "who", NULL);
    shows = r.status == 0 && strstr(r.text, w->text);
    run_release(&r);
    return shows;
}

/* An upload that has come to a stop, in the generation that leads and in an
 * older one. */
Test(live, who_shows_a_transfer, .timeout = 60)
{
    static char block[BLOCK];
    struct wanted w = { .text = "STOR /big, 256 KiB of 512 KiB, " };
    struct server server;
    struct session s;
    struct data d;

    server_start(&server, &plan);
    w.server = &server;
    session_enter(&s, &server, "anna");
    session_do(&s, "200 {*}", "CLNT a client");
    ctl(&server, 0, "who", "    idle; a client; TLSv1.");
    session_do(&s, "200 {*}", "ALLO %u", 2 * BLOCK);
    data_open(&s, &d, "STOR big");
    data_write(&d, block, BLOCK);
    cr_expect(wait_until(who_shows, &w, 20000));
    ctl(&server, 0, "who --json", "\"of\": 524288");
    generation_reload(&server, GENERATION_SIGNAL);
    cr_expect(wait_until(who_shows, &w, 20000));
    data_write(&d, block, BLOCK);
    data_close(&d);
    session_expect(&s, "226 {*}");
    session_close(&s);
    server_stop(&server);
}
